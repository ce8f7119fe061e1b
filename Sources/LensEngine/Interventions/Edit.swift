import LensCore
import LensModel
import LensTensor

/// An intervention with everything at hand that it needs: what other passes bring is computed.
struct Edit: Sendable {
    enum Operation: Sendable {
        case fill(Float)
        /// The mean over all positions of the sequence, put at the selected ones.
        case meanOverPositions
        case assign(Values)
        case add(Values)
        case scale(Float)
        /// The share of a direction of length 1 taken out.
        case project([Float])
    }

    /// Row-major, broadcast over the selected part.
    struct Values: Sendable {
        let shape: [Int]
        let tensor: Tensor
    }

    let operation: Operation
    let selection: Selection
    let kind: HookKind

    /// Changes the selected part of one sequence's activation.
    ///
    /// - Parameter shape: the activation's, without batch.
    func apply(to values: UnsafeMutableBufferPointer<Float>, shape: [Int]) throws(LensError) {
        let part = try SelectedPart(selection, of: kind, shape: shape)
        switch operation {
        case .fill(let value): part.forEachOffset { values[$0] = value }
        case .scale(let factor): part.forEachOffset { values[$0] *= factor }
        case .assign(let operand):
            operand.tensor.withPointer { source in
                part.forEachOffset(beside: operand.shape) { values[$0] = source[$1] }
            }
        case .add(let operand):
            operand.tensor.withPointer { source in
                part.forEachOffset(beside: operand.shape) { values[$0] += source[$1] }
            }
        case .meanOverPositions: try replaceByMean(values, part)
        case .project(let direction):
            for row in part.rowOffsets {
                var dot = 0.0
                for (index, value) in direction.enumerated() { dot += Double(values[row + index]) * Double(value) }
                for (index, value) in direction.enumerated() { values[row + index] -= Float(dot) * value }
            }
        }
    }

    private func replaceByMean(_ values: UnsafeMutableBufferPointer<Float>, _ part: SelectedPart) throws(LensError) {
        guard let axis = kind.axes.firstIndex(of: .pos) else { return }
        let stride = part.shape[(axis + 1)...].reduce(1, *)
        let positions = part.shape[axis]
        let origins = try SelectedPart(selection.at(position: 0), of: kind, shape: part.shape)
        origins.forEachOffset { origin in
            var total = 0.0
            for position in 0..<positions { total += Double(values[origin + position * stride]) }
            let mean = Float(total / Double(max(positions, 1)))
            for position in part.entries[axis] { values[origin + position * stride] = mean }
        }
    }
}

extension Selection {
    /// The same part at one position only.
    func at(position: Int) -> Selection {
        var selection = self
        selection.positions = .index(position)
        return selection
    }
}
