import LensCore

/// The data that the page's script reads.
extension AttentionPage {
    var data: ScriptJSON {
        .object([
            ("title", .string(shownTitle)),
            ("tokens", .array(result.tokens.map(Self.json))),
            ("heads", .array(heads)),
            ("patterns", .patterns(packings)),
            ("loss", .number(result.loss)),
            ("perTokenLoss", .array(result.perTokenLoss.map(ScriptJSON.float))),
            ("top", .array(result.top.map(Self.json))),
            ("ablation", ablation.map(Self.json) ?? .null),
            ("provenance", provenance),
        ])
    }

    private static func json(_ token: Token) -> ScriptJSON {
        .object([("id", .integer(Int(token.id))), ("text", .string(VisibleText.token(token.text)))])
    }

    private static func json(_ prediction: Prediction) -> ScriptJSON {
        .object([("token", json(prediction.token)), ("logprob", .float(prediction.logprob))])
    }

    private static func json(_ ablation: Ablation) -> ScriptJSON {
        .object([
            ("kind", .string(ablation.action)),
            ("hook", .string(VisibleText.line(ablation.hook))),
            ("baselineLoss", .number(ablation.baselineLoss)),
            ("prompts", .integer(ablation.promptCount)),
            ("predictions", .integer(ablation.predictionCount)),
        ])
    }

    private struct Place: Hashable {
        let layer: Int
        let head: Int
    }

    private var heads: [ScriptJSON] {
        let effects = Dictionary(
            (ablation?.effects ?? []).map { (Place(layer: $0.layer, head: $0.head), $0) }, uniquingKeysWith: { $1 })
        let scores = Dictionary(
            scores.map { (Place(layer: $0.layer, head: $0.head), $0) }, uniquingKeysWith: { $1 })
        return patterns.map { pattern in
            let place = Place(layer: pattern.layer, head: pattern.head)
            var members: [(String, ScriptJSON)] = [
                ("layer", .integer(pattern.layer)), ("head", .integer(pattern.head)),
            ]
            if let effect = effects[place] {
                members += [("delta", .number(effect.delta)), ("error", .number(effect.standardError))]
            }
            if let headScores = scores[place] {
                let kinds = headScores.kinds.map { finding in
                    ScriptJSON.object([
                        ("name", .string(finding.kind.description)), ("score", .number(finding.score)),
                    ])
                }
                members.append(("kinds", .array(kinds)))
            }
            return .object(members)
        }
    }

    /// What the page was made from, as rows of its foot.
    private var provenance: ScriptJSON {
        var rows = [
            ("Model", modelName),
            ("Fingerprint", fingerprint),
            ("Weights", weights),
        ]
        if !interventions.isEmpty {
            rows.append(("Interventions", interventions.map(Self.describe).joined(separator: "; ")))
        }
        if let ablation { rows.append(("Ablation", Self.describe(ablation))) }
        if let daemon { rows.append(("Computed by", "lensd \(daemon.lensd), \(daemon.blas)")) }
        rows.append(("Page by", "lensd \(lensdVersion)"))
        return .array(rows.map { .array([.string($0), .string(VisibleText.line($1))]) })
    }

    private var weights: String {
        guard form == .processed else { return "the checkpoint's own, unprocessed" }
        let steps = processingSteps.map { step in
            switch step {
            case .foldLn: "layer norms folded"
            case .centerWritingWeights: "writing weights centred"
            case .centerUnembed: "unembedding centred"
            case .foldValueBiases: "value biases folded"
            }
        }
        return "processed as TransformerLens does by default: "
            + (steps.isEmpty ? "no step is valid for this model" : steps.joined(separator: ", "))
    }

    private static func describe(_ spec: InterventionSpec) -> String {
        let layers = spec.layers.map { " layer=\($0)" } ?? ""
        return "\(spec.action.name) at \(spec.hook)\(layers)\(spec.selection)"
    }

    private static func describe(_ ablation: Ablation) -> String {
        let prompts = ablation.promptCount == 1 ? "this prompt" : "\(ablation.promptCount) prompts"
        let what =
            switch ablation.action {
            case "zero": "set to zero"
            case "mean": "set to its mean over positions"
            case "patch": "taken from another prompt"
            case let other: other
            }
        return "each head's \(ablation.hook) \(what), "
            + "\(ablation.predictionCount) predictions over \(prompts)"
    }
}
