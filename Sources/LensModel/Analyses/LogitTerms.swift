import LensCore
import LensTensor

/// A logit of each of some rows, or the difference of two, as a sum over what was written into the residual stream,
/// collected while a pass goes by. The final norm counts with the divisors that the pass had.
package struct LogitTerms: Sendable {
    private let model: LanguageModel
    private let form: WeightForm
    /// What the final rows are multiplied with, `[row, dModel]`.
    private let directions: Tensor
    /// The same before the final norm.
    private let reader: ResidualReader
    /// Per row, what no part of the stream makes.
    private let constants: [Float]
    private let unembedBias: [Float]

    package private(set) var components: [ResidualComponent] = []
    /// Per component one value per row, before the norm's divisor.
    private var values: [[Float]] = []
    /// Per row, before the norm's divisor.
    private var neurons: [[NeuronTerm]]

    /// - Parameters:
    ///   - answers: per row, in `0..<dVocab`.
    ///   - wrong: as many, or none for the logit itself.
    package init(
        of state: ForwardState, answers: [Int32], wrong: [Int32], on compute: Compute
    ) throws(LensError) {
        model = state.model
        form = state.form
        let unembedding = state.form.unembedding
        var directions = unembedding.weight.tensor.gathering(answers.map(Int.init))
        var biases = answers.map { unembedding.bias(of: $0) }
        if wrong.isEmpty {
            // What all logits of a row share counts in one, and cancels out in a difference.
            if let centre = unembedding.centre {
                directions.subtract(centre.reshaped([1, centre.count]).repeatingRows(answers.count))
            }
        } else {
            directions.subtract(unembedding.weight.tensor.gathering(wrong.map(Int.init)))
            for (row, token) in wrong.enumerated() { biases[row] -= unembedding.bias(of: token) }
        }
        self.directions = directions
        unembedBias = biases
        reader = try ResidualReader(directions: directions).behind(form.lnFinal, on: compute)
        if let bias = form.lnFinal?.bias {
            let rows = bias.reshaped([1, bias.count]).repeatingRows(answers.count)
            constants = zip(directions.dotRows(rows), biases).map { $0 + $1 }
        } else {
            constants = biases
        }
        neurons = Array(repeating: [], count: answers.count)
    }

    // MARK: - Collecting

    /// Takes what is in the stream as rows, `[row, dModel]`.
    package mutating func add(_ rows: Tensor, as component: ResidualComponent) {
        components.append(component)
        values.append(reader.directions.dotRows(rows))
    }

    /// Takes what a layer's heads write, each on its own, and that layer's bias.
    ///
    /// - Parameters:
    ///   - z: `[row, head · dHead]`
    ///   - scale: `[row, 1]` of the norm behind the attention; `nil` where there is none.
    package mutating func addHeads(
        of layer: Int, z: Tensor, scale: Tensor?, on compute: Compute
    ) throws(LensError) {
        let c = model.configuration
        let own = form.blocks[layer]
        let written = try reader.behind(own.attnOutNorm, on: compute)
        let heads = try written.behind(
            model.weights.blocks[layer].output.matrix, centers: form.centersWriting, on: compute)
        for head in 0..<c.nHeads {
            let columns = head * c.dHead..<(head + 1) * c.dHead
            components.append(ResidualComponent(.head, layer: layer, index: head))
            values.append(
                heads.directions.columns(columns).dotRows(z.columns(columns)).divided(by: scale))
        }
        let rows = directions.shape[0]
        func read(_ bias: Tensor?, by reader: ResidualReader) -> [Float] {
            guard let bias else { return Array(repeating: 0, count: rows) }
            return reader.directions.dotRows(bias.reshaped([1, bias.count]).repeatingRows(rows))
        }
        components.append(ResidualComponent(.attentionBias, layer: layer))
        values.append(
            zip(
                read(own.outputBias, by: written).divided(by: scale),
                read(own.attnOutNorm?.bias, by: reader)
            )
            .map { $0 + $1 })
    }

    /// Takes the neurons of a layer that count most; they are part of what the MLP writes.
    ///
    /// - Parameters:
    ///   - post: `[row, dMLP]`
    ///   - scale: `[row, 1]` of the norm behind the MLP; `nil` where there is none.
    package mutating func addNeurons(
        of layer: Int, post: Tensor, scale: Tensor?, top count: Int, on compute: Compute
    ) throws(LensError) {
        let own = form.blocks[layer]
        var directions = try reader.behind(own.mlpOutNorm, on: compute)
            .behind(model.weights.mlp(layer).output.matrix, centers: form.centersWriting, on: compute)
            .directions
        if form.foldsMLPNorm { directions = try compute.enterBackward(own.mlpNorm, directions) }
        let width = post.rowWidth
        for row in 0..<post.shape[0] {
            try compute.control.check()
            let divisor = scale?.values[row] ?? 1
            let terms = post.withPointer { post in
                directions.withPointer { directions in
                    (0..<width).map { post[row * width + $0] * directions[row * width + $0] / divisor }
                }
            }
            let largest = terms.indices.sorted { abs(terms[$0]) > abs(terms[$1]) }.prefix(count)
            neurons[row] += largest.map { NeuronTerm(layer: layer, neuron: $0, value: terms[$0]) }
            neurons[row].sort { abs($0.value) > abs($1.value) }
            neurons[row].removeLast(max(neurons[row].count - count, 0))
        }
    }

    // MARK: - Finishing

    /// What was collected, with the divisors of the pass.
    package struct Finished: Sendable {
        package let components: [ResidualComponent]
        /// `[row, component]`
        package let terms: [Float]
        /// `[row]`
        package let totals: [Float]
        /// Per row.
        package let neurons: [[NeuronTerm]]
    }

    /// - Parameters:
    ///   - final: the final rows as the unembedding takes them, `[row, dModel]`.
    ///   - scale: of the final norm, `[row, 1]`; `nil` where there is none.
    ///   - hasRest: whether edits may have made what the components do not say.
    package consuming func finished(final: Tensor, scale: Tensor?, hasRest: Bool) -> Finished {
        let totals = zip(directions.dotRows(final), unembedBias).map { $0 + $1 }
        var columns = values.map { $0.divided(by: scale) }
        var all = components
        columns.append(constants)
        all.append(ResidualComponent(.bias))
        if hasRest {
            columns.append(totals.indices.map { row in columns.reduce(totals[row]) { $0 - $1[row] } })
            all.append(ResidualComponent(.rest))
        }
        let divisors = scale?.values
        return Finished(
            components: all, terms: totals.indices.flatMap { row in columns.map { $0[row] } },
            totals: totals,
            neurons: neurons.enumerated().map { row, terms in
                terms.map {
                    NeuronTerm(layer: $0.layer, neuron: $0.neuron, value: $0.value / (divisors?[row] ?? 1))
                }
            })
    }
}

extension Unembedding {
    fileprivate func bias(of token: Int32) -> Float {
        bias.map { bias in bias.withPointer { $0[Int(token)] } } ?? 0
    }
}

extension Tensor {
    /// Of each row the product with the other's, of equal shapes.
    fileprivate func dotRows(_ other: Tensor) -> [Float] {
        let width = rowWidth
        return withPointer { values in
            other.withPointer { other in
                (0..<shape[0]).map { row in
                    var sum = 0.0
                    for index in row * width..<(row + 1) * width {
                        sum += Double(values[index]) * Double(other[index])
                    }
                    return Float(sum)
                }
            }
        }
    }
}

extension [Float] {
    /// Each over its row's entry of `[row, 1]`.
    fileprivate func divided(by scale: Tensor?) -> [Float] {
        guard let scale else { return self }
        return zip(self, scale.values).map { $0 / $1 }
    }
}
