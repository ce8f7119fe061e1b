internal import CLensMessages
internal import LensCore

// inference.proto: ScoreHeads.

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
                heads: try messages(message.n_heads, message.heads) { (scores: CHeadScores) throws(LensError) in
                    try HeadScores(scores)
                })
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
    init(_ message: CHeadScores) throws(LensError) {
        self.init(
            layer: Int(message.layer), head: Int(message.head), toSelf: message.to_self,
            toPrevious: message.to_previous, distance: Int(message.distance), toDistance: message.to_distance,
            toFirst: message.to_first, toDuplicate: message.to_duplicate, toInduction: message.to_induction,
            evenDuplicate: message.even_duplicate, evenInduction: message.even_induction, entropy: message.entropy,
            structure: message.structure, position: message.position, detectPrevious: message.detect_previous,
            detectDuplicate: message.detect_duplicate, detectInduction: message.detect_induction,
            kinds: try messages(message.n_kinds, message.kinds) { (kind: CHeadFinding) throws(LensError) in
                try HeadFinding(kind)
            })
    }

    func write(to message: inout CHeadScores, _ arena: MessageArena) throws(LensError) {
        message.layer = try arena.uint32(layer, "layer")
        message.head = try arena.uint32(head, "head")
        message.to_self = toSelf
        message.to_previous = toPrevious
        message.distance = try arena.uint32(distance, "distance")
        message.to_distance = toDistance
        message.to_first = toFirst
        message.to_duplicate = toDuplicate
        message.to_induction = toInduction
        message.even_duplicate = evenDuplicate
        message.even_induction = evenInduction
        message.entropy = entropy
        message.structure = structure
        message.position = position
        message.detect_previous = detectPrevious
        message.detect_duplicate = detectDuplicate
        message.detect_induction = detectInduction
        (message.n_kinds, message.kinds) = try arena.messages(kinds) {
            (finding, item: inout CHeadFinding) throws(LensError) in
            item.kind = arena.bytes(finding.kind.word)
            item.distance = try arena.uint32(finding.kind.distance, "kinds.distance")
            item.score = finding.score
            item.why = arena.bytes(finding.why)
        }
    }
}

extension HeadFinding {
    fileprivate init(_ message: CHeadFinding) throws(LensError) {
        let word = try message.kind.text("kinds.kind")
        guard let kind = HeadKind(word: word, distance: Int(message.distance)) else {
            throw .invalidArgument("'\(word.prefix(32))' at distance \(message.distance) is no kind of head")
        }
        self.init(kind: kind, score: message.score, why: try message.why.text("kinds.why"))
    }
}
