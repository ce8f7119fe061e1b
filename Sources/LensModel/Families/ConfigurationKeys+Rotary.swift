import Glibc
import LensCheckpoint
import LensCore

extension ConfigurationKeys {
    /// How transformers' configurations say that queries and keys are turned: `rope_parameters`, or `rope_theta` and
    /// `rope_scaling` in older files.
    ///
    /// - Parameters:
    ///   - dHead: components of a head.
    ///   - share: how many of them are turned where `partial_rotary_factor` does not say it.
    ///   - context: the model's context, as the original one of a scaling that does not name it.
    /// - Throws: `UNIMPLEMENTED` naming a kind of scaling that is not supported.
    func rotary(dHead: Int, share: Double = 1, context: Int) throws(LensError) -> Rotary {
        let scaling = try (optional("rope_parameters") ?? optional("rope_scaling"))?.object()
        /// The first of some keys that is there.
        func number(_ names: String..., default standard: Double) throws(LensError) -> Double {
            for name in names {
                guard let value = scaling?.optional(name) ?? optional(name) else { continue }
                return try value.double()
            }
            return standard
        }
        let portion = try number("partial_rotary_factor", "rotary_pct", default: share)
        let base = try number("rope_theta", "rotary_emb_base", default: 10_000)
        guard portion > 0, portion <= 1 else {
            throw .invalidArgument(
                "config.json: partial_rotary_factor must be over 0 and at most 1; received \(portion)")
        }
        var rotary = Rotary(dim: Int(portion * Double(dHead)), base: base)
        if let scaling { rotary.scaling = try Self.scaling(scaling, context: context) }
        return rotary
    }

    private static func scaling(_ keys: JSONObject, context: Int) throws(LensError) -> Rotary.Scaling {
        guard let type = keys.optional("rope_type") ?? keys.optional("type") else { return .none }
        func positive(_ key: String, default standard: Double? = nil) throws(LensError) -> Double {
            if keys.optional(key) == nil, let standard { return standard }
            let value = try keys.required(key)
            let number = try value.double()
            guard number > 0 else { throw value.error("must be positive; received \(number)") }
            return number
        }
        func originalContext() throws(LensError) -> Int {
            try keys.optional("original_max_position_embeddings")?.integer(in: 1...(1 << 30)) ?? context
        }
        /// How much longer queries and keys become where `attention_factor` does not say it; after transformers'
        /// `_compute_yarn_parameters`.
        func yarnAttentionFactor(_ factor: Double) throws(LensError) -> Double {
            func growth(_ scale: Double) -> Double { factor > 1 ? 0.1 * scale * log(factor) + 1 : 1 }
            guard let scale = keys.optional("mscale"), let scaleOfAll = keys.optional("mscale_all_dim"),
                try scale.double() != 0, try scaleOfAll.double() != 0
            else { return growth(1) }
            let found = try growth(scale.double()) / growth(scaleOfAll.double())
            guard found > 0, found.isFinite else {
                throw scale.error("and mscale_all_dim must make queries and keys longer by more than 0; found \(found)")
            }
            return found
        }
        switch try type.string() {
        // A base that grows with texts longer than the context, and here no text is.
        case "default", "dynamic": return .none
        case "linear": return .linear(factor: try positive("factor"))
        case "llama3":
            return .llama3(
                factor: try positive("factor"), lowFrequencyFactor: try positive("low_freq_factor"),
                highFrequencyFactor: try positive("high_freq_factor"), originalContext: try originalContext())
        case "yarn":
            let factor = try positive("factor")
            return .yarn(
                factor: factor,
                attentionFactor: try positive("attention_factor", default: try yarnAttentionFactor(factor)),
                betaFast: try positive("beta_fast", default: 32), betaSlow: try positive("beta_slow", default: 1),
                originalContext: try originalContext(), truncates: try keys.optional("truncate")?.bool() ?? true)
        default:
            throw type.error(
                "'\(try type.excerpt())' is not supported; expected 'default', 'linear', 'dynamic', 'llama3' or 'yarn'",
                code: .unimplemented)
        }
    }
}
