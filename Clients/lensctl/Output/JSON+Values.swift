import LensCore

/// How Core's values look in JSON.
extension JSON {
    static func token(_ token: Token) -> JSON {
        .object([("token", .string(token.text)), ("id", .integer(Int(token.id)))])
    }

    static func tokens(_ tokens: [Token]) -> JSON { .array(tokens.map(token)) }

    static func predictions(_ predictions: [Prediction]) -> JSON {
        .array(predictions.map { token($0.token).adding("logprob", .float($0.logprob)) })
    }

    /// Where a head is.
    static func place(_ place: HeadPlace) -> JSON {
        .object([("layer", .integer(place.layer)), ("head", .integer(place.head))])
    }

    /// An object with one member more.
    func adding(_ key: String, _ value: JSON) -> JSON {
        guard case .object(let members) = self else { return self }
        return .object(members + [(key, value)])
    }

    static func integers(_ values: [Int]) -> JSON { .array(values.map(JSON.integer)) }

    /// `{"error":{"code":…,"message":…}}`
    ///
    /// - Parameter retryAfter: after how many seconds trying again can help.
    package static func error(code: String, message: String, retryAfter: Double? = nil) -> JSON {
        let hint = retryAfter.map { [("retry_after_seconds", JSON.number($0))] } ?? []
        return .object([("error", .object([("code", .string(code)), ("message", .string(message))] + hint))])
    }

    static func headEffect(_ effect: HeadEffect) -> [(String, JSON)] {
        [
            ("layer", .integer(effect.layer)), ("head", .integer(effect.head)), ("loss", .number(effect.loss)),
            ("delta", .number(effect.delta)), ("standard_error", .number(effect.standardError)),
        ]
    }

    static func scores(_ scores: HeadScores) -> JSON {
        .object([
            ("self", .number(scores.toSelf)), ("previous", .number(scores.toPrevious)),
            ("distance", .integer(scores.distance)), ("to_distance", .number(scores.toDistance)),
            ("first", .number(scores.toFirst)), ("duplicate", .number(scores.toDuplicate)),
            ("induction", .number(scores.toInduction)), ("even_duplicate", .number(scores.evenDuplicate)),
            ("even_induction", .number(scores.evenInduction)), ("entropy", .number(scores.entropy)),
            ("structure", .number(scores.structure)), ("position", .number(scores.position)),
            ("detect_previous", .number(scores.detectPrevious)),
            ("detect_duplicate", .number(scores.detectDuplicate)),
            ("detect_induction", .number(scores.detectInduction)),
        ])
    }

    static func session(_ session: SessionSummary) -> JSON {
        .object([
            ("name", .string(session.name)), ("id", .string(session.id)), ("created_at", .number(session.createdAt)),
            ("updated_at", .number(session.updatedAt)), ("runs", .integer(session.runCount)),
            ("address", .string(session.address)), ("owner", .integer(Int(session.owner))),
            ("owner_name", session.ownerName.isEmpty ? .null : .string(session.ownerName)),
            ("read_only", .bool(session.isReadOnly)), ("shared_with", .integer(session.grantCount)),
            ("note", .string(session.note)),
        ])
    }

    static func run(_ run: RunSummary) -> JSON {
        .object([
            ("run", .string(run.id)), ("kind", .string(run.kind.rawValue)), ("created_at", .number(run.createdAt)),
            ("model", .string(run.model)), ("fingerprint", .string(run.fingerprint)),
            ("prompts", .integer(run.promptCount)), ("tokens", .integer(run.tokenCount)),
            ("excerpt", .string(run.excerpt)), ("loss", .number(run.loss)), ("hooked", .bool(run.isHooked)),
            ("edits", .array(run.edits.map(JSON.string))), ("detail", .string(run.detail)),
            (
                "effects",
                .array(
                    run.effects.map { .object([("place", .string($0.place)), ("delta", .number($0.delta))]) })
            ),
            ("note", .string(run.note)), ("imported", .bool(run.isImported)),
        ])
    }
}
