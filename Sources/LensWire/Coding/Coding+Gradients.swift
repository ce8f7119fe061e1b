internal import CLensMessages
internal import LensCore

// gradients.proto.

extension Coding where Value == GradientMessage {
    static var gradientMessage: Self {
        Self(CGradientMessage.self) { (message) throws(LensError) in
            switch message.message_case {
            case LENS__V1__GRADIENT_MESSAGE__MESSAGE_START:
                try required(message.start, "start") { (start: CGradientRequest) throws(LensError) in
                    .start(try GradientRequest(start))
                }
            case LENS__V1__GRADIENT_MESSAGE__MESSAGE_ANSWER:
                try required(message.answer, "answer") { (answer: CHookAnswer) throws(LensError) in
                    .answer(try HookAnswer(answer))
                }
            default:
                throw .invalidArgument("a gradient's message is a start or an answer; received neither")
            }
        } write: { (value, message, arena) throws(LensError) in
            switch value {
            case .start(let request):
                message.message_case = LENS__V1__GRADIENT_MESSAGE__MESSAGE_START
                message.start = try arena.message { (item: inout CGradientRequest) throws(LensError) in
                    try request.write(to: &item, arena)
                }
            case .answer(let answer):
                message.message_case = LENS__V1__GRADIENT_MESSAGE__MESSAGE_ANSWER
                message.answer = try arena.message { (item: inout CHookAnswer) throws(LensError) in
                    try answer.write(to: &item, arena)
                }
            }
        }
    }
}

extension GradientRequest {
    fileprivate init(_ message: CGradientRequest) throws(LensError) {
        func names(
            _ count: Int, _ start: UnsafeMutablePointer<ProtobufCBinaryData>?, _ field: String
        ) throws(LensError) -> [String] {
            var names: [String] = []
            for name in array(count, start) { names.append(try name.text(field)) }
            return names
        }
        self.init(
            model: try ModelReference(message.model),
            prompts: try Prompt.read(message.n_prompts, message.prompts),
            interventions: try InterventionSpec.read(message.n_interventions, message.interventions),
            terms: try messages(message.n_terms, message.terms) { (term: CGradientTerm) throws(LensError) in
                try GradientTerm(term)
            },
            cotangents: try names(message.n_cotangents, message.cotangents, "cotangents"),
            replacements: try names(message.n_replacements, message.replacements, "replacements"),
            wanted: try names(message.n_wanted, message.wanted, "wanted"),
            stops: try names(message.n_stops, message.stops, "stops"))
    }

    fileprivate func write(to message: inout CGradientRequest, _ arena: MessageArena) throws(LensError) {
        message.model = arena.bytes(model.description)
        (message.n_prompts, message.prompts) = try Prompt.write(prompts, arena)
        (message.n_interventions, message.interventions) = try InterventionSpec.write(interventions, arena)
        (message.n_terms, message.terms) = try arena.messages(terms) { (term, item) throws(LensError) in
            try term.write(to: &item, arena)
        }
        (message.n_cotangents, message.cotangents) = arena.array(cotangents.map { arena.bytes($0) })
        (message.n_replacements, message.replacements) = arena.array(replacements.map { arena.bytes($0) })
        (message.n_wanted, message.wanted) = arena.array(wanted.map { arena.bytes($0) })
        (message.n_stops, message.stops) = arena.array(stops.map { arena.bytes($0) })
    }
}

extension GradientTerm {
    fileprivate init(_ message: CGradientTerm) throws(LensError) {
        func prediction(
            _ field: UnsafeMutablePointer<CPredictionTerm>?, _ name: String,
            _ quantity: (Int, Int, Int) -> Quantity
        ) throws(LensError) -> Quantity {
            try required(field, "terms.\(name)") { (term: CPredictionTerm) throws(LensError) in
                guard let position = Int32(exactly: term.position) else {
                    throw .outOfRange("terms.\(name).position", term.position, -(1 << 31)..<1 << 31)
                }
                return quantity(
                    Int(term.prompt_index), Int(position), Int(try term.token.tokenID("terms.\(name).token")))
            }
        }
        let quantity: Quantity
        switch message.quantity_case {
        case LENS__V1__GRADIENT_TERM__QUANTITY_LOSS:
            quantity = try required(message.loss, "terms.loss") { (loss: CLossTerm) throws(LensError) in
                .loss(isSum: loss.sum != 0)
            }
        case LENS__V1__GRADIENT_TERM__QUANTITY_LOGIT:
            quantity = try prediction(message.logit, "logit", Quantity.logit)
        case LENS__V1__GRADIENT_TERM__QUANTITY_LOG_PROBABILITY:
            quantity = try prediction(message.log_probability, "log_probability", Quantity.logProbability)
        default:
            throw .invalidArgument("a term is a loss, a logit or a log_probability; received none of them")
        }
        self.init(quantity, weight: message.weight)
    }

    fileprivate func write(to message: inout CGradientTerm, _ arena: MessageArena) throws(LensError) {
        func prediction(
            _ prompt: Int, _ position: Int, _ token: Int
        ) throws(LensError) -> UnsafeMutablePointer<CPredictionTerm>? {
            try arena.message { (term: inout CPredictionTerm) throws(LensError) in
                term.prompt_index = try arena.uint32(prompt, "prompt_index")
                term.position = Int64(position)
                term.token = try arena.uint32(token, "token")
            }
        }
        message.weight = weight
        switch quantity {
        case .loss(let isSum):
            message.quantity_case = LENS__V1__GRADIENT_TERM__QUANTITY_LOSS
            message.loss = try arena.message { (loss: inout CLossTerm) in loss.sum = isSum ? 1 : 0 }
        case .logit(let prompt, let position, let token):
            message.quantity_case = LENS__V1__GRADIENT_TERM__QUANTITY_LOGIT
            message.logit = try prediction(prompt, position, token)
        case .logProbability(let prompt, let position, let token):
            message.quantity_case = LENS__V1__GRADIENT_TERM__QUANTITY_LOG_PROBABILITY
            message.log_probability = try prediction(prompt, position, token)
        }
    }
}

extension Coding where Value == GradientEvent {
    static var gradientEvent: Self {
        Self(CGradientEvent.self) { (message) throws(LensError) in
            switch message.event_case {
            case LENS__V1__GRADIENT_EVENT__EVENT_START:
                try required(message.start, "start") { (start: CGradientStart) throws(LensError) in
                    let stamp = try required(start.model, "model") { (stamp: CModelStamp) throws(LensError) in
                        try ModelStamp(stamp)
                    }
                    return .start(
                        model: stamp.name, form: stamp.form, fingerprint: stamp.fingerprint, value: start.value)
                }
            case LENS__V1__GRADIENT_EVENT__EVENT_HOOK:
                try required(message.hook, "hook") { (event: CHookEvent) throws(LensError) in
                    .hook(try HookEvent(event))
                }
            default:
                throw .invalidArgument("a gradient's event is a start or a hook; received neither")
            }
        } write: { (value, message, arena) throws(LensError) in
            switch value {
            case .start(let model, let form, let fingerprint, let value):
                message.event_case = LENS__V1__GRADIENT_EVENT__EVENT_START
                message.start = try arena.message { (start: inout CGradientStart) throws(LensError) in
                    start.model = try ModelStamp(name: model, form: form, fingerprint: fingerprint).write(arena)
                    start.value = value
                }
            case .hook(let event):
                message.event_case = LENS__V1__GRADIENT_EVENT__EVENT_HOOK
                message.hook = try arena.message { (item: inout CHookEvent) throws(LensError) in
                    try event.write(to: &item, arena)
                }
            }
        }
    }
}
