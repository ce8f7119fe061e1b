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
    /// The entries of each axis where they follow one another, as they mostly do.
    private let runs: [Range<Int>?]

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
        runs = entries.map { entries in
            let first = entries.first ?? 0
            return entries.enumerated().allSatisfy { $1 == first + $0 } ? first..<first + entries.count : nil
        }
    }

    var count: Int { entries.reduce(1) { $0 * $1.count } }

    /// The entries of the innermost axis.
    var components: [Int] { entries.last ?? [] }

    /// Per axis of the activation, how far apart its entries lie.
    var strides: [Int] { shape.rowMajorStrides }

    // MARK: - Visiting

    /// Calls `body` with the values of the part that lie side by side in the activation, row-major.
    ///
    /// - Throws: `CANCELLED` or `DEADLINE_EXCEEDED`.
    func forEachRun(control: CallControl, _ body: (Range<Int>) -> Void) throws(LensError) {
        guard !entries.isEmpty else { return }
        // Inner axes that are taken whole belong to one run.
        var axis = entries.count - 1
        while axis > 0, runs[axis]?.count == shape[axis] { axis -= 1 }
        let strides = strides
        var visited = 0
        func visit(_ outer: Int, _ start: Int) throws(LensError) {
            guard outer == axis else {
                for entry in entries[outer] { try visit(outer + 1, start + entry * strides[outer]) }
                return
            }
            visited += entries[axis].count * strides[axis]
            if visited >= 1 << 20 {
                try control.check()
                visited = 0
            }
            if let run = runs[axis] {
                let first = start + run.lowerBound * strides[axis]
                return body(first..<first + run.count * strides[axis])
            }
            for entry in entries[axis] {
                let first = start + entry * strides[axis]
                body(first..<first + strides[axis])
            }
        }
        try visit(0, 0)
    }

    /// Calls `body` with where each of the part's rows along the innermost axis begins, row-major: in the activation,
    /// and in an operand that broadcasts to the part.
    ///
    /// - Parameter operandShape: one that ``checkBroadcast(_:at:)`` accepts; `[]` for a single number or no operand.
    /// - Throws: `CANCELLED` or `DEADLINE_EXCEEDED`.
    func forEachRow(
        beside operandShape: [Int] = [], control: CallControl, _ body: (_ row: Int, _ operandRow: Int) -> Void
    ) throws(LensError) {
        let strides = strides
        let operandStrides = broadcastStrides(operandShape)
        let rowsBetweenChecks = max((1 << 20) / max(components.count, 1), 1)
        var untilCheck = rowsBetweenChecks
        func visit(_ axis: Int, _ row: Int, _ operandRow: Int) throws(LensError) {
            guard axis < entries.count - 1 else {
                untilCheck -= 1
                if untilCheck == 0 {
                    try control.check()
                    untilCheck = rowsBetweenChecks
                }
                return body(row, operandRow)
            }
            for (index, entry) in entries[axis].enumerated() {
                try visit(axis + 1, row + entry * strides[axis], operandRow + index * operandStrides[axis])
            }
        }
        try visit(0, 0, 0)
    }

    /// Calls `body` for each entry of the innermost axis, with its number among them.
    @inline(__always)
    func forEachComponent(_ body: (_ number: Int, _ component: Int) -> Void) {
        if let run = runs.last ?? nil {
            for number in 0..<run.count { body(number, run.lowerBound + number) }
        } else {
            for (number, component) in components.enumerated() { body(number, component) }
        }
    }

    /// The part's values, in its own shape.
    func gather(_ activation: Tensor, control: CallControl) throws(LensError) -> Edit.Values {
        var part = Tensor(uninitialized: [count])
        try part.withMutablePointer { (part) throws(LensError) in
            var next = part
            try activation.withPointer { (values) throws(LensError) in
                try forEachRun(control: control) { run in
                    next.update(from: values + run.lowerBound, count: run.count)
                    next += run.count
                }
            }
        }
        return Edit.Values(shape: droppedShape, tensor: part)
    }

    // MARK: - Broadcasting

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

    /// How far apart an operand's values along the innermost axis lie: 1, or 0 where it has one for all.
    func componentStride(_ operandShape: [Int]) -> Int { broadcastStrides(operandShape).last ?? 0 }

    /// Per axis of the activation; zero where the operand has one value for all entries.
    private func broadcastStrides(_ operandShape: [Int]) -> [Int] {
        var remaining = Array(zip(operandShape, operandShape.rowMajorStrides))
        var result = [Int](repeating: 0, count: entries.count)
        for axis in entries.indices.reversed() where !isDropped[axis] {
            guard let (size, stride) = remaining.popLast() else { break }
            result[axis] = size == 1 ? 0 : stride
        }
        return result
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

extension [Int] {
    /// How far apart the entries of each axis of a row-major shape lie.
    var rowMajorStrides: [Int] {
        var strides = self
        var next = 1
        for axis in indices.reversed() {
            strides[axis] = next
            next *= self[axis]
        }
        return strides
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
