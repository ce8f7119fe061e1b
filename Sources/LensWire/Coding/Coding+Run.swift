internal import CLensMessages
internal import LensCore

// inference.proto: Tokenize; run.proto.

extension Coding where Value == TokenizeRequest {
    static var tokenizeRequest: Self {
        Self(CTokenizeRequest.self) { (message) throws(LensError) in
            TokenizeRequest(
                model: try ModelReference(message.model), prompts: try Prompt.read(message.n_prompts, message.prompts))
        } write: { (value, message, arena) throws(LensError) in
            message.model = arena.bytes(value.model.description)
            (message.n_prompts, message.prompts) = try Prompt.write(value.prompts, arena)
        }
    }
}

extension Coding where Value == TokenizeReply {
    static var tokenizeReply: Self {
        Self(CTokenizeReply.self) { (message) throws(LensError) in
            var texts: [String] = []
            for text in array(message.n_texts, message.texts) { texts.append(try text.text("texts")) }
            return TokenizeReply(
                model: try message.model.text("model"),
                tokens: try messages(message.n_tokens, message.tokens, Token.list),
                texts: texts)
        } write: { (value, message, arena) throws(LensError) in
            message.model = arena.bytes(value.model)
            (message.n_tokens, message.tokens) = try Token.write(value.tokens, arena)
            (message.n_texts, message.texts) = arena.array(value.texts.map { arena.bytes($0) })
        }
    }
}

extension Coding where Value == RunRequest {
    static var runRequest: Self {
        Self(CRunRequest.self) { (message) throws(LensError) in
            try RunRequest(message)
        } write: { (value, message, arena) throws(LensError) in
            try value.write(to: &message, arena)
        }
    }
}

extension RunRequest {
    init(_ message: CRunRequest) throws(LensError) {
        self.init(
            model: try ModelReference(message.model),
            session: try sessionName(message.session),
            prompts: try Prompt.read(message.n_prompts, message.prompts),
            interventions: try InterventionSpec.read(message.n_interventions, message.interventions),
            topCount: Int(message.top_count),
            wantsPerTokenLoss: message.per_token_loss != 0,
            keep: try NamesFilter(message),
            isRecorded: message.unrecorded == 0,
            wantsLoss: message.skip_loss == 0)
    }

    func write(to message: inout CRunRequest, _ arena: MessageArena) throws(LensError) {
        message.model = arena.bytes(model.description)
        message.session = arena.bytes(session)
        (message.n_prompts, message.prompts) = try Prompt.write(prompts, arena)
        (message.n_interventions, message.interventions) = try InterventionSpec.write(interventions, arena)
        message.top_count = try arena.uint32(topCount, "top_count")
        message.per_token_loss = wantsPerTokenLoss ? 1 : 0
        switch keep {
        case .none: break
        case .all: message.keep_all = 1
        case .names(let names):
            (message.n_keep_names, message.keep_names) = arena.array(names.map { arena.bytes($0) })
        }
        message.unrecorded = isRecorded ? 0 : 1
        message.skip_loss = wantsLoss ? 0 : 1
    }
}

/// A session's name; empty means `default`.
func sessionName(_ field: ProtobufCBinaryData) throws(LensError) -> String {
    let name = try field.text("session")
    return name.isEmpty ? "default" : name
}

extension NamesFilter {
    fileprivate init(_ message: CRunRequest) throws(LensError) {
        var names: [String] = []
        for name in array(message.n_keep_names, message.keep_names) { names.append(try name.text("keep_names")) }
        switch (message.keep_all != 0, names.isEmpty) {
        case (false, true): self = .none
        case (false, false): self = .names(names)
        case (true, true): self = .all
        case (true, false):
            throw .invalidArgument("keep_all and keep_names exclude each other; received both")
        }
    }
}

extension Coding where Value == RunReply {
    static var runReply: Self {
        Self(CRunReply.self) { (message) throws(LensError) in
            try RunReply(message)
        } write: { (value, message, arena) throws(LensError) in
            try value.write(to: &message, arena)
        }
    }
}

extension RunReply {
    init(_ message: CRunReply) throws(LensError) {
        let stamp = try required(message.model, "model") { (stamp: CModelStamp) throws(LensError) in
            try ModelStamp(stamp)
        }
        self.init(
            runID: try message.run_id.text("run_id"), model: stamp.name, form: stamp.form,
            fingerprint: stamp.fingerprint, loss: message.loss,
            prompts: try messages(message.n_prompts, message.prompts) { (prompt: CPromptResult) throws(LensError) in
                try PromptResult(prompt)
            })
    }

    func write(to message: inout CRunReply, _ arena: MessageArena) throws(LensError) {
        message.run_id = arena.bytes(runID)
        message.model = try ModelStamp(name: model, form: form, fingerprint: fingerprint).write(arena)
        message.loss = loss
        (message.n_prompts, message.prompts) = try arena.messages(prompts) { (prompt, item) throws(LensError) in
            try prompt.write(to: &item, arena)
        }
    }
}

/// What a result was made from.
struct ModelStamp {
    let name: String
    let form: ModelReference.Form
    let fingerprint: String
}

extension ModelStamp {
    init(_ message: CModelStamp) throws(LensError) {
        self.init(
            name: try message.name.text("model.name"), form: message.raw != 0 ? .raw : .processed,
            fingerprint: try message.fingerprint.text("model.fingerprint"))
    }

    func write(_ arena: MessageArena) throws(LensError) -> UnsafeMutablePointer<CModelStamp>? {
        try arena.message { (message: inout CModelStamp) in
            message.name = arena.bytes(name)
            message.raw = form == .raw ? 1 : 0
            message.fingerprint = arena.bytes(fingerprint)
        }
    }
}

extension PromptResult {
    fileprivate init(_ message: CPromptResult) throws(LensError) {
        self.init(
            tokens: try messages(message.n_tokens, message.tokens) { (token: CToken) throws(LensError) in
                try Token(token)
            },
            loss: message.loss,
            perTokenLoss: array(message.n_per_token_loss, message.per_token_loss),
            top: try messages(message.n_top, message.top) { (top: CPrediction) throws(LensError) in
                Prediction(
                    token: try required(top.token, "top.token") { (token: CToken) throws(LensError) in
                        try Token(token)
                    },
                    logprob: top.logprob)
            })
    }

    fileprivate func write(to message: inout CPromptResult, _ arena: MessageArena) throws(LensError) {
        (message.n_tokens, message.tokens) = try arena.messages(tokens) { (token, item) throws(LensError) in
            try token.write(to: &item, arena)
        }
        message.loss = loss
        (message.n_per_token_loss, message.per_token_loss) = arena.array(perTokenLoss)
        (message.n_top, message.top) = try arena.messages(top) {
            (prediction, item: inout CPrediction) throws(LensError) in
            item.token = try arena.message { (token: inout CToken) throws(LensError) in
                try prediction.token.write(to: &token, arena)
            }
            item.logprob = prediction.logprob
        }
    }
}
