internal import LensCore
internal import LensReport

/// How the daemon's values look to the page.
extension ScriptJSON {
    /// `{"dtype", "shape", "data"}`: row-major little-endian float32.
    static func tensor(_ values: [Float], _ shape: [Int]) -> ScriptJSON {
        array("f32", shape, values.map(\.bitPattern))
    }

    static func tensor(_ values: [Double], _ shape: [Int]) -> ScriptJSON {
        tensor(values.map { Float($0) }, shape)
    }

    /// Likewise int32.
    static func tensor(_ values: [Int32], _ shape: [Int]) -> ScriptJSON {
        array("i32", shape, values.map { UInt32(bitPattern: $0) })
    }

    private static func array(_ type: String, _ shape: [Int], _ words: [UInt32]) -> ScriptJSON {
        let bytes = [UInt8](unsafeUninitializedCapacity: words.count * 4) { buffer, count in
            let raw = UnsafeMutableRawBufferPointer(buffer)
            for (index, word) in words.enumerated() {
                raw.storeBytes(of: word.littleEndian, toByteOffset: index * 4, as: UInt32.self)
            }
            count = words.count * 4
        }
        return .object([
            ("dtype", .string(type)), ("shape", .array(shape.map(ScriptJSON.integer))), ("data", .base64(bytes)),
        ])
    }

    static func token(_ token: Token) -> [(String, ScriptJSON)] {
        [("id", .integer(Int(token.id))), ("text", .string(token.text))]
    }

    static func tokens(_ tokens: [Token]) -> ScriptJSON { .array(tokens.map { .object(token($0)) }) }

    static func prompt(_ prompt: Prompt) -> ScriptJSON {
        switch prompt {
        case .text(let text, let prependBOS):
            .object([("text", .string(text)), ("prepend_bos", .bool(prependBOS))])
        case .tokens(let ids): .object([("tokens", .array(ids.map { .integer(Int($0)) }))])
        }
    }

    static func model(_ model: ModelDescription, _ form: ModelReference.Form) -> ScriptJSON {
        let shape = model.configuration
        return .object([
            ("name", .string(model.name)), ("form", .string(form.rawValue)), ("is_default", .bool(model.isDefault)),
            ("fingerprint", .string(model.fingerprint)), ("parameters", .integer(model.parameterCount)),
            ("n_layers", .integer(shape.nLayers)), ("n_heads", .integer(shape.nHeads)), ("cfg", .shape(shape)),
        ])
    }

    /// What the page lays itself out by, under TransformerLens's names.
    private static func shape(_ c: ModelConfiguration) -> ScriptJSON {
        .object([
            ("original_architecture", .string(c.originalArchitecture)), ("n_layers", .integer(c.nLayers)),
            ("n_heads", .integer(c.nHeads)), ("n_key_value_heads", .integer(c.nKeyValueHeads)),
            ("d_model", .integer(c.dModel)), ("d_head", .integer(c.dHead)), ("d_mlp", .integer(c.dMLP)),
            ("n_ctx", .integer(c.nCtx)), ("d_vocab", .integer(c.dVocab)), ("attn_only", .bool(c.attnOnly)),
            ("act_fn", .string(c.actFn.rawValue)), ("parallel_attn_mlp", .bool(c.parallelAttnMLP)),
            ("attn_types", .array(c.attnTypes.map { .string($0.rawValue) })), ("window_size", .integer(c.windowSize)),
            ("positional_embedding_type", .string(c.positionalEmbedding.type)),
        ])
    }
}
