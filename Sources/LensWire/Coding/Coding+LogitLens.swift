internal import CLensMessages
internal import LensCore

// analyses.proto: LogitLens.

extension Coding where Value == LogitLensRequest {
    static var logitLensRequest: Self {
        Self(CLogitLensRequest.self) { (message) throws(LensError) in
            LogitLensRequest(
                source: try PassSource(message.pass),
                positions: array(message.n_positions, message.positions).map { Int($0) },
                layers: array(message.n_layers, message.layers).map { Int($0) }, withMid: message.with_mid != 0,
                topCount: Int(message.top_count),
                tokens: try tokenIDs(array(message.n_tokens, message.tokens), "tokens"))
        } write: { (value, message, arena) throws(LensError) in
            message.pass = try value.source.analyzed(arena)
            (message.n_positions, message.positions) = try arena.int32s(value.positions, "positions")
            (message.n_layers, message.layers) = try arena.int32s(value.layers, "layers")
            message.with_mid = value.withMid ? 1 : 0
            message.top_count = try arena.uint32(value.topCount, "top_count")
            (message.n_tokens, message.tokens) = try arena.uint32s(value.tokens, "tokens")
        }
    }
}

extension Coding where Value == LogitLensReply {
    static var logitLensReply: Self {
        Self(CLogitLensReply.self) { (message) throws(LensError) in
            let stamp = try required(message.model, "model") { (stamp: CModelStamp) throws(LensError) in
                try ModelStamp(stamp)
            }
            var points: [String] = []
            for point in array(message.n_points, message.points) { points.append(try point.text("points")) }
            let reply = LogitLensReply(
                model: stamp.name, form: stamp.form, fingerprint: stamp.fingerprint, points: points,
                vocabulary: try tokens(message.n_vocabulary, message.vocabulary),
                tokens: try tokenIDs(array(message.n_tokens, message.tokens), "tokens"),
                topCount: Int(message.top_count),
                prompts: try messages(message.n_prompts, message.prompts) { (prompt: CPromptLens) throws(LensError) in
                    try PromptLens(prompt)
                })
            for prompt in reply.prompts { try reply.check(prompt) }
            return reply
        } write: { (value, message, arena) throws(LensError) in
            message.model = try ModelStamp(name: value.model, form: value.form, fingerprint: value.fingerprint)
                .write(arena)
            (message.n_points, message.points) = arena.array(value.points.map { arena.bytes($0) })
            (message.n_vocabulary, message.vocabulary) = try arena.tokens(value.vocabulary)
            (message.n_tokens, message.tokens) = try arena.uint32s(value.tokens, "tokens")
            message.top_count = try arena.uint32(value.topCount, "top_count")
            (message.n_prompts, message.prompts) = try arena.messages(value.prompts) {
                (prompt, item) throws(LensError) in try prompt.write(to: &item, arena)
            }
        }
    }
}

extension LogitLensReply {
    /// Whether a prompt's lists have the sizes that the others give them.
    fileprivate func check(_ prompt: PromptLens) throws(LensError) {
        let places = [points.count, prompt.positions.count]
        try checkCount(prompt.topTokens.count, places + [topCount], "top_tokens")
        try checkCount(prompt.topLogprobs.count, places + [topCount], "top_logprobs")
        try checkCount(prompt.logSums.count, places, "log_sums")
        try checkCount(prompt.entropies.count, places, "entropies")
        try checkCount(prompt.divergences.count, places, "divergences")
        try checkCount(prompt.nextLogprobs.count, places, "next_logprobs")
        try checkCount(prompt.nextRanks.count, places, "next_ranks")
        try checkCount(prompt.tokenLogprobs.count, places + [tokens.count], "token_logprobs")
        try checkCount(prompt.tokenRanks.count, places + [tokens.count], "token_ranks")
    }
}

extension PromptLens {
    fileprivate init(_ message: CPromptLens) throws(LensError) {
        self.init(
            tokens: try LensWire.tokens(message.n_tokens, message.tokens),
            positions: array(message.n_positions, message.positions).map { Int($0) },
            topTokens: try tokenIDs(array(message.n_top_tokens, message.top_tokens), "top_tokens"),
            topLogprobs: array(message.n_top_logprobs, message.top_logprobs),
            logSums: array(message.n_log_sums, message.log_sums),
            entropies: array(message.n_entropies, message.entropies),
            divergences: array(message.n_divergences, message.divergences),
            nextLogprobs: array(message.n_next_logprobs, message.next_logprobs),
            nextRanks: array(message.n_next_ranks, message.next_ranks).map { Int($0) },
            tokenLogprobs: array(message.n_token_logprobs, message.token_logprobs),
            tokenRanks: array(message.n_token_ranks, message.token_ranks).map { Int($0) })
    }

    fileprivate func write(to message: inout CPromptLens, _ arena: MessageArena) throws(LensError) {
        (message.n_tokens, message.tokens) = try arena.tokens(tokens)
        (message.n_positions, message.positions) = try arena.uint32s(positions, "positions")
        (message.n_top_tokens, message.top_tokens) = try arena.uint32s(topTokens, "top_tokens")
        (message.n_top_logprobs, message.top_logprobs) = arena.array(topLogprobs)
        (message.n_log_sums, message.log_sums) = arena.array(logSums)
        (message.n_entropies, message.entropies) = arena.array(entropies)
        (message.n_divergences, message.divergences) = arena.array(divergences)
        (message.n_next_logprobs, message.next_logprobs) = arena.array(nextLogprobs)
        (message.n_next_ranks, message.next_ranks) = try arena.int32s(nextRanks, "next_ranks")
        (message.n_token_logprobs, message.token_logprobs) = arena.array(tokenLogprobs)
        (message.n_token_ranks, message.token_ranks) = try arena.uint32s(tokenRanks, "token_ranks")
    }
}
