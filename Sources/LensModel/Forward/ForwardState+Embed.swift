import LensCore
import LensTensor

/// What comes before the blocks.
extension ForwardState {
    mutating func embed(towards target: HookPoint, on compute: Compute) throws(LensError) {
        let ids = tokens.flatMap { $0 }
        var rows = gather(model.weights.embed, rows: ids.map(Int.init))
        if configuration.embedScale != 1 { rows.scale(by: configuration.embedScale) }
        if let norm = form.embedNorm, target <= HookPoint(.embedNormNormalized) {
            // Nothing is in the residual stream yet: what is normed waits there.
            residual = rows
            live[.embedNormScale] = try compute.scale(norm, rows)
            point = HookPoint(.embedNormScale)
        } else {
            live[.embed] = try compute.normAndEnter(form.embedNorm, rows)
            point = HookPoint(.embed)
        }
    }

    mutating func stepThroughEmbedNorm(on compute: Compute) throws(LensError) {
        if point.kind == .embedNormScale {
            live[.embedNormNormalized] = try compute.normalize(
                norm(form.embedNorm), residual, scale: live.take(.embedNormScale))
            point = HookPoint(.embedNormNormalized)
        } else {
            live[.embed] = try compute.enter(form.embedNorm, live.take(.embedNormNormalized))
            point = HookPoint(.embed)
        }
    }

    mutating func embedPositions() throws(LensError) {
        guard let table = model.weights.posEmbed else { throw LensError(.internal, "the model has no positions") }
        live[.posEmbed] = gather(table, rows: tokens.indices.flatMap(positions(of:)))
        point = HookPoint(.posEmbed)
    }

    mutating func beginBlocks(on compute: Compute) throws(LensError) {
        residual = try live.take(.embed)
        // Shortformer's positions stay: every layer's queries and keys are made with them.
        if configuration.positionalEmbedding == .standard {
            residual = try compute.add(residual, live.take(.posEmbed))
        }
        point = HookPoint(.residPre, layer: 0)
    }

    /// Rows of an embedding; centred where the form centres what is written to the residual stream.
    private func gather(_ table: Tensor, rows: [Int]) -> Tensor {
        let width = table.rowWidth
        var result = Tensor(uninitialized: [rows.count, width])
        result.withMutablePointer { result in
            table.withPointer { table in
                for (index, row) in rows.enumerated() {
                    (result + index * width).update(from: table + row * width, count: width)
                }
            }
        }
        if form.centersWriting { result.centerRows() }
        return result
    }
}
