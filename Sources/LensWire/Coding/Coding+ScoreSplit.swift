internal import CLensMessages
internal import LensCore

// analyses.proto: SplitScore.

extension Coding where Value == ScoreSplitRequest {
    static var splitScoreRequest: Self {
        Self(CSplitScoreRequest.self) { (message) throws(LensError) in
            ScoreSplitRequest(
                source: try PassSource(message.pass), prompt: Int(message.prompt_index), layer: Int(message.layer),
                head: Int(message.head),
                destinations: array(message.n_destinations, message.destinations).map { Int($0) },
                sources: array(message.n_sources, message.sources).map { Int($0) },
                detail: try ScoreSplitDetail(message.detail), isRelative: message.relative != 0,
                topCount: Int(message.top_count))
        } write: { (value, message, arena) throws(LensError) in
            message.pass = try value.source.analyzed(arena)
            message.prompt_index = try arena.uint32(value.prompt, "prompt_index")
            message.layer = try arena.uint32(value.layer, "layer")
            message.head = try arena.uint32(value.head, "head")
            (message.n_destinations, message.destinations) = try arena.int32s(value.destinations, "destinations")
            (message.n_sources, message.sources) = try arena.int32s(value.sources, "sources")
            message.detail = CSplitDetail(rawValue: UInt32(value.detail.rawValue))
            message.relative = value.isRelative ? 1 : 0
            message.top_count = try arena.uint32(value.topCount, "top_count")
        }
    }
}

extension ScoreSplitDetail {
    fileprivate init(_ field: CSplitDetail) throws(LensError) {
        // Nothing said is the coarsest.
        guard let detail = Self(rawValue: max(Int(field.rawValue), 1)) else {
            throw .outOfRange("detail", field.rawValue, 0..<Self.allCases.count + 1)
        }
        self = detail
    }
}

extension Coding where Value == ScoreSplitReply {
    static var splitScoreReply: Self {
        Self(CSplitScoreReply.self) { (message) throws(LensError) in
            let stamp = try required(message.model, "model") { (stamp: CModelStamp) throws(LensError) in
                try ModelStamp(stamp)
            }
            let reply = ScoreSplitReply(
                model: stamp.name, form: stamp.form, fingerprint: stamp.fingerprint,
                tokens: try tokens(message.n_tokens, message.tokens),
                destinations: array(message.n_destinations, message.destinations).map { Int($0) },
                sources: array(message.n_sources, message.sources).map { Int($0) },
                components: try ResidualComponent.list(message.n_components, message.components),
                scores: array(message.n_scores, message.scores), pattern: array(message.n_pattern, message.pattern),
                terms: array(message.n_terms, message.terms),
                positionBias: array(message.n_position_bias, message.position_bias),
                softCap: message.soft_cap == 0 ? nil : message.soft_cap, isRotary: message.rotary != 0,
                top: try messages(message.n_top, message.top) { (pair: CScorePair) throws(LensError) in
                    try ScorePair(pair)
                })
            let cells = [reply.destinations.count, reply.sources.count]
            let parts = [reply.components.count, reply.components.count]
            try checkCount(reply.scores.count, cells, "scores")
            try checkCount(reply.pattern.count, cells, "pattern")
            try checkCount(reply.terms.count, parts + cells, "terms")
            if !reply.positionBias.isEmpty { try checkCount(reply.positionBias.count, cells, "position_bias") }
            return reply
        } write: { (value, message, arena) throws(LensError) in
            message.model = try ModelStamp(name: value.model, form: value.form, fingerprint: value.fingerprint)
                .write(arena)
            (message.n_tokens, message.tokens) = try arena.tokens(value.tokens)
            (message.n_destinations, message.destinations) = try arena.uint32s(value.destinations, "destinations")
            (message.n_sources, message.sources) = try arena.uint32s(value.sources, "sources")
            (message.n_components, message.components) = try ResidualComponent.write(value.components, arena)
            (message.n_scores, message.scores) = arena.array(value.scores)
            (message.n_pattern, message.pattern) = arena.array(value.pattern)
            (message.n_terms, message.terms) = arena.array(value.terms)
            (message.n_position_bias, message.position_bias) = arena.array(value.positionBias)
            message.soft_cap = value.softCap ?? 0
            message.rotary = value.isRotary ? 1 : 0
            (message.n_top, message.top) = try arena.messages(value.top) { (pair, item) throws(LensError) in
                try pair.write(to: &item, arena)
            }
        }
    }
}

extension ScorePair {
    fileprivate init(_ message: CScorePair) throws(LensError) {
        func component(
            _ field: UnsafeMutablePointer<CResidualComponent>?, _ name: String
        ) throws(LensError) -> ResidualComponent {
            try required(field, name) { (item: CResidualComponent) throws(LensError) in try ResidualComponent(item) }
        }
        self.init(
            query: try component(message.query, "top.query"), key: try component(message.key, "top.key"),
            value: message.value)
    }

    fileprivate func write(to message: inout CScorePair, _ arena: MessageArena) throws(LensError) {
        message.query = try arena.message { (item: inout CResidualComponent) throws(LensError) in
            try query.write(to: &item, arena)
        }
        message.key = try arena.message { (item: inout CResidualComponent) throws(LensError) in
            try key.write(to: &item, arena)
        }
        message.value = value
    }
}
