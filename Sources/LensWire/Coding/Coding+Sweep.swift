internal import CLensMessages
internal import LensCore

// inference.proto: Sweep and ScoreHeads.

extension Coding where Value == SweepRequest {
    static var sweepRequest: Self {
        Self(CSweepRequest.self) { (message) throws(LensError) in
            let hook = try message.hook.text("hook")
            return SweepRequest(
                model: try ModelReference(message.model), session: try sessionName(message.session),
                prompts: try Prompt.read(message.n_prompts, message.prompts),
                action: try AblationKind(message.action, "action"), hook: hook.isEmpty ? "z" : hook,
                isRecorded: message.unrecorded == 0)
        } write: { (value, message, arena) throws(LensError) in
            message.model = arena.bytes(value.model.description)
            message.session = arena.bytes(value.session)
            (message.n_prompts, message.prompts) = try Prompt.write(value.prompts, arena)
            message.action = value.action.wire
            message.hook = arena.bytes(value.hook)
            message.unrecorded = value.isRecorded ? 0 : 1
        }
    }
}

extension Coding where Value == SweepEvent {
    static var sweepEvent: Self {
        Self(CSweepEvent.self) { (message) throws(LensError) in
            switch message.event_case {
            case LENS__V1__SWEEP_EVENT__EVENT_PROGRESS:
                try required(message.progress, "progress") { (progress: CSweepProgress) throws(LensError) in
                    .progress(done: try progress.done.count("done"), total: try progress.total.count("total"))
                }
            case LENS__V1__SWEEP_EVENT__EVENT_RESULT:
                try required(message.result, "result") { (result: CSweepReply) throws(LensError) in
                    .result(try SweepReply(result))
                }
            default:
                throw .invalidArgument("a sweep's event is progress or a result; received neither")
            }
        } write: { (value, message, arena) throws(LensError) in
            switch value {
            case .progress(let done, let total):
                message.event_case = LENS__V1__SWEEP_EVENT__EVENT_PROGRESS
                message.progress = try arena.message { (item: inout CSweepProgress) throws(LensError) in
                    item.done = try arena.uint64(done, "done")
                    item.total = try arena.uint64(total, "total")
                }
            case .result(let result):
                message.event_case = LENS__V1__SWEEP_EVENT__EVENT_RESULT
                message.result = try arena.message { (item: inout CSweepReply) throws(LensError) in
                    try result.write(to: &item, arena)
                }
            }
        }
    }
}

extension SweepReply {
    fileprivate init(_ message: CSweepReply) throws(LensError) {
        let stamp = try required(message.model, "model") { (stamp: CModelStamp) throws(LensError) in
            try ModelStamp(stamp)
        }
        self.init(
            runID: try message.run_id.text("run_id"), model: stamp.name, form: stamp.form,
            fingerprint: stamp.fingerprint, action: try AblationKind(message.action, "action"),
            hook: try message.hook.text("hook"), tokens: try messages(message.n_tokens, message.tokens, Token.list),
            baselineLoss: message.baseline_loss,
            baselineLosses: array(message.n_baseline_losses, message.baseline_losses),
            heads: try messages(message.n_heads, message.heads) { (effect: CHeadEffect) in
                HeadEffect(
                    layer: Int(effect.layer), head: Int(effect.head), loss: effect.loss, delta: effect.delta,
                    standardError: effect.standard_error,
                    promptDeltas: array(effect.n_prompt_deltas, effect.prompt_deltas))
            })
    }

    fileprivate func write(to message: inout CSweepReply, _ arena: MessageArena) throws(LensError) {
        message.run_id = arena.bytes(runID)
        message.model = try ModelStamp(name: model, form: form, fingerprint: fingerprint).write(arena)
        message.action = action.wire
        message.hook = arena.bytes(hook)
        (message.n_tokens, message.tokens) = try Token.write(tokens, arena)
        message.baseline_loss = baselineLoss
        (message.n_baseline_losses, message.baseline_losses) = arena.array(baselineLosses)
        (message.n_heads, message.heads) = try arena.messages(heads) {
            (effect, item: inout CHeadEffect) throws(LensError) in
            item.layer = try arena.uint32(effect.layer, "layer")
            item.head = try arena.uint32(effect.head, "head")
            item.loss = effect.loss
            item.delta = effect.delta
            item.standard_error = effect.standardError
            (item.n_prompt_deltas, item.prompt_deltas) = arena.array(effect.promptDeltas)
        }
    }
}

extension Coding where Value == HeadScoresRequest {
    static var scoreHeadsRequest: Self {
        Self(CScoreHeadsRequest.self) { (message) throws(LensError) in
            HeadScoresRequest(
                model: try ModelReference(message.model), prompts: try Prompt.read(message.n_prompts, message.prompts))
        } write: { (value, message, arena) throws(LensError) in
            message.model = arena.bytes(value.model.description)
            (message.n_prompts, message.prompts) = try Prompt.write(value.prompts, arena)
        }
    }
}

extension Coding where Value == HeadScoresReply {
    static var scoreHeadsReply: Self {
        Self(CScoreHeadsReply.self) { (message) throws(LensError) in
            HeadScoresReply(
                model: try message.model.text("model"), fingerprint: try message.fingerprint.text("fingerprint"),
                tokens: try messages(message.n_tokens, message.tokens, Token.list),
                heads: try messages(message.n_heads, message.heads) { (scores: CHeadScores) in HeadScores(scores) })
        } write: { (value, message, arena) throws(LensError) in
            message.model = arena.bytes(value.model)
            message.fingerprint = arena.bytes(value.fingerprint)
            (message.n_tokens, message.tokens) = try Token.write(value.tokens, arena)
            (message.n_heads, message.heads) = try arena.messages(value.heads) { (scores, item) throws(LensError) in
                try scores.write(to: &item, arena)
            }
        }
    }
}

extension HeadScores {
    fileprivate init(_ message: CHeadScores) {
        self.init(
            layer: Int(message.layer), head: Int(message.head), toSelf: message.to_self,
            toPrevious: message.to_previous, distance: Int(message.distance), toDistance: message.to_distance,
            toFirst: message.to_first, toDuplicate: message.to_duplicate, toInduction: message.to_induction,
            entropy: message.entropy, detectPrevious: message.detect_previous,
            detectDuplicate: message.detect_duplicate, detectInduction: message.detect_induction)
    }

    fileprivate func write(to message: inout CHeadScores, _ arena: MessageArena) throws(LensError) {
        message.layer = try arena.uint32(layer, "layer")
        message.head = try arena.uint32(head, "head")
        message.to_self = toSelf
        message.to_previous = toPrevious
        message.distance = try arena.uint32(distance, "distance")
        message.to_distance = toDistance
        message.to_first = toFirst
        message.to_duplicate = toDuplicate
        message.to_induction = toInduction
        message.entropy = entropy
        message.detect_previous = detectPrevious
        message.detect_duplicate = detectDuplicate
        message.detect_induction = detectInduction
    }
}
