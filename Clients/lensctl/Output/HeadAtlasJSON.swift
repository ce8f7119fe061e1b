import LensCore

/// An atlas of heads in JSON; the fields are told in `Sources/Lens.docc/Heads.md`.
enum HeadAtlasJSON {
    static func json(_ atlas: HeadAtlas, html: String?) -> JSON {
        .object([
            ("schema", .integer(1)), ("model", .string(atlas.modelName)), ("fingerprint", .string(atlas.fingerprint)),
            ("built_in_corpus", .bool(atlas.isBuiltInCorpus)), ("prompts", .integer(atlas.promptCount)),
            ("tokens", .integer(atlas.tokenCount)), ("predictions", .integer(atlas.predictionCount)),
            ("kind", atlas.ablation.map { .string($0.rawValue) } ?? .null), ("hook", .string("z")),
            ("baseline_loss", .number(atlas.baselineLoss)), ("repeated_length", .integer(atlas.repeatedLength)),
            ("thresholds", thresholds), ("heads", .array(atlas.heads.map(head))),
            ("html", html.map { .string($0) } ?? .null),
        ])
    }

    /// What kinds are decided by.
    static var thresholds: JSON {
        .object([
            ("share", .number(HeadEvidence.share)), ("lift", .number(HeadEvidence.lift)),
            ("broad", .number(HeadEvidence.broad)), ("position", .number(HeadEvidence.position)),
            ("tokens", .number(HeadEvidence.tokens)),
        ])
    }

    private static func head(_ head: HeadProfile) -> JSON {
        .object([
            ("layer", .integer(head.scores.layer)), ("head", .integer(head.scores.head)),
            ("loss", .number(head.loss)), ("delta", .number(head.delta)),
            ("standard_error", .number(head.standardError)), ("kinds", JSON.findings(head.scores.kinds)),
            ("position", .number(head.scores.position)), ("tokens", .number(head.tokens)),
            ("context", .number(head.context)), ("structure", .number(head.scores.structure)),
            (
                "repeats",
                head.repeats.map {
                    .object([("duplicate", .number($0.duplicate)), ("induction", .number($0.induction))])
                } ?? .null
            ),
            ("copying", .number(head.copying)), ("by_distance", .array(head.byDistance.map { .number($0) })),
            ("pairs", .array(head.pairs.map(pair))), ("scores", JSON.scores(head.scores)),
        ])
    }

    private static func pair(_ pair: TokenPair) -> JSON {
        .object([
            ("destination", .token(pair.destination)), ("source", .token(pair.source)),
            ("weight", .number(pair.weight)), ("places", .integer(pair.places)),
        ])
    }
}

extension JSON {
    static func findings(_ findings: [HeadFinding]) -> JSON {
        .array(
            findings.map { finding in
                .object([
                    ("kind", .string(finding.kind.word)),
                    ("distance", finding.kind.distance > 0 ? .integer(finding.kind.distance) : .null),
                    ("score", .number(finding.score)), ("why", .string(finding.why)),
                ])
            })
    }
}
