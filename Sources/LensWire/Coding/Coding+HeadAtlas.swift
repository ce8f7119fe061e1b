internal import CLensMessages
internal import LensCore

// heads.proto

extension Coding where Value == HeadAtlasRequest {
    static var headAtlasRequest: Self {
        Self(CHeadAtlasRequest.self) { (message) throws(LensError) in
            HeadAtlasRequest(
                model: try ModelReference(message.model), prompts: try Prompt.read(message.n_prompts, message.prompts),
                ablation: try AblationKind.read(message.ablation), pairCount: Int(message.pair_count),
                withPage: message.with_page != 0, title: try message.title.text("title"))
        } write: { (value, message, arena) throws(LensError) in
            message.model = arena.bytes(value.model.description)
            (message.n_prompts, message.prompts) = try Prompt.write(value.prompts, arena)
            message.ablation = AblationKind.wire(value.ablation)
            message.pair_count = try arena.uint32(value.pairCount, "pair_count")
            message.with_page = value.withPage ? 1 : 0
            message.title = arena.bytes(value.title)
        }
    }
}

extension AblationKind {
    fileprivate static func read(_ message: CHeadAblation) throws(LensError) -> AblationKind? {
        switch message {
        case LENS__V1__HEAD_ABLATION__HEAD_ABLATION_NONE: nil
        case LENS__V1__HEAD_ABLATION__HEAD_ABLATION_ZERO: .zero
        case LENS__V1__HEAD_ABLATION__HEAD_ABLATION_MEAN: .mean
        default: throw .invalidArgument("ablation must be in 0...2; received \(message.rawValue)")
        }
    }

    fileprivate static func wire(_ kind: AblationKind?) -> CHeadAblation {
        switch kind {
        case nil: LENS__V1__HEAD_ABLATION__HEAD_ABLATION_NONE
        case .zero: LENS__V1__HEAD_ABLATION__HEAD_ABLATION_ZERO
        case .mean: LENS__V1__HEAD_ABLATION__HEAD_ABLATION_MEAN
        }
    }
}

extension Coding where Value == HeadAtlasEvent {
    static var headAtlasEvent: Self {
        Self(CHeadAtlasEvent.self) { (message) throws(LensError) in
            switch message.event_case {
            case LENS__V1__HEAD_ATLAS_EVENT__EVENT_PROGRESS:
                return try required(message.progress, "progress") { (progress) throws(LensError) in
                    let word = try progress.phase.text("progress.phase")
                    guard let phase = HeadAtlasPhase(rawValue: word) else {
                        throw .invalidArgument("'\(word.prefix(32))' is no phase of an atlas")
                    }
                    return .progress(
                        phase, done: Int(clamping: progress.done), total: Int(clamping: progress.total))
                }
            case LENS__V1__HEAD_ATLAS_EVENT__EVENT_HEADER:
                return .header(
                    try required(message.header, "header") { (header) throws(LensError) in try HeadAtlas(header) })
            case LENS__V1__HEAD_ATLAS_EVENT__EVENT_HEADS:
                return .heads(
                    try required(message.heads, "heads") { (list) throws(LensError) in
                        try messages(list.n_heads, list.heads) { (head: CHeadProfile) throws(LensError) in
                            try HeadProfile(head)
                        }
                    })
            case LENS__V1__HEAD_ATLAS_EVENT__EVENT_PAGE: return .page(message.page.array)
            default: throw .invalidArgument("an event of an atlas must be progress, a header, heads or a page")
            }
        } write: { (value, message, arena) throws(LensError) in
            switch value {
            case .progress(let phase, let done, let total):
                message.event_case = LENS__V1__HEAD_ATLAS_EVENT__EVENT_PROGRESS
                message.progress = try arena.message { (item: inout CHeadAtlasProgress) throws(LensError) in
                    item.phase = arena.bytes(phase.rawValue)
                    item.done = try arena.uint64(done, "done")
                    item.total = try arena.uint64(total, "total")
                }
            case .header(let atlas):
                message.event_case = LENS__V1__HEAD_ATLAS_EVENT__EVENT_HEADER
                message.header = try arena.message { (item: inout CHeadAtlasHeader) throws(LensError) in
                    try atlas.write(to: &item, arena)
                }
            case .heads(let heads):
                message.event_case = LENS__V1__HEAD_ATLAS_EVENT__EVENT_HEADS
                message.heads = try arena.message { (item: inout CHeadProfileList) throws(LensError) in
                    (item.n_heads, item.heads) = try arena.messages(heads) {
                        (head, item: inout CHeadProfile) throws(LensError) in try head.write(to: &item, arena)
                    }
                }
            case .page(let bytes):
                message.event_case = LENS__V1__HEAD_ATLAS_EVENT__EVENT_PAGE
                message.page = arena.bytes(bytes)
            }
        }
    }
}

extension HeadAtlas {
    /// Without the heads, which follow.
    fileprivate init(_ message: CHeadAtlasHeader) throws(LensError) {
        let stamp = try required(message.model, "model") { (stamp: CModelStamp) throws(LensError) in
            try ModelStamp(stamp)
        }
        self.init(
            model: stamp.name, form: stamp.form, fingerprint: stamp.fingerprint,
            isBuiltInCorpus: message.built_in_corpus != 0, promptCount: Int(message.prompt_count),
            tokenCount: Int(clamping: message.token_count), predictionCount: Int(clamping: message.prediction_count),
            baselineLoss: message.baseline_loss, ablation: try AblationKind.read(message.ablation),
            repeatedLength: Int(message.repeated_length), heads: [])
    }

    fileprivate func write(to message: inout CHeadAtlasHeader, _ arena: MessageArena) throws(LensError) {
        message.model = try ModelStamp(name: model, form: form, fingerprint: fingerprint).write(arena)
        message.built_in_corpus = isBuiltInCorpus ? 1 : 0
        message.prompt_count = try arena.uint32(promptCount, "prompt_count")
        message.token_count = try arena.uint64(tokenCount, "token_count")
        message.prediction_count = try arena.uint64(predictionCount, "prediction_count")
        message.baseline_loss = baselineLoss
        message.ablation = AblationKind.wire(ablation)
        message.repeated_length = try arena.uint32(repeatedLength, "repeated_length")
    }
}

extension HeadProfile {
    fileprivate init(_ message: CHeadProfile) throws(LensError) {
        self.init(
            scores: try required(message.scores, "scores") { (scores) throws(LensError) in try HeadScores(scores) },
            repeats: message.repeats.map {
                RepeatScores(duplicate: $0.pointee.duplicate, induction: $0.pointee.induction)
            },
            tokens: message.tokens, byDistance: array(message.n_by_distance, message.by_distance),
            pairs: try messages(message.n_pairs, message.pairs) { (pair: CTokenPair) throws(LensError) in
                try TokenPair(pair)
            },
            loss: message.loss, delta: message.delta, standardError: message.standard_error,
            copying: message.copying)
    }

    fileprivate func write(to message: inout CHeadProfile, _ arena: MessageArena) throws(LensError) {
        message.scores = try arena.message { (item: inout CHeadScores) throws(LensError) in
            try scores.write(to: &item, arena)
        }
        if let repeats {
            message.repeats = try arena.message { (item: inout CRepeatScores) in
                item.duplicate = repeats.duplicate
                item.induction = repeats.induction
            }
        }
        message.tokens = tokens
        (message.n_by_distance, message.by_distance) = arena.array(byDistance)
        (message.n_pairs, message.pairs) = try arena.messages(pairs) {
            (pair, item: inout CTokenPair) throws(LensError) in
            item.destination = try arena.message { (token: inout CToken) throws(LensError) in
                try pair.destination.write(to: &token, arena)
            }
            item.source = try arena.message { (token: inout CToken) throws(LensError) in
                try pair.source.write(to: &token, arena)
            }
            item.weight = pair.weight
            item.places = try arena.uint64(pair.places, "places")
        }
        message.loss = loss
        message.delta = delta
        message.standard_error = standardError
        message.copying = copying
    }
}

extension TokenPair {
    fileprivate init(_ message: CTokenPair) throws(LensError) {
        func token(_ field: UnsafeMutablePointer<CToken>?, _ name: String) throws(LensError) -> Token {
            try required(field, name) { (token: CToken) throws(LensError) in try Token(token) }
        }
        self.init(
            destination: try token(message.destination, "pairs.destination"),
            source: try token(message.source, "pairs.source"), weight: message.weight,
            places: Int(clamping: message.places))
    }
}
