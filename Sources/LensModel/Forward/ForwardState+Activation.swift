import LensCore
import LensTensor

extension ForwardState {
    /// The activation at ``point`` of one sequence, without the batch, in the shape of the hook table.
    ///
    /// Token ids come as float32 values.
    public func activation(of sequence: Int) -> Tensor {
        let shape = shape(of: sequence)
        switch place {
        case .tokens: return Tensor(tokens[sequence].map { Float($0) }, shape: shape)
        case .squares: return squares[sequence]
        case .residual: return residual.rows(rows[sequence])
        case .live(let kind): return live[kind]?.rows(rows[sequence]).reshaped(shape) ?? Tensor(zeros: shape)
        case .copies: return copies(of: sequence)
        }
    }

    /// Changes the activation at ``point`` of one sequence, in place; everything that follows sees the change.
    ///
    /// - Parameter body: gets the values, row-major in the shape of the hook table, and that shape.
    /// - Throws: `INVALID_ARGUMENT` where an edited token id is not one of the vocabulary; what `body` throws.
    public mutating func edit(
        _ sequence: Int, _ body: (UnsafeMutableBufferPointer<Float>, [Int]) throws(LensError) -> Void
    ) throws(LensError) {
        let shape = shape(of: sequence)
        let count = shape.reduce(1, *)
        let offset = rows[sequence].lowerBound * (count / max(tokens[sequence].count, 1))
        func apply(_ tensor: inout Tensor, from offset: Int) throws(LensError) {
            try tensor.withMutablePointer { (values) throws(LensError) in
                try body(UnsafeMutableBufferPointer(start: values + offset, count: count), shape)
            }
        }
        switch place {
        case .tokens:
            var values = activation(of: sequence)
            try apply(&values, from: 0)
            var edited: [Int32] = []
            for value in values.values {
                guard let id = Int32(exactly: value) else {
                    throw .invalidArgument("a token id is a whole number; received \(value)")
                }
                edited.append(id)
            }
            try Self.check(edited, configuration: configuration)
            tokens[sequence] = edited
        case .squares: try apply(&squares[sequence], from: 0)
        case .residual: try apply(&residual, from: offset)
        case .live(let kind):
            var tensor = try live.take(kind)
            try apply(&tensor, from: offset)
            live[kind] = tensor
        case .copies:
            // Only now the copies become something of their own; see `project`.
            var tensor = live.removeValue(forKey: point.kind) ?? untouchedInput(point.kind, rows: 0..<rowCount)
            try apply(&tensor, from: offset)
            live[point.kind] = tensor
        }
    }

    // MARK: - Where an activation lies

    private enum Place {
        case tokens, residual, squares
        case live(HookKind)
        /// Inputs that are the residual stream until somebody edits them.
        case copies
    }

    private var place: Place {
        switch point.kind {
        case .tokens: .tokens
        case .residPre, .residMid, .residPost: .residual
        case .attnScores, .pattern: .squares
        case .attnIn, .qInput, .kInput, .vInput, .mlpIn: .copies
        default: .live(point.kind)
        }
    }

    private func copies(of sequence: Int) -> Tensor {
        let own = live[point.kind]?.rows(rows[sequence]) ?? untouchedInput(point.kind, rows: rows[sequence])
        return own.reshaped(shape(of: sequence))
    }

    /// An input that nobody edited: `[row, head, dModel]`, or `[row, dModel]` for the MLP's.
    func untouchedInput(_ kind: HookKind, rows: Range<Int>) -> Tensor {
        if kind == .mlpIn { return residual.rows(rows) }
        // The heads' inputs start from `attn_in`, where that was edited.
        if kind != .attnIn, let edited = live[.attnIn] { return edited.rows(rows) }
        let shape = configuration.shape(of: kind, pos: rows.count)
        return residual.rows(rows).repeatingRows(shape[1]).reshaped(shape)
    }
}
