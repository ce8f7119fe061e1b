import LensCore
import LensTensor

/// A parameter of which entries can be made, some at a time: the means that centring takes off are known.
public struct PreparedParameter: Sendable {
    public let parameter: ModelParameter
    private let terms: TurnedTerms

    /// - Throws: `CANCELLED` or `DEADLINE_EXCEEDED`.
    public init(_ parameter: ModelParameter, on compute: Compute) throws(LensError) {
        self.parameter = parameter
        guard case .turned(let matrix) = parameter.source else {
            terms = TurnedTerms()
            return
        }
        let (pool, control) = (compute.pool, compute.control)
        let outputMeans =
            matrix.centersInputs
            ? try pool.outputMeans(matrix.weight, entering: matrix.entering, control: control) : nil
        let inputMeans =
            matrix.centersOutputs
            ? try pool.inputMeans(
                matrix.weight, entering: matrix.entering, outputMeans: outputMeans, control: control) : nil
        terms = TurnedTerms(entering: matrix.entering, outputMeans: outputMeans, inputMeans: inputMeans)
    }

    /// The whole parameter.
    ///
    /// - Throws: `CANCELLED` or `DEADLINE_EXCEEDED`.
    public func whole(on compute: Compute) throws(LensError) -> Tensor {
        try entries(0..<(parameter.shape.first ?? 0), on: compute)
    }

    /// Some columns of a matrix, `[inputs, column]`: of `W_U` `[dModel, token]`.
    ///
    /// - Throws: `INTERNAL` for a parameter that is no such matrix, which is our mistake; `CANCELLED` or
    ///   `DEADLINE_EXCEEDED`.
    func columns(_ range: Range<Int>, on compute: Compute) throws(LensError) -> Tensor {
        guard case .turned(let matrix) = parameter.source, case .inputs = matrix.layout else {
            throw LensError(.internal, "\(parameter.name) is no matrix with columns")
        }
        return try compute.pool.turned(
            matrix.weight, inputs: 0..<matrix.weight.inputs, outputs: range, terms, control: compute.control)
    }

    /// Some entries of the first axis: `[entry, …]`, in TransformerLens's layout.
    ///
    /// - Throws: `CANCELLED` or `DEADLINE_EXCEEDED`.
    public func entries(_ range: Range<Int>, on compute: Compute) throws(LensError) -> Tensor {
        let shape = [range.count] + parameter.shape.dropFirst()
        switch parameter.source {
        case .zeros: return Tensor(zeros: shape)
        case .stored(let tensor): return tensor.reshaped(parameter.shape).rows(range)
        case .rows(let table, let scale, let centers):
            var rows = table.rows(range)
            if scale != 1 { rows.scale(by: scale) }
            try compute.pool.finishRows(&rows, centers: centers, bias: nil, control: compute.control)
            return rows
        case .turned(let matrix):
            func turned(_ inputs: Range<Int>, _ outputs: Range<Int>) throws(LensError) -> Tensor {
                try compute.pool.turned(
                    matrix.weight, inputs: inputs, outputs: outputs, terms, control: compute.control)
            }
            let outputs = 0..<matrix.weight.outputs
            switch matrix.layout {
            case .inputs: return try turned(range, outputs)
            case .headsOfInputs(let dHead):
                return try turned(range.lowerBound * dHead..<range.upperBound * dHead, outputs).reshaped(shape)
            case .headsOfOutputs(let dHead, let sharing):
                let inputs = 0..<matrix.weight.inputs
                var parts: [(tensor: Tensor, rows: Range<Int>)] = []
                for head in range {
                    let first = head / sharing * dHead
                    parts.append((try turned(inputs, first..<first + dHead), inputs))
                }
                return Tensor.stacking(parts).reshaped(shape)
            }
        }
    }
}
