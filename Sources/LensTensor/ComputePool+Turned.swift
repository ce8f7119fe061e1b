import LensCore

/// What is taken off a turned weight, and multiplied into it first: `turned[i, o] = entering[i] · W[o, i] −
/// outputMeans[o] − inputMeans[i]`.
public struct TurnedTerms: Sendable {
    /// `[inputs]`
    public var entering: Tensor?
    /// `[outputs]`
    public var outputMeans: Tensor?
    /// `[inputs]`
    public var inputMeans: Tensor?

    public init(entering: Tensor? = nil, outputMeans: Tensor? = nil, inputMeans: Tensor? = nil) {
        self.entering = entering
        self.outputMeans = outputMeans
        self.inputMeans = inputMeans
    }
}

/// Weights the other way round, with what folding and centring change: `[inputs, outputs]`.
extension ComputePool {
    /// A part of a weight, turned: `[inputs.count, outputs.count]`.
    public func turned(
        _ weight: Weight, inputs: Range<Int>, outputs: Range<Int>, _ terms: TurnedTerms, control: CallControl
    ) throws(LensError) -> Tensor {
        // Sixteen inputs are a cache line of the weight's rows.
        let (rowStep, columnStep) = (32, 1024)
        let columnBlocks = (outputs.count + columnStep - 1) / columnStep
        let rowBlocks = (inputs.count + rowStep - 1) / rowStep
        var result = Tensor(uninitialized: [inputs.count, outputs.count])
        try result.withMutablePointer { (result) throws(LensError) in
            let result = Shared(result)
            try run(blocks: rowBlocks * columnBlocks, control: control) { block in
                let (firstRow, firstColumn) = (block / columnBlocks * rowStep, block % columnBlocks * columnStep)
                let rows = firstRow..<min(firstRow + rowStep, inputs.count)
                let columns = firstColumn..<min(firstColumn + columnStep, outputs.count)
                weight.tensor.withPointer { w in
                    terms.withPointers { entering, outputMeans, inputMeans in
                        for column in columns {
                            let output = outputs.lowerBound + column
                            let source = w + output * weight.inputs + inputs.lowerBound
                            let mean = outputMeans?[output] ?? 0
                            for row in rows {
                                let input = inputs.lowerBound + row
                                // In the order of TransformerLens's steps.
                                result.pointer[row * outputs.count + column] =
                                    source[row] * (entering?[input] ?? 1) - mean - (inputMeans?[input] ?? 0)
                            }
                        }
                    }
                }
            }
        }
        return result
    }

    /// Each output's mean over the inputs, `[outputs]`, with `entering` multiplied in.
    public func outputMeans(
        _ weight: Weight, entering: Tensor?, control: CallControl
    ) throws(LensError) -> Tensor {
        let inputs = weight.inputs
        return try mapRows(weight.tensor, width: 1, control: control) { source, rows, result in
            withOptionalPointer(entering) { entering in
                for row in 0..<rows.count {
                    var total = 0.0
                    for input in 0..<inputs {
                        total += Double(source[row * inputs + input] * (entering?[input] ?? 1))
                    }
                    result[row] = Float(total / Double(inputs))
                }
            }
        }.reshaped([weight.outputs])
    }

    /// Each input's mean over the outputs, `[inputs]`, with `entering` multiplied in and `outputMeans` taken off.
    public func inputMeans(
        _ weight: Weight, entering: Tensor?, outputMeans: Tensor?, control: CallControl
    ) throws(LensError) -> Tensor {
        let (outputs, inputs) = (weight.outputs, weight.inputs)
        // Partial sums of some outputs each, so that no block goes through a whole vocabulary.
        let step = max(65536 / max(inputs, 1), 1)
        let blocks = (outputs + step - 1) / step
        var totals = [Double](repeating: 0, count: inputs)
        let group = 64
        for first in stride(from: 0, to: blocks, by: group) {
            let count = min(group, blocks - first)
            var partial = [Double](repeating: 0, count: count * inputs)
            try partial.withUnsafeMutableBufferPointer { (partial) throws(LensError) in
                guard let base = partial.baseAddress else { return }
                let sums = Shared(base)
                try run(blocks: count, control: control) { block in
                    let target = sums.pointer + block * inputs
                    weight.tensor.withPointer { w in
                        for output in (first + block) * step..<min((first + block + 1) * step, outputs) {
                            let source = w + output * inputs
                            for input in 0..<inputs { target[input] += Double(source[input]) }
                        }
                    }
                }
            }
            for (index, sum) in partial.enumerated() { totals[index % inputs] += sum }
        }
        let rest = (outputMeans?.values.reduce(0.0) { $0 + Double($1) } ?? 0) / Double(outputs)
        let factors = entering?.values
        return Tensor(
            totals.enumerated().map { input, total in
                Float(total / Double(outputs) * Double(factors?[input] ?? 1) - rest)
            }, shape: [inputs])
    }
}

extension TurnedTerms {
    fileprivate func withPointers(
        _ body: (UnsafePointer<Float>?, UnsafePointer<Float>?, UnsafePointer<Float>?) -> Void
    ) {
        withOptionalPointer(entering) { entering in
            withOptionalPointer(outputMeans) { outputMeans in
                withOptionalPointer(inputMeans) { inputMeans in body(entering, outputMeans, inputMeans) }
            }
        }
    }
}
