/// One place in a model's forward pass where an activation can be read and edited.
public struct HookPoint: Hashable, Sendable {
    public let kind: HookKind
    /// The block, from 0; `nil` for the points outside the blocks.
    public let layer: Int?

    public init(_ kind: HookKind, layer: Int? = nil) {
        self.kind = kind
        self.layer = kind.isPerLayer ? layer ?? 0 : nil
    }

    /// TransformerLens's full name, such as `blocks.0.attn.hook_pattern`.
    public var name: String {
        layer.map { "blocks.\($0).\(kind.suffix)" } ?? kind.suffix
    }
}

extension HookPoint: CustomStringConvertible {
    public var description: String { name }
}

extension HookPoint: Comparable {
    /// The order in which a forward pass reaches the points.
    public static func < (left: HookPoint, right: HookPoint) -> Bool {
        left.orderKey < right.orderKey
    }

    /// Whether the point lies before the first block.
    var isBeforeBlocks: Bool { kind <= .posEmbed }

    private var orderKey: (Int, Int) {
        (isBeforeBlocks ? -1 : layer ?? Int.max, kind.rawValue)
    }
}
