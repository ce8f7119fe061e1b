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
    var selection: Selection
    let kind: HookKind

    /// Changes the selected part of one sequence's activation.
    ///
    /// - Parameter shape: the activation's, without batch.
    /// - Throws: `CANCELLED` or `DEADLINE_EXCEEDED`, looked at about every million values.
    func apply(
        to values: UnsafeMutableBufferPointer<Float>, shape: [Int], control: CallControl
    ) throws(LensError) {
        let part = try SelectedPart(selection, of: kind, shape: shape)
        switch operation {
        case .fill(let value):
            try part.forEachRun(control: control) { run in for index in run { values[index] = value } }
        case .scale(let factor):
            try part.forEachRun(control: control) { run in for index in run { values[index] *= factor } }
        case .assign(let operand):
            let step = part.componentStride(operand.shape)
            try operand.tensor.withPointer { (source) throws(LensError) in
                try part.forEachRow(beside: operand.shape, control: control) { row, operandRow in
                    part.forEachComponent { values[row + $1] = source[operandRow + $0 * step] }
                }
            }
        case .add(let operand):
            let step = part.componentStride(operand.shape)
            try operand.tensor.withPointer { (source) throws(LensError) in
                try part.forEachRow(beside: operand.shape, control: control) { row, operandRow in
                    part.forEachComponent { values[row + $1] += source[operandRow + $0 * step] }
                }
            }
        case .meanOverPositions: try replaceByMean(values, part, control)
        case .project(let direction): try take(direction, out: values, part, control)
        }
    }

    /// Takes a gradient with respect to the changed activation to the one with respect to the unchanged one.
    ///
    /// Every operation is linear but for constants, which have no gradient here: what another pass brought stays as it
    /// is.
    ///
    /// - Throws: `CANCELLED` or `DEADLINE_EXCEEDED`.
    func applyAdjoint(
        to gradient: UnsafeMutableBufferPointer<Float>, shape: [Int], control: CallControl
    ) throws(LensError) {
        let part = try SelectedPart(selection, of: kind, shape: shape)
        switch operation {
        case .fill, .assign:
            try part.forEachRow(control: control) { row, _ in part.forEachComponent { gradient[row + $1] = 0 } }
        case .scale(let factor):
            try part.forEachRow(control: control) { row, _ in part.forEachComponent { gradient[row + $1] *= factor } }
        case .add: break
        case .meanOverPositions: try spreadMean(gradient, part, control)
        // A projection is symmetric.
        case .project(let direction): try take(direction, out: gradient, part, control)
        }
    }

    private func take(
        _ direction: [Float], out values: UnsafeMutableBufferPointer<Float>, _ part: SelectedPart,
        _ control: CallControl
    ) throws(LensError) {
        try part.forEachRow(control: control) { row, _ in
            var share = 0.0
            for (index, value) in direction.enumerated() { share += Double(values[row + index]) * Double(value) }
            for (index, value) in direction.enumerated() { values[row + index] -= Float(share) * value }
        }
    }

    private func replaceByMean(
        _ values: UnsafeMutableBufferPointer<Float>, _ part: SelectedPart, _ control: CallControl
    ) throws(LensError) {
        guard let axis = kind.axes.firstIndex(of: .pos) else { return }
        let (stride, positions) = (part.strides[axis], part.shape[axis])
        // The selected part at one position; the others lie a stride apart.
        let first = try SelectedPart(selection.at(position: 0), of: kind, shape: part.shape)
        var rows: [Int] = []
        try first.forEachRow(control: control) { row, _ in rows.append(row) }
        let width = first.components.count
        var totals = [Double](repeating: 0, count: first.count)
        try totals.withUnsafeMutableBufferPointer { (totals) throws(LensError) in
            for position in 0..<positions {
                try control.check()
                for (index, row) in rows.enumerated() {
                    let (start, total) = (row + position * stride, index * width)
                    first.forEachComponent { totals[total + $0] += Double(values[start + $1]) }
                }
            }
            for position in part.entries[axis] {
                try control.check()
                for (index, row) in rows.enumerated() {
                    let (start, total) = (row + position * stride, index * width)
                    first.forEachComponent { values[start + $1] = Float(totals[total + $0] / Double(positions)) }
                }
            }
        }
    }

    /// The adjoint of ``replaceByMean(_:_:_:)``: what the selected positions got goes in equal shares to all.
    private func spreadMean(
        _ gradient: UnsafeMutableBufferPointer<Float>, _ part: SelectedPart, _ control: CallControl
    ) throws(LensError) {
        guard let axis = kind.axes.firstIndex(of: .pos) else { return }
        let (stride, positions) = (part.strides[axis], part.shape[axis])
        let first = try SelectedPart(selection.at(position: 0), of: kind, shape: part.shape)
        let width = first.components.count
        var totals = [Double](repeating: 0, count: first.count)
        for position in part.entries[axis] {
            var next = 0
            try first.forEachRow(control: control) { row, _ in
                first.forEachComponent {
                    totals[next + $0] += Double(gradient[row + position * stride + $1])
                    gradient[row + position * stride + $1] = 0
                }
                next += width
            }
        }
        let shares = totals.map { Float($0 / Double(positions)) }
        for position in 0..<positions {
            var next = 0
            try first.forEachRow(control: control) { row, _ in
                first.forEachComponent { gradient[row + position * stride + $1] += shares[next + $0] }
                next += width
            }
        }
    }
}

extension Edit.Values {
    init(_ operand: Operand) {
        self.init(shape: operand.shape, tensor: Tensor(operand.values, shape: [operand.values.count]))
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
