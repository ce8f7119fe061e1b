internal import CLensMessages
internal import LensCore

// generation.proto: text under the client's own functions.

extension Coding where Value == HookedGenerateMessage {
    static var hookedGenerateMessage: Self {
        Self(CHookedGenerateMessage.self) { (message) throws(LensError) in
            switch message.message_case {
            case LENS__V1__HOOKED_GENERATE_MESSAGE__MESSAGE_START:
                try required(message.start, "start") { (start: CHookedGenerateRequest) throws(LensError) in
                    .start(try HookedGenerateRequest(start))
                }
            case LENS__V1__HOOKED_GENERATE_MESSAGE__MESSAGE_ANSWER:
                try required(message.answer, "answer") { (answer: CHookAnswer) throws(LensError) in
                    .answer(try HookAnswer(answer))
                }
            default:
                throw .invalidArgument("a hooked generation's message is a start or an answer; received neither")
            }
        } write: { (value, message, arena) throws(LensError) in
            switch value {
            case .start(let start):
                message.message_case = LENS__V1__HOOKED_GENERATE_MESSAGE__MESSAGE_START
                message.start = try arena.message { (item: inout CHookedGenerateRequest) throws(LensError) in
                    item.generation = try arena.message { (inner: inout CGenerateRequest) throws(LensError) in
                        try start.generation.write(to: &inner, arena)
                    }
                    (item.n_hooks, item.hooks) = arena.array(start.hooks.map { arena.bytes($0) })
                }
            case .answer(let answer):
                message.message_case = LENS__V1__HOOKED_GENERATE_MESSAGE__MESSAGE_ANSWER
                message.answer = try arena.message { (item: inout CHookAnswer) throws(LensError) in
                    try answer.write(to: &item, arena)
                }
            }
        }
    }
}

extension HookedGenerateRequest {
    fileprivate init(_ message: CHookedGenerateRequest) throws(LensError) {
        var hooks: [String] = []
        for hook in array(message.n_hooks, message.hooks) { hooks.append(try hook.text("hooks")) }
        self.init(
            generation: try required(message.generation, "generation") { (request) throws(LensError) in
                try GenerateRequest(request)
            },
            hooks: hooks)
    }
}

extension Coding where Value == HookedGenerateEvent {
    static var hookedGenerateEvent: Self {
        Self(CHookedGenerateEvent.self) { (message) throws(LensError) in
            switch message.event_case {
            case LENS__V1__HOOKED_GENERATE_EVENT__EVENT_HOOK:
                try required(message.hook, "hook") { (event: CHookEvent) throws(LensError) in
                    .hook(try HookEvent(event))
                }
            case LENS__V1__HOOKED_GENERATE_EVENT__EVENT_GENERATION:
                try required(message.generation, "generation") { (event: CGenerateEvent) throws(LensError) in
                    .generation(try GenerateEvent(event))
                }
            default:
                throw .invalidArgument("a hooked generation's event is a hook or a generation's; received neither")
            }
        } write: { (value, message, arena) throws(LensError) in
            switch value {
            case .hook(let event):
                message.event_case = LENS__V1__HOOKED_GENERATE_EVENT__EVENT_HOOK
                message.hook = try arena.message { (item: inout CHookEvent) throws(LensError) in
                    try event.write(to: &item, arena)
                }
            case .generation(let event):
                message.event_case = LENS__V1__HOOKED_GENERATE_EVENT__EVENT_GENERATION
                message.generation = try arena.message { (item: inout CGenerateEvent) throws(LensError) in
                    try event.write(to: &item, arena)
                }
            }
        }
    }
}
