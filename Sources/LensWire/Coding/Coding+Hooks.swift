internal import CLensMessages
internal import LensCore

// hooks.proto.

extension Coding where Value == HookedRunMessage {
    static var hookedRunMessage: Self {
        Self(CHookedRunMessage.self) { (message) throws(LensError) in
            switch message.message_case {
            case LENS__V1__HOOKED_RUN_MESSAGE__MESSAGE_START:
                try required(message.start, "start") { (start: CHookedRunRequest) throws(LensError) in
                    .start(try HookedRunRequest(start))
                }
            case LENS__V1__HOOKED_RUN_MESSAGE__MESSAGE_ANSWER:
                try required(message.answer, "answer") { (answer: CHookAnswer) throws(LensError) in
                    .answer(try HookAnswer(answer))
                }
            default:
                throw .invalidArgument("a hooked run's message is a start or an answer; received neither")
            }
        } write: { (value, message, arena) throws(LensError) in
            switch value {
            case .start(let start):
                message.message_case = LENS__V1__HOOKED_RUN_MESSAGE__MESSAGE_START
                message.start = try arena.message { (item: inout CHookedRunRequest) throws(LensError) in
                    item.run = try arena.message { (run: inout CRunRequest) throws(LensError) in
                        try start.run.write(to: &run, arena)
                    }
                    (item.n_hooks, item.hooks) = arena.array(start.hooks.map { arena.bytes($0) })
                }
            case .answer(let answer):
                message.message_case = LENS__V1__HOOKED_RUN_MESSAGE__MESSAGE_ANSWER
                message.answer = try arena.message { (item: inout CHookAnswer) throws(LensError) in
                    try answer.write(to: &item, arena)
                }
            }
        }
    }
}

extension HookedRunRequest {
    fileprivate init(_ message: CHookedRunRequest) throws(LensError) {
        var hooks: [String] = []
        for hook in array(message.n_hooks, message.hooks) { hooks.append(try hook.text("hooks")) }
        self.init(
            run: try required(message.run, "run") { (run: CRunRequest) throws(LensError) in try RunRequest(run) },
            hooks: hooks)
    }
}

extension Coding where Value == HookedRunEvent {
    static var hookedRunEvent: Self {
        Self(CHookedRunEvent.self) { (message) throws(LensError) in
            switch message.event_case {
            case LENS__V1__HOOKED_RUN_EVENT__EVENT_START:
                try required(message.start, "start") { (start: CHookedRunStart) throws(LensError) in
                    let stamp = try required(start.model, "model") { (stamp: CModelStamp) throws(LensError) in
                        try ModelStamp(stamp)
                    }
                    return .start(model: stamp.name, form: stamp.form, fingerprint: stamp.fingerprint)
                }
            case LENS__V1__HOOKED_RUN_EVENT__EVENT_HOOK:
                try required(message.hook, "hook") { (event: CHookEvent) throws(LensError) in
                    .hook(try HookEvent(event))
                }
            case LENS__V1__HOOKED_RUN_EVENT__EVENT_RESULT:
                try required(message.result, "result") { (reply: CRunReply) throws(LensError) in
                    .result(try RunReply(reply))
                }
            default:
                throw .invalidArgument("a hooked run's event is a start, a hook or a result; received none of them")
            }
        } write: { (value, message, arena) throws(LensError) in
            switch value {
            case .start(let model, let form, let fingerprint):
                message.event_case = LENS__V1__HOOKED_RUN_EVENT__EVENT_START
                message.start = try arena.message { (start: inout CHookedRunStart) throws(LensError) in
                    start.model = try ModelStamp(name: model, form: form, fingerprint: fingerprint).write(arena)
                }
            case .hook(let event):
                message.event_case = LENS__V1__HOOKED_RUN_EVENT__EVENT_HOOK
                message.hook = try arena.message { (item: inout CHookEvent) throws(LensError) in
                    try event.write(to: &item, arena)
                }
            case .result(let reply):
                message.event_case = LENS__V1__HOOKED_RUN_EVENT__EVENT_RESULT
                message.result = try arena.message { (item: inout CRunReply) throws(LensError) in
                    try reply.write(to: &item, arena)
                }
            }
        }
    }
}

// MARK: - Parts that every call with hooks has

extension HookEvent {
    init(_ message: CHookEvent) throws(LensError) {
        switch message.event_case {
        case LENS__V1__HOOK_EVENT__EVENT_PARKED:
            self = try required(message.parked, "parked") { (parked: CHookedActivation) throws(LensError) in
                .parked(try HookedActivation(parked))
            }
        case LENS__V1__HOOK_EVENT__EVENT_KEPT:
            self = try required(message.kept, "kept") { (kept: CHookedActivation) throws(LensError) in
                .kept(try HookedActivation(kept))
            }
        case LENS__V1__HOOK_EVENT__EVENT_VALUES: self = .values(message.values.array)
        default: throw .invalidArgument("a hook's event is parked, kept or values; received none of them")
        }
    }

    func write(to message: inout CHookEvent, _ arena: MessageArena) throws(LensError) {
        switch self {
        case .parked(let activation):
            message.event_case = LENS__V1__HOOK_EVENT__EVENT_PARKED
            message.parked = try activation.write(arena)
        case .kept(let activation):
            message.event_case = LENS__V1__HOOK_EVENT__EVENT_KEPT
            message.kept = try activation.write(arena)
        case .values(let values):
            message.event_case = LENS__V1__HOOK_EVENT__EVENT_VALUES
            message.values = arena.bytes(values)
        }
    }
}

extension HookedActivation {
    fileprivate init(_ message: CHookedActivation) throws(LensError) {
        self.init(
            hook: try message.hook.text("hook"), elementType: try ElementType(message.element_type),
            shapes: try tensorShapes(message.n_shapes, message.shapes),
            lengths: array(message.n_lengths, message.lengths).map { Int($0) })
    }

    fileprivate func write(_ arena: MessageArena) throws(LensError) -> UnsafeMutablePointer<CHookedActivation>? {
        try arena.message { (message: inout CHookedActivation) throws(LensError) in
            message.hook = arena.bytes(hook)
            message.element_type = arena.bytes(elementType.rawValue)
            (message.n_shapes, message.shapes) = try writeShapes(shapes, arena)
            var positions: [UInt32] = []
            for length in lengths { positions.append(try arena.uint32(length, "lengths")) }
            (message.n_lengths, message.lengths) = arena.array(positions)
        }
    }
}

extension HookAnswer {
    init(_ message: CHookAnswer) throws(LensError) {
        switch message.answer_case {
        case LENS__V1__HOOK_ANSWER__ANSWER_UNCHANGED: self = .unchanged
        case LENS__V1__HOOK_ANSWER__ANSWER_REPLACEMENT:
            self = try required(message.replacement, "replacement") { (item: CHookReplacement) throws(LensError) in
                .replacement(shapes: try tensorShapes(item.n_shapes, item.shapes))
            }
        case LENS__V1__HOOK_ANSWER__ANSWER_VALUES: self = .values(message.values.array)
        default:
            throw .invalidArgument("an answer to a hook is unchanged, a replacement or values; received none of them")
        }
    }

    func write(to message: inout CHookAnswer, _ arena: MessageArena) throws(LensError) {
        switch self {
        case .unchanged:
            message.answer_case = LENS__V1__HOOK_ANSWER__ANSWER_UNCHANGED
            message.unchanged = try arena.message { (_: inout CHookUnchanged) in }
        case .replacement(let shapes):
            message.answer_case = LENS__V1__HOOK_ANSWER__ANSWER_REPLACEMENT
            message.replacement = try arena.message { (item: inout CHookReplacement) throws(LensError) in
                (item.n_shapes, item.shapes) = try writeShapes(shapes, arena)
            }
        case .values(let values):
            message.answer_case = LENS__V1__HOOK_ANSWER__ANSWER_VALUES
            message.values = arena.bytes(values)
        }
    }
}

private func tensorShapes(_ count: Int, _ start: UnsafeMutablePointer<UnsafeMutablePointer<CTensorShape>?>?)
    throws(LensError) -> [[Int]]
{
    try messages(count, start) { (shape: CTensorShape) throws(LensError) in
        var sizes: [Int] = []
        for size in array(shape.n_sizes, shape.sizes) { sizes.append(try size.count("shape")) }
        return sizes
    }
}

private func writeShapes(_ shapes: [[Int]], _ arena: MessageArena)
    throws(LensError) -> (count: Int, UnsafeMutablePointer<UnsafeMutablePointer<CTensorShape>?>?)
{
    try arena.messages(shapes) { (shape, item) throws(LensError) in
        var sizes: [UInt64] = []
        for size in shape { sizes.append(try arena.uint64(size, "shape")) }
        (item.n_sizes, item.sizes) = arena.array(sizes)
    }
}
