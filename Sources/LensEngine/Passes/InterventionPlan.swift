import LensCore
import LensModel

/// The edits of a pass, by the point at which they happen; at one point in the order in which they were given.
struct InterventionPlan: Sendable {
    private let edits: [HookPoint: [Intervention]]
    /// In the order in which a pass reaches them.
    let points: [HookPoint]

    init(_ interventions: [Intervention]) {
        edits = Dictionary(grouping: interventions, by: \.point)
        points = edits.keys.sorted()
    }

    /// Edits every sequence of a pass that stands at one of the points.
    func apply(to state: inout ForwardState, control: CallControl) throws(LensError) {
        guard let here = edits[state.point] else { return }
        for sequence in state.tokens.indices {
            for edit in here {
                try control.check()
                try state.apply(edit, to: sequence)
            }
        }
    }
}

extension ForwardState {
    /// Applies an edit to one sequence of a pass that stands at the edit's point.
    mutating func apply(_ edit: Intervention, to sequence: Int) throws(LensError) {
        let axes = edit.point.kind.axes
        try self.edit(sequence) { (values, shape) throws(LensError) in
            let layout = try HeadLayout(axes: axes, shape: shape, heads: edit.heads)
            switch edit.action {
            case .zero: layout.forEachIndex { values[$0] = 0 }
            case .mean: layout.replaceByMeanOverPositions(values)
            }
        }
    }
}

/// Where the values of chosen heads lie in an activation: `[pos, head, …]`, `[head, pos, …]` or, without heads, `[pos, …]`.
private struct HeadLayout {
    let heads: [Int]
    let positions: Int
    let width: Int
    let headStride: Int
    let positionStride: Int

    init(axes: [HookKind.Axis], shape: [Int], heads: [Int]?) throws(LensError) {
        let headAxis = axes.firstIndex { $0 == .head || $0 == .keyHead }
        if let heads {
            guard let headAxis else { throw .invalidArgument("the activation has no heads to choose from") }
            for head in heads where !(0..<shape[headAxis]).contains(head) {
                throw .outOfRange("head", head, 0..<shape[headAxis])
            }
        }
        let headCount = headAxis.map { shape[$0] } ?? 1
        self.heads = heads ?? Array(0..<headCount)
        positions = axes.firstIndex { $0 == .pos }.map { shape[$0] } ?? 1
        width = shape.reduce(1, *) / max(headCount * positions, 1)
        if headAxis == 0 {
            positionStride = width
            headStride = width * positions
        } else {
            headStride = width
            positionStride = width * headCount
        }
    }

    func forEachIndex(_ body: (Int) -> Void) {
        for head in heads {
            for position in 0..<positions {
                let start = head * headStride + position * positionStride
                for index in start..<start + width { body(index) }
            }
        }
    }

    func replaceByMeanOverPositions(_ values: UnsafeMutableBufferPointer<Float>) {
        for head in heads {
            for column in 0..<width {
                let first = head * headStride + column
                var total = 0.0
                for position in 0..<positions { total += Double(values[first + position * positionStride]) }
                let mean = Float(total / Double(max(positions, 1)))
                for position in 0..<positions { values[first + position * positionStride] = mean }
            }
        }
    }
}
