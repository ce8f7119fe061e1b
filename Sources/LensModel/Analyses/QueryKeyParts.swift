import LensCore
import LensTensor

/// One head's queries and keys as sums over what was written into the residual stream, collected while a pass goes by.
///
/// A score is bilinear in query and key, so that products of the parts sum to it. Norms count with the divisors that
/// the pass had; the turn of a rotary model is linear and belongs to every part.
package struct QueryKeyParts: Sendable {
    /// The finished sums.
    package struct Finished: Sendable {
        package let components: [ResidualComponent]
        /// `[component, row, dHead]`, the score's factor in them.
        package let queries: Tensor
        /// `[component, row, dHead]`
        package let keys: Tensor
    }

    private let model: LanguageModel
    private let form: WeightForm
    private let layer: Int
    private let head: Int
    private let keyHead: Int
    private let detail: ScoreSplitDetail
    /// Which positions the rows are.
    private let positions: [Int]
    /// Before the norm: queries' and keys' rows of their weights, one below the other, `[2 · dHead, dModel]`.
    private let reader: ResidualReader
    /// The same behind the norm.
    private let plain: ResidualReader
    /// `[2 · dHead]`: what no part of the stream makes.
    private let constant: Tensor

    private var components: [ResidualComponent] = []
    /// Per component, `[row, 2 · dHead]`, before the norm's divisor.
    private var parts: [Tensor] = []
    /// What enters behind the norm: shortformer's positions.
    private var late: (component: ResidualComponent, part: Tensor)?

    /// - Parameter positions: of the sequence, those whose queries or keys are wanted.
    package init(
        of head: Int, in layer: Int, of state: ForwardState, positions: [Int], detail: ScoreSplitDetail,
        on compute: Compute
    ) throws(LensError) {
        let c = state.configuration
        model = state.model
        form = state.form
        self.layer = layer
        self.head = head
        self.positions = positions
        self.detail = detail
        keyHead = head * c.nKeyValueHeads / c.nHeads
        let weights = model.weights.blocks[layer]
        let own = form.blocks[layer]
        let queryRows = head * c.dHead..<(head + 1) * c.dHead
        let keyRows = keyHead * c.dHead..<(keyHead + 1) * c.dHead
        plain = ResidualReader(
            directions: .stacking([(weights.query.weight, queryRows), (weights.key.weight, keyRows)]))
        reader = try plain.behind(own.ln1, on: compute)
        var constant = try plain.read(own.ln1?.bias, on: compute)
        for (bias, rows, offset) in [(own.queryBias, queryRows, 0), (own.keyBias, keyRows, c.dHead)] {
            guard let bias else { continue }
            constant.add(bias.columns(of: rows, at: offset, width: 2 * c.dHead))
        }
        self.constant = constant
    }

    // MARK: - Collecting

    /// Takes what is written as rows, `[row, dModel]`.
    package mutating func add(
        _ rows: Tensor, as component: ResidualComponent, on compute: Compute
    ) throws(LensError) {
        if component.kind == .posEmbed, model.configuration.positionalEmbedding == .shortformer {
            late = (component, try plain.read(rows, on: compute))
        } else {
            add(part: try reader.read(rows, on: compute), as: component)
        }
    }

    /// Takes what an earlier layer's heads write, and that layer's bias.
    ///
    /// - Parameters:
    ///   - z: `[row, head · dHead]`
    ///   - scale: `[row, 1]` of the norm behind the attention; `nil` where there is none.
    package mutating func addHeads(
        of earlier: Int, z: Tensor, scale: Tensor?, on compute: Compute
    ) throws(LensError) {
        let c = model.configuration
        let own = form.blocks[earlier]
        let written = try reader.behind(own.attnOutNorm, on: compute)
        let heads = try written.behind(
            model.weights.blocks[earlier].output.matrix, centers: form.centersWriting, on: compute)
        if detail == .components {
            for head in 0..<c.nHeads {
                let columns = head * c.dHead..<(head + 1) * c.dHead
                let part = try heads.columns(columns).read(z.columns(columns), on: compute)
                add(part: part.dividingRows(by: scale), as: ResidualComponent(.head, layer: earlier, index: head))
            }
        } else {
            add(
                part: try heads.read(z, on: compute).dividingRows(by: scale),
                as: ResidualComponent(.attention, layer: earlier))
        }
        var bias = try written.read(own.outputBias, on: compute).repeated(positions.count).dividingRows(by: scale)
        bias.add(try reader.read(own.attnOutNorm?.bias, on: compute).repeated(positions.count))
        add(part: bias, as: ResidualComponent(.attentionBias, layer: earlier))
    }

    /// What of the residual stream before the layer is in none of the parts: edits put it there.
    ///
    /// - Parameter residual: `[row, dModel]`
    package mutating func addRest(of residual: Tensor, on compute: Compute) throws(LensError) {
        var rest = try reader.read(residual, on: compute)
        for part in parts { rest.subtract(part) }
        add(part: rest, as: ResidualComponent(.rest))
    }

    private mutating func add(part: Tensor, as component: ResidualComponent) {
        let group = detail.group(of: component)
        if let index = components.firstIndex(of: group) {
            parts[index].add(part)
        } else {
            components.append(group)
            parts.append(part)
        }
    }

    // MARK: - Finishing

    /// The sums, with the divisors of the pass.
    ///
    /// - Parameters:
    ///   - scale: of the norm before the attention, `[row, 1]`; `nil` where there is none.
    ///   - queryScale: of the norm of queries, `[row, head or 1]`; `nil` where there is none.
    ///   - keyScale: of the norm of keys, `[row, key head or 1]`.
    package consuming func finished(
        scale: Tensor?, queryScale: Tensor?, keyScale: Tensor?, on compute: Compute
    ) throws(LensError) -> Finished {
        let c = model.configuration
        var all = components
        var stacked = parts.map { $0.dividingRows(by: scale) }
        for (component, part) in [
            late, (ResidualComponent(.bias), constant.repeated(positions.count)),
        ].compactMap({ $0 }) {
            all.append(component)
            stacked.append(part)
        }
        let turns = model.rotaryTurns?.turns(of: positions)
        let factor = model.attention(layer).scale
        func side(
            _ offset: Int, norm: WeightForm.NormForm?, normScale: Tensor?, head: Int, factor: Float
        ) throws(LensError) -> Tensor {
            var values = Tensor.interleaving(stacked.map { $0.columns(offset..<offset + c.dHead) })
            if let norm, let normScale {
                let weight =
                    c.qkNorm == .perHead
                    ? norm.weight
                    : norm.weight.reshaped([1, norm.weight.count])
                        .columns(head * c.dHead..<(head + 1) * c.dHead)
                values.multiply(
                    byColumns: weight,
                    dividingBy: normScale.columns(normScale.rowWidth == 1 ? 0..<1 : head..<head + 1))
            }
            if let turns, let rotary = c.positionalEmbedding.rotary {
                try compute.pool.rotate(
                    &values, by: turns, heads: stacked.count, adjacentPairs: rotary.adjacentPairs,
                    control: compute.control)
            }
            values.scale(by: factor)
            return values.swappingFirstAxes()
        }
        let own = form.blocks[layer]
        return Finished(
            components: all,
            queries: try side(0, norm: own.queryNorm, normScale: queryScale, head: head, factor: factor),
            keys: try side(c.dHead, norm: own.keyNorm, normScale: keyScale, head: keyHead, factor: 1))
    }
}

extension ScoreSplitDetail {
    /// What a component is counted with.
    package func group(of component: ResidualComponent) -> ResidualComponent {
        switch (self, component.kind) {
        case (.components, _): component
        case (.layers, .head), (.layers, .attentionBias), (.layers, .attention):
            ResidualComponent(.attention, layer: component.layer)
        case (.groups, .head), (.groups, .attentionBias), (.groups, .attention): ResidualComponent(.attention)
        case (.groups, .mlp): ResidualComponent(.mlp)
        default: component
        }
    }

    /// How many components a score of a layer has at most.
    package func componentCount(layer: Int, heads: Int) -> Int {
        // Embedding, positions, bias, rest.
        switch self {
        case .groups: 4 + min(layer, 1) * 2
        case .layers: 4 + layer * 2
        case .components: 4 + layer * (heads + 2)
        }
    }
}

extension Tensor {
    /// A vector as `count` equal rows.
    fileprivate func repeated(_ count: Int) -> Tensor { reshaped([1, self.count]).repeatingRows(count) }

    /// Entries of a vector, at a place of a longer one of zeros.
    fileprivate func columns(of range: Range<Int>, at offset: Int, width: Int) -> Tensor {
        var result = Tensor(zeros: [width])
        result.withMutablePointer { result in
            withPointer { (result + offset).update(from: $0 + range.lowerBound, count: range.count) }
        }
        return result
    }

    /// Tensors `[row, width]` side by side: `[row, tensor, width]`.
    fileprivate static func interleaving(_ tensors: [Tensor]) -> Tensor {
        guard let first = tensors.first else { return Tensor(uninitialized: [0, 0, 0]) }
        let (rows, width) = (first.shape[0], first.rowWidth)
        var result = Tensor(uninitialized: [rows, tensors.count * width])
        for (index, tensor) in tensors.enumerated() { result.setColumns(index * width, of: tensor) }
        return result.reshaped([rows, tensors.count, width])
    }

    /// `[a, b, width]` as `[b, a, width]`.
    fileprivate func swappingFirstAxes() -> Tensor {
        let (a, b, width) = (shape[0], shape[1], shape[2])
        let order = (0..<b).flatMap { second in (0..<a).map { $0 * b + second } }
        return reshaped([a * b, width]).gathering(order).reshaped([b, a, width])
    }

    /// `[row, any, width]`: every entry times its column's weight, over its row's divisor.
    fileprivate mutating func multiply(byColumns weight: Tensor, dividingBy scale: Tensor) {
        let (rows, middle, width) = (shape[0], shape[1], shape[2])
        withMutablePointer { values in
            weight.withPointer { weight in
                scale.withPointer { scale in
                    for row in 0..<rows {
                        for entry in 0..<middle {
                            let own = values + (row * middle + entry) * width
                            for column in 0..<width { own[column] *= weight[column] / scale[row] }
                        }
                    }
                }
            }
        }
    }
}
