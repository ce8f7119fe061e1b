import LensCore
import LensModel
import LensTensor

/// The means of some points over all positions of all prompts of a recipe.
final class MeansJob: PassJob {
    private let subject: PassSubject
    private let points: [HookPoint]
    private var batches: ArraySlice<[Int]>
    private var totals: [[Double]]

    /// - Parameter points: in the order of a pass, each with the positions as its outermost axis.
    init(_ subject: PassSubject, points: [HookPoint]) {
        self.subject = subject
        self.points = points
        batches = subject.batches(Array(subject.recipe.tokens.indices))[...]
        totals = points.map { point in
            let row = subject.configuration.shape(of: point.kind, pos: 1)
            return [Double](repeating: 0, count: row.reduce(1, *))
        }
    }

    var cost: PassCost {
        PassCost(operations: subject.operations(), rows: subject.rowCount)
    }

    /// Per point, in the shape of an activation of one token.
    func step(on compute: Compute) throws(LensError) -> [Tensor]? {
        if let batch = batches.popFirst() {
            var state = try subject.begin(prompts: batch)
            try subject.visit(points, in: &state, of: batch, on: compute) { (state) throws(LensError) in
                guard let index = points.firstIndex(of: state.point) else { return }
                for sequence in batch.indices {
                    try compute.control.check()
                    add(state.activation(of: sequence), to: &totals[index])
                }
            }
        }
        guard batches.isEmpty else { return nil }
        let positions = subject.recipe.tokens.reduce(0) { $0 + $1.count }
        return zip(points, totals).map { point, totals in
            Tensor(
                totals.map { Float($0 / Double(positions)) },
                shape: subject.configuration.shape(of: point.kind, pos: 1))
        }
    }

    private func add(_ activation: Tensor, to totals: inout [Double]) {
        let width = totals.count
        activation.withPointer { values in
            totals.withUnsafeMutableBufferPointer { totals in
                for row in 0..<activation.count / max(width, 1) {
                    for column in 0..<width { totals[column] += Double(values[row * width + column]) }
                }
            }
        }
    }
}
