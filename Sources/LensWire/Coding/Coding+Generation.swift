internal import CLensMessages
internal import LensCore

// generation.proto

extension Coding where Value == GenerateRequest {
    static var generateRequest: Self {
        Self(CGenerateRequest.self) { (message) throws(LensError) in
            try GenerateRequest(message)
        } write: { (value, message, arena) throws(LensError) in
            try value.write(to: &message, arena)
        }
    }
}

extension GenerateRequest {
    init(_ message: CGenerateRequest) throws(LensError) {
        self.init(
            model: try ModelReference(message.model), session: try sessionName(message.session),
            prompts: try Prompt.read(message.n_prompts, message.prompts),
            interventions: try InterventionSpec.read(message.n_interventions, message.interventions),
            options: try required(message.options, "options") { (options) throws(LensError) in
                try GenerationOptions(options)
            },
            isRecorded: message.unrecorded == 0)
    }

    func write(to message: inout CGenerateRequest, _ arena: MessageArena) throws(LensError) {
        message.model = arena.bytes(model.description)
        message.session = arena.bytes(session)
        (message.n_prompts, message.prompts) = try Prompt.write(prompts, arena)
        (message.n_interventions, message.interventions) = try InterventionSpec.write(interventions, arena)
        message.options = try options.write(arena)
        message.unrecorded = isRecorded ? 0 : 1
    }
}

extension GenerationOptions {
    fileprivate init(_ message: CGenerationOptions) throws(LensError) {
        let hasTopK = message.top_k_choice_case == LENS__V1__GENERATION_OPTIONS__TOP_K_CHOICE_TOP_K
        let hasTopP = message.top_p_choice_case == LENS__V1__GENERATION_OPTIONS__TOP_P_CHOICE_TOP_P
        let hasSeed = message.seed_choice_case == LENS__V1__GENERATION_OPTIONS__SEED_CHOICE_SEED
        var eosTokens: [Int32] = []
        for id in array(message.n_eos_token_ids, message.eos_token_ids) {
            eosTokens.append(try id.tokenID("options.eos_token_ids"))
        }
        var stopStrings: [String] = []
        for stop in array(message.n_stop_strings, message.stop_strings) {
            stopStrings.append(try stop.text("options.stop_strings"))
        }
        self.init(
            maxNewTokens: try message.max_new_tokens.count("options.max_new_tokens"), temperature: message.temperature,
            topK: hasTopK ? try message.top_k.count("options.top_k") : nil, topP: hasTopP ? message.top_p : nil,
            frequencyPenalty: message.freq_penalty, seed: hasSeed ? message.seed : nil,
            stopsAtEOS: message.ignore_eos == 0, eosTokens: eosTokens, stopStrings: stopStrings)
    }

    fileprivate func write(_ arena: MessageArena) throws(LensError) -> UnsafeMutablePointer<CGenerationOptions>? {
        try arena.message { (message: inout CGenerationOptions) throws(LensError) in
            message.max_new_tokens = try arena.uint64(maxNewTokens, "options.max_new_tokens")
            message.temperature = temperature
            if let topK {
                message.top_k_choice_case = LENS__V1__GENERATION_OPTIONS__TOP_K_CHOICE_TOP_K
                message.top_k = try arena.uint64(topK, "options.top_k")
            }
            if let topP {
                message.top_p_choice_case = LENS__V1__GENERATION_OPTIONS__TOP_P_CHOICE_TOP_P
                message.top_p = topP
            }
            message.freq_penalty = frequencyPenalty
            if let seed {
                message.seed_choice_case = LENS__V1__GENERATION_OPTIONS__SEED_CHOICE_SEED
                message.seed = seed
            }
            message.ignore_eos = stopsAtEOS ? 0 : 1
            var ids: [UInt32] = []
            for id in eosTokens { ids.append(try arena.uint32(id, "options.eos_token_ids")) }
            (message.n_eos_token_ids, message.eos_token_ids) = arena.array(ids)
            (message.n_stop_strings, message.stop_strings) = arena.array(stopStrings.map { arena.bytes($0) })
        }
    }
}

extension Coding where Value == GenerateEvent {
    static var generateEvent: Self {
        Self(CGenerateEvent.self) { (message) throws(LensError) in
            try GenerateEvent(message)
        } write: { (value, message, arena) throws(LensError) in
            try value.write(to: &message, arena)
        }
    }
}

extension GenerateEvent {
    init(_ message: CGenerateEvent) throws(LensError) {
        switch message.event_case {
        case LENS__V1__GENERATE_EVENT__EVENT_TOKENS:
            self = try required(message.tokens, "tokens") { (batch: CGeneratedBatch) throws(LensError) in
                .tokens(
                    try messages(batch.n_prompts, batch.prompts) { (tokens: CGeneratedTokens) throws(LensError) in
                        try GeneratedTokens(tokens)
                    })
            }
        case LENS__V1__GENERATE_EVENT__EVENT_RESULT:
            self = try required(message.result, "result") { (result: CGeneration) throws(LensError) in
                .result(prompt: Int(result.prompt_index), try Generation(result))
            }
        case LENS__V1__GENERATE_EVENT__EVENT_END:
            self = try required(message.end, "end") { (end: CGenerationEnd) throws(LensError) in
                .end(try GenerateReply(end))
            }
        default:
            throw .invalidArgument("a generation's event is tokens, a result or the end; received none of them")
        }
    }

    func write(to message: inout CGenerateEvent, _ arena: MessageArena) throws(LensError) {
        switch self {
        case .tokens(let batch):
            message.event_case = LENS__V1__GENERATE_EVENT__EVENT_TOKENS
            message.tokens = try arena.message { (item: inout CGeneratedBatch) throws(LensError) in
                (item.n_prompts, item.prompts) = try arena.messages(batch) { (tokens, item) throws(LensError) in
                    try tokens.write(to: &item, arena)
                }
            }
        case .result(let prompt, let result):
            message.event_case = LENS__V1__GENERATE_EVENT__EVENT_RESULT
            message.result = try arena.message { (item: inout CGeneration) throws(LensError) in
                item.prompt_index = try arena.uint32(prompt, "prompt_index")
                try result.write(to: &item, arena)
            }
        case .end(let end):
            message.event_case = LENS__V1__GENERATE_EVENT__EVENT_END
            message.end = try arena.message { (item: inout CGenerationEnd) throws(LensError) in
                try end.write(to: &item, arena)
            }
        }
    }
}

extension GeneratedTokens {
    fileprivate init(_ message: CGeneratedTokens) throws(LensError) {
        let tokens = try messages(message.n_tokens, message.tokens) { (token: CToken) throws(LensError) in
            try Token(token)
        }
        let logprobs = array(message.n_logprobs, message.logprobs)
        guard tokens.count == logprobs.count else {
            throw .invalidArgument("\(tokens.count) generated tokens came with \(logprobs.count) logprobs")
        }
        self.init(
            prompt: Int(message.prompt_index),
            tokens: zip(tokens, logprobs).map { GeneratedToken(token: $0, logprob: $1) },
            text: try message.text.text("text"))
    }

    fileprivate func write(to message: inout CGeneratedTokens, _ arena: MessageArena) throws(LensError) {
        message.prompt_index = try arena.uint32(prompt, "prompt_index")
        (message.n_tokens, message.tokens) = try arena.messages(tokens) { (token, item) throws(LensError) in
            try token.token.write(to: &item, arena)
        }
        (message.n_logprobs, message.logprobs) = arena.array(tokens.map(\.logprob))
        message.text = arena.bytes(text)
    }
}

extension Generation {
    fileprivate init(_ message: CGeneration) throws(LensError) {
        let reason = try message.finish_reason.text("finish_reason")
        guard let finishReason = FinishReason(rawValue: reason) else {
            let known = FinishReason.allCases.map(\.rawValue).joined(separator: ", ")
            throw .invalidArgument("finish_reason must be one of \(known); received '\(reason)'")
        }
        self.init(
            tokens: try messages(message.n_tokens, message.tokens) { (token: CToken) throws(LensError) in
                try Token(token)
            },
            promptLength: Int(message.prompt_length), logprobs: array(message.n_logprobs, message.logprobs),
            text: try message.text.text("text"), finishReason: finishReason)
    }

    fileprivate func write(to message: inout CGeneration, _ arena: MessageArena) throws(LensError) {
        (message.n_tokens, message.tokens) = try arena.messages(tokens) { (token, item) throws(LensError) in
            try token.write(to: &item, arena)
        }
        message.prompt_length = try arena.uint32(promptLength, "prompt_length")
        (message.n_logprobs, message.logprobs) = arena.array(logprobs)
        message.text = arena.bytes(text)
        message.finish_reason = arena.bytes(finishReason.rawValue)
    }
}

extension GenerateReply {
    /// Without the prompts, which came before.
    fileprivate init(_ message: CGenerationEnd) throws(LensError) {
        let stamp = try required(message.model, "model") { (stamp: CModelStamp) throws(LensError) in
            try ModelStamp(stamp)
        }
        self.init(
            runID: try message.run_id.text("run_id"), model: stamp.name, form: stamp.form,
            fingerprint: stamp.fingerprint,
            options: try required(message.options, "options") { (options) throws(LensError) in
                try GenerationOptions(options)
            },
            prompts: [])
    }

    fileprivate func write(to message: inout CGenerationEnd, _ arena: MessageArena) throws(LensError) {
        message.run_id = arena.bytes(runID)
        message.model = try ModelStamp(name: model, form: form, fingerprint: fingerprint).write(arena)
        message.options = try options.write(arena)
    }
}
