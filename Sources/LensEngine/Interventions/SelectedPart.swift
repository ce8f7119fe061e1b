import LensCore
import LensTensor

/// The part of one activation that an edit means: the selection held against the activation's shape.
struct SelectedPart: Sendable {
    /// Entries of each axis, outermost first.
    let entries: [[Int]]
    /// The activation's shape.
    let shape: [Int]
    /// The part's own shape as NumPy has it: axes that were named by one index are gone.
    let droppedShape: [Int]
    private let isDropped: [Bool]

    /// - Throws: `INVALID_ARGUMENT` for an axis that the point does not have and an entry out of range.
    init(_ selection: Selection, of kind: HookKind, shape: [Int]) throws(LensError) {
        try Self.checkAxes(selection, of: kind)
        var entries: [[Int]] = []
        var isDropped: [Bool] = []
        for (axis, size) in zip(kind.axes, shape) {
            let indices = selection[axis]
            entries.append(try indices?.resolved(count: size, axis.word) ?? Array(0..<size))
            isDropped.append(indices?.isDropped ?? false)
        }
        self.entries = entries
        self.shape = shape
        self.isDropped = isDropped
        droppedShape = zip(entries, isDropped).filter { !$0.1 }.map(\.0.count)
    }

    var count: Int { entries.reduce(1) { $0 * $1.count } }

    /// Where the part's rows along the innermost axis begin, row-major.
    var rowOffsets: [Int] { Self.offsets(entries.dropLast(), strides: strides(of: shape)) }

    /// The entries of the innermost axis.
    var components: [Int] { entries.last ?? [] }

    /// Calls `body` with the offset of every value of the part, row-major.
    func forEachOffset(_ body: (Int) -> Void) {
        let components = components
        for row in rowOffsets { for component in components { body(row + component) } }
    }

    /// Calls `body` with the offset of every value and of the operand's value that broadcasting puts beside it.
    ///
    /// - Parameter operandShape: in the part's own shape or one that broadcasts to it, see ``checkBroadcast(_:)``.
    func forEachOffset(beside operandShape: [Int], _ body: (Int, Int) -> Void) {
        let operandStrides = broadcastStrides(operandShape)
        let rows = rowOffsets
        let operandRows = Self.offsets(
            entries.dropLast().map { Array(0..<$0.count) }, strides: Array(operandStrides))
        let components = components
        let step = operandStrides.last ?? 0
        for (row, operandRow) in zip(rows, operandRows) {
            for (index, component) in components.enumerated() { body(row + component, operandRow + index * step) }
        }
    }

    /// - Throws: `INVALID_ARGUMENT` naming both shapes where NumPy would not broadcast the operand to the part.
    func checkBroadcast(_ operandShape: [Int], at point: HookPoint) throws(LensError) {
        let fits =
            operandShape.count <= droppedShape.count
            && zip(operandShape.reversed(), droppedShape.reversed()).allSatisfy { $0 == 1 || $0 == $1 }
        guard fits else {
            throw .invalidArgument(
                "values for \(point.name) must broadcast to the selected part's shape \(droppedShape); "
                    + "received shape \(operandShape)")
        }
    }

    // MARK: - Strides

    private func strides(of shape: [Int]) -> [Int] {
        shape.indices.map { shape[($0 + 1)...].reduce(1, *) }
    }

    /// Per axis of the activation; zero where the operand has one value for all entries.
    private func broadcastStrides(_ operandShape: [Int]) -> [Int] {
        let own = strides(of: operandShape)
        var remaining = Array(zip(operandShape, own))
        var result = [Int](repeating: 0, count: entries.count)
        for axis in entries.indices.reversed() where !isDropped[axis] {
            guard let (size, stride) = remaining.popLast() else { break }
            result[axis] = size == 1 ? 0 : stride
        }
        return result
    }

    private static func offsets(_ entries: some Collection<[Int]>, strides: [Int]) -> [Int] {
        zip(entries, strides).reduce([0]) { offsets, axis in
            offsets.flatMap { offset in axis.0.map { offset + $0 * axis.1 } }
        }
    }

    // MARK: - Axes

    private static func checkAxes(_ selection: Selection, of kind: HookKind) throws(LensError) {
        let named: [(Indices?, String, (HookKind.Axis) -> Bool)] = [
            (selection.heads, "heads", { $0 == .head || $0 == .keyHead }),
            (selection.positions, "positions", { $0 == .pos }),
            (selection.sources, "source positions", { $0 == .sourcePos }),
            (selection.components, "components", { [.dHead, .dModel, .dMLP, .vocab].contains($0) }),
        ]
        for (indices, word, isMeant) in named where indices != nil && !kind.axes.contains(where: isMeant) {
            let points = HookKind.allCases.filter { $0.axes.contains(where: isMeant) }
            throw .invalidArgument(
                "\(kind.suffix) has no \(word); points with \(word): \(points.map(\.suffix).joined(separator: ", "))")
        }
    }
}

extension HookKind.Axis {
    /// What one entry of the axis is called.
    var word: String {
        switch self {
        case .pos: "position"
        case .sourcePos: "source position"
        case .head, .keyHead: "head"
        case .dHead, .dModel, .dMLP, .vocab, .one: "component"
        }
    }
}
