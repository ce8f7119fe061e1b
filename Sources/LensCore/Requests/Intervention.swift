/// An edit of one activation during a pass. Edits apply in the order in which they are given.
public struct Intervention: Sendable, Hashable {
    public enum Action: String, Sendable, CaseIterable {
        /// Set to zero.
        case zero
        /// Replaced by the mean over the sequence's own positions.
        case mean
    }

    public var point: HookPoint
    public var action: Action
    /// The heads that are edited; `nil` means the whole activation.
    public var heads: [Int]?

    public init(point: HookPoint, action: Action, heads: [Int]? = nil) {
        self.point = point
        self.action = action
        self.heads = heads
    }
}
