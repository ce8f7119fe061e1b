internal import CLensMessages
internal import LensCore

// analyses.proto: DetectHeads, ScoreInduction.

extension Coding where Value == HeadDetectionRequest {
    static var detectHeadsRequest: Self {
        Self(CDetectHeadsRequest.self) { (message) throws(LensError) in
            var kinds: [DetectedHead] = []
            for kind in array(message.n_kinds, message.kinds) { kinds.append(try DetectedHead(kind)) }
            // Nothing said is "mul".
            guard let measure = DetectionMeasure(rawValue: max(Int(message.measure.rawValue), 1)) else {
                throw .outOfRange(
                    "measure", message.measure.rawValue, 0..<DetectionMeasure.allCases.count + 1)
            }
            return HeadDetectionRequest(
                source: try PassSource(message.pass), kinds: kinds.isEmpty ? DetectedHead.named : kinds,
                measure: measure, excludesBOS: message.exclude_bos != 0,
                excludesCurrentToken: message.exclude_current_token != 0,
                target: array(message.n_target, message.target))
        } write: { (value, message, arena) throws(LensError) in
            message.pass = try value.source.analyzed(arena)
            (message.n_kinds, message.kinds) = arena.array(
                value.kinds.map { CDetectedHead(rawValue: UInt32($0.rawValue)) })
            message.measure = CDetectionMeasure(rawValue: UInt32(value.measure.rawValue))
            message.exclude_bos = value.excludesBOS ? 1 : 0
            message.exclude_current_token = value.excludesCurrentToken ? 1 : 0
            (message.n_target, message.target) = arena.array(value.target)
        }
    }
}

extension DetectedHead {
    fileprivate init(_ field: CDetectedHead) throws(LensError) {
        guard let kind = Self(rawValue: Int(field.rawValue)) else {
            throw .outOfRange("kind", field.rawValue, 1..<Self.allCases.count + 1)
        }
        self = kind
    }
}

extension Coding where Value == HeadDetectionReply {
    static var detectHeadsReply: Self {
        Self(CDetectHeadsReply.self) { (message) throws(LensError) in
            let stamp = try required(message.model, "model") { (stamp: CModelStamp) throws(LensError) in
                try ModelStamp(stamp)
            }
            return HeadDetectionReply(
                model: stamp.name, form: stamp.form, fingerprint: stamp.fingerprint,
                tokens: try messages(message.n_tokens, message.tokens, Token.list),
                detections: try messages(message.n_detections, message.detections) {
                    (detection: CHeadDetection) throws(LensError) in
                    HeadDetection(
                        kind: try DetectedHead(detection.kind),
                        scores: array(detection.n_scores, detection.scores))
                })
        } write: { (value, message, arena) throws(LensError) in
            message.model = try ModelStamp(
                name: value.model, form: value.form, fingerprint: value.fingerprint
            )
            .write(arena)
            (message.n_tokens, message.tokens) = try Token.write(value.tokens, arena)
            (message.n_detections, message.detections) = try arena.messages(value.detections) {
                (detection, item: inout CHeadDetection) in
                item.kind = CDetectedHead(rawValue: UInt32(detection.kind.rawValue))
                (item.n_scores, item.scores) = arena.array(detection.scores)
            }
        }
    }
}

extension Coding where Value == InductionRequest {
    static var scoreInductionRequest: Self {
        Self(CScoreInductionRequest.self) { (message) throws(LensError) in
            InductionRequest(
                model: try ModelReference(message.model),
                interventions: try InterventionSpec.read(message.n_interventions, message.interventions),
                length: Int(message.length), batch: Int(message.batch), seed: message.seed,
                prependBOS: message.prepend_bos != 0)
        } write: { (value, message, arena) throws(LensError) in
            message.model = arena.bytes(value.model.description)
            (message.n_interventions, message.interventions) = try InterventionSpec.write(
                value.interventions, arena)
            message.length = try arena.uint32(value.length, "length")
            message.batch = try arena.uint32(value.batch, "batch")
            message.seed = value.seed
            message.prepend_bos = value.prependBOS ? 1 : 0
        }
    }
}

extension Coding where Value == InductionReply {
    static var scoreInductionReply: Self {
        Self(CScoreInductionReply.self) { (message) throws(LensError) in
            let stamp = try required(message.model, "model") { (stamp: CModelStamp) throws(LensError) in
                try ModelStamp(stamp)
            }
            return InductionReply(
                model: stamp.name, form: stamp.form, fingerprint: stamp.fingerprint,
                sequences: try messages(message.n_sequences, message.sequences) {
                    (sequence: CTokenPrompt) throws(LensError) in
                    try tokenIDs(array(sequence.n_ids, sequence.ids), "sequences")
                },
                scores: array(message.n_scores, message.scores))
        } write: { (value, message, arena) throws(LensError) in
            message.model = try ModelStamp(
                name: value.model, form: value.form, fingerprint: value.fingerprint
            )
            .write(arena)
            (message.n_sequences, message.sequences) = try arena.messages(value.sequences) {
                (sequence, item: inout CTokenPrompt) throws(LensError) in
                (item.n_ids, item.ids) = try arena.uint32s(sequence, "sequences")
            }
            (message.n_scores, message.scores) = arena.array(value.scores)
        }
    }
}
