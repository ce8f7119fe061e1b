/// How people write hook points: full names, TransformerLens's short forms, and TransformerLens 4's own spellings.
extension HookPoint {
    /// Finds the hook point that a name means in a model with these points.
    ///
    /// An exact name wins, then a spelling of TransformerLens 4, then a short form as `get_act_name` reads it
    /// (`pattern0`, `pre5`, `scale4ln1`; `resid_post-1` counts from the end).
    ///
    /// - Throws: `NOT_FOUND` with near names when the model has no such point.
    public static func named(_ name: String, among points: [HookPoint]) throws(LensError) -> HookPoint {
        let layerCount = (points.compactMap(\.layer).max() ?? -1) + 1
        let candidate = parse(name, layerCount: layerCount)
        if let candidate {
            if points.contains(candidate), !isPreLinear(name, of: candidate, among: points) { return candidate }
            if let other = namesakes[candidate.kind].map({ HookPoint($0, layer: candidate.layer) }),
                points.contains(other)
            {
                return other
            }
        }
        let near = nearest(to: candidate?.name ?? name, among: points).joined(separator: ", ")
        var message = "no hook point '\(name.prefix(128))' in this model"
        if let candidate, let layer = candidate.layer, points.contains(where: { $0.kind == candidate.kind }) {
            message += ", whose layers are 0...\(layerCount - 1) (received \(layer))"
        }
        throw .notFound("\(message); near names: \(near)")
    }

    /// Finds the point of one layer that a name without a layer means: `z`, `attn.hook_z`, `ln1.hook_scale`.
    ///
    /// - Throws: `INVALID_ARGUMENT` for a name that has a layer, `NOT_FOUND` as above.
    public static func named(
        _ name: String, layer: Int, among points: [HookPoint]
    ) throws(LensError) -> HookPoint {
        if (try? named(name, among: points)) != nil {
            throw .invalidArgument("layers are given twice: '\(name)' is one point already")
        }
        let full = "blocks.\(layer).\(name)"
        return try named(parseFull(full) != nil ? full : "\(name)\(layer)", among: points)
    }

    /// Reads a name without asking whether a model has the point.
    static func parse(_ name: String, layerCount: Int) -> HookPoint? {
        if let point = parseFull(name) { return point }
        return parseShort(name, layerCount: layerCount)
    }

    // MARK: - Full names

    /// Kinds that a name means in models that lack the kind it means in others.
    private static let namesakes: [HookKind: HookKind] = [
        .ln1Scale: .ln1OutScale, .ln1Normalized: .ln1OutNormalized,
        .ln2Scale: .ln2OutScale, .ln2Normalized: .ln2OutNormalized,
        .mlpPre: .mlpPreLinear,
    ]

    /// Whether TransformerLens 4's name of an MLP's input projection is `pre_linear`, as in gated MLPs.
    private static func isPreLinear(_ name: String, of candidate: HookPoint, among points: [HookPoint]) -> Bool {
        candidate.kind == .mlpPre && name.hasSuffix(".mlp.in.hook_out")
            && points.contains(HookPoint(.mlpPreLinear, layer: candidate.layer))
    }

    private static let kindsBySuffix: [String: HookKind] = Dictionary(
        HookKind.allCases.map { ($0.suffix, $0) }, uniquingKeysWith: { first, _ in first })

    /// TransformerLens 4's spellings, where they mean the same point.
    private static let bridgeSpellings: [String: HookKind] = [
        "embed.hook_out": .embed, "pos_embed.hook_out": .posEmbed,
        "hook_in": .residPre, "hook_out": .residPost, "ln1.hook_in": .residPre, "ln2.hook_in": .residMid,
        "attn.q.hook_out": .q, "attn.k.hook_out": .k, "attn.v.hook_out": .v,
        "attn.o.hook_in": .z, "attn.o.hook_out": .attnOut, "attn.hook_out": .attnOut,
        "mlp.in.hook_out": .mlpPre, "mlp.gate.hook_out": .mlpPre, "mlp.out.hook_in": .mlpPost,
        "mlp.out.hook_out": .mlpOut, "mlp.hook_out": .mlpOut,
        "logits": .logits, "hook_logits": .logits,
    ]

    private static func parseFull(_ name: String) -> HookPoint? {
        var suffix = name[...]
        var layer: Int?
        if let rest = name.dropping(prefix: "blocks.") {
            guard let dot = rest.firstIndex(of: "."), let number = decimal(rest[..<dot]) else { return nil }
            layer = number
            suffix = rest[rest.index(after: dot)...]
        }
        let text = String(suffix)
        guard let kind = kindsBySuffix[text] ?? bridgeSpellings[text], kind.isPerLayer == (layer != nil) else {
            return nil
        }
        return HookPoint(kind, layer: layer)
    }

    // MARK: - Short forms

    /// Short names of a block's points; `scale` and `normalized` need `ln1` or `ln2` and are handled apart.
    private static let shortNames: [String: HookKind] = [
        "q": .q, "k": .k, "v": .v, "z": .z, "result": .result, "pattern": .pattern, "attn_scores": .attnScores,
        "query": .q, "key": .k, "value": .v, "attn": .pattern, "attn_logits": .attnScores,
        "rot_q": .rotQ, "rot_k": .rotK,
        "pre": .mlpPre, "post": .mlpPost, "mlp_pre": .mlpPre, "mlp_post": .mlpPost, "mid": .mlpMid,
        "mlp_mid": .mlpMid, "pre_linear": .mlpPreLinear,
        "resid_pre": .residPre, "resid_mid": .residMid, "resid_post": .residPost,
        "attn_out": .attnOut, "mlp_out": .mlpOut, "in": .residPre, "out": .residPost,
        "q_input": .qInput, "k_input": .kInput, "v_input": .vInput, "attn_in": .attnIn, "mlp_in": .mlpIn,
    ]

    /// Stems that belong to the attention or the MLP whatever layer type follows.
    private static let typelessStems: Set<String> = [
        "q", "k", "v", "z", "result", "pattern", "attn_scores", "query", "key", "value", "attn", "attn_logits",
        "pre", "post", "mlp_pre", "mlp_post", "rot_q", "rot_k", "mid", "mlp_mid",
        "pre_linear",
    ]

    private static let modelShortNames: [String: HookKind] = [
        "tokens": .tokens, "embed": .embed, "pos_embed": .posEmbed,
        "scale": .lnFinalScale, "normalized": .lnFinalNormalized,
    ]

    private static func parseShort(_ name: String, layerCount: Int) -> HookPoint? {
        if let kind = modelShortNames[name] { return HookPoint(kind) }
        guard let form = ShortForm(name) else { return nil }
        let layer = form.layer < 0 ? form.layer + layerCount : form.layer
        guard layer >= 0 else { return nil }
        let kind: HookKind? =
            switch (form.stem, form.type) {
            case ("scale", "ln1"): .ln1Scale
            case ("scale", "ln2"): .ln2Scale
            case ("normalized", "ln1"): .ln1Normalized
            case ("normalized", "ln2"): .ln2Normalized
            // Where the stem says it all, TransformerLens passes over the layer type: `pre0mlp`, `k6a`, `q4ln1`.
            case (let stem, _) where typelessStems.contains(stem): shortNames[stem]
            case (let stem, ""), (let stem, "b"), (let stem, "block"), (let stem, "blocks"): shortNames[stem]
            default: nil
            }
        return kind.map { HookPoint($0, layer: layer) }
    }

    /// `stem`, layer and layer type of a short form: `scale4ln1` is `scale`, 4, `ln1`.
    private struct ShortForm {
        let stem: String
        let layer: Int
        let type: String

        init?(_ text: String) {
            let isDigit: (Character) -> Bool = { $0.isASCII && $0.isNumber }
            guard let firstDigit = text.firstIndex(where: isDigit) else { return nil }
            var stem = text[..<firstDigit]
            let rest = text[firstDigit...]
            let digits = rest.prefix(while: isDigit)
            guard let number = HookPoint.decimal(digits) else { return nil }
            let isNegative = stem.last == "-"
            if isNegative { stem = stem.dropLast() }
            guard !stem.isEmpty else { return nil }
            self.stem = String(stem)
            layer = isNegative ? -number : number
            type = String(rest.dropFirst(digits.count))
        }
    }

    /// A decimal number without a sign; `nil` where it is none or does not fit.
    private static func decimal(_ text: Substring) -> Int? {
        guard !text.isEmpty, text.count <= 9, text.allSatisfy({ $0.isASCII && $0.isNumber }) else { return nil }
        return Int(text)
    }

    // MARK: - Near names

    /// A slip in a short form is compared with short forms: `patern0` is near `pattern0`.
    private static func nearest(to name: String, among points: [HookPoint]) -> [String] {
        let wanted = Array(name.utf8.prefix(128))
        let isFull = name.contains(".") || name.hasPrefix("hook_")
        let stems = Dictionary(shortNames.map { ($0.value, $0.key) }, uniquingKeysWith: { max($0, $1) })
        return points.map { point in
            let spelling =
                isFull ? point.name : (stems[point.kind] ?? point.kind.suffix) + (point.layer.map(String.init) ?? "")
            return (point.name, editDistance(wanted, Array(spelling.utf8)))
        }
        .sorted { $0.1 < $1.1 }
        .prefix(4).map(\.0)
    }
}

extension String {
    /// What follows a prefix, or `nil` where the text does not start with it.
    fileprivate func dropping(prefix: String) -> Substring? {
        hasPrefix(prefix) ? dropFirst(prefix.count) : nil
    }
}
