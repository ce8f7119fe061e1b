internal import LensClient
internal import LensCore

/// What calls need of a model's `W_U`, kept between them: it is large, and stays the same while prompts and edits change.
actor KeptUnembedding {
    private let connection: LensConnection
    /// Of what the rest was read: it ends with the model's weights.
    private var fingerprint = ""
    private var columns: [Int32: [Float]] = [:]
    private var whole: Task<[Float], any Error>?

    /// Numbers that are kept at most, half a gigabyte of them.
    private static let mostNumbers = 1 << 27
    private static let mostColumns = 64

    init(_ connection: LensConnection) {
        self.connection = connection
    }

    /// One token's column, `[d_model]`.
    func column(_ token: Int32, of model: ModelReference) async throws(LensError) -> [Float] {
        try await keep(model)
        if let column = columns[token] { return column }
        let column = try await connection.parameter(
            ParameterRequest(
                model: model, name: Self.name, slice: TensorSlice([.ellipsis, .index(Int(token))]))
        ).floats
        if columns.count >= Self.mostColumns { columns.removeAll() }
        columns[token] = column
        return column
    }

    /// What a vector of the residual stream, `[d_model]`, adds to each token's logit, but for the final norm:
    /// `vector · W_U`; `nil` where the matrix is larger than what is kept.
    func logits(of vector: [Float], in model: ModelReference) async throws -> [Float]? {
        let description = try await keep(model)
        let width = description.configuration.dVocab
        guard vector.count <= Self.mostNumbers / max(width, 1) else { return nil }
        let matrix = try await matrix(of: model)
        guard matrix.count == vector.count * width else {
            throw LensError(.internal, "W_U has \(matrix.count) numbers; expected \(vector.count) × \(width)")
        }
        var logits = [Float](repeating: 0, count: width)
        for (row, factor) in vector.enumerated() {
            try Task.checkForCancel()
            let start = row * width
            for token in 0..<width { logits[token] += factor * matrix[start + token] }
        }
        return logits
    }

    /// Read once, whoever stops waiting for it meanwhile.
    private func matrix(of model: ModelReference) async throws -> [Float] {
        let reading =
            whole
            ?? Task { [connection] in
                try await connection.parameter(ParameterRequest(model: model, name: Self.name)).floats
            }
        whole = reading
        do {
            return try await reading.value
        } catch {
            if whole == reading { whole = nil }
            throw error
        }
    }

    private static let name = "unembed.W_U"

    /// Lets go of what belongs to another model.
    @discardableResult
    private func keep(_ model: ModelReference) async throws(LensError) -> ModelDescription {
        let description = try await connection.describeModel(model).model
        let wanted = "\(description.fingerprint) \(model.form.rawValue)"
        if wanted != fingerprint {
            fingerprint = wanted
            columns = [:]
            whole = nil
        }
        return description
    }
}
