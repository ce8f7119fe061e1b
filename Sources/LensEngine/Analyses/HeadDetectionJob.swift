import LensCore
import LensModel
import LensTensor

/// Holds the patterns of all heads against targets, one prompt's pass a step.
final class HeadDetectionJob: PassJob {
    private let subject: PassSubject
    private let request: HeadDetectionRequest
    private var prompts: ArraySlice<Int>
    /// Per kind, `[prompt, layer, head]`.
    private var scores: [[Float]]

    init(_ subject: PassSubject, _ request: HeadDetectionRequest) {
        self.subject = subject
        self.request = request
        prompts = Array(subject.recipe.tokens.indices)[...]
        scores = request.kinds.map { _ in [] }
    }

    var cost: PassCost { subject.costOneByOne() }

    func step(on compute: Compute) throws(LensError) -> Outcome? {
        if let prompt = prompts.popFirst() {
            let tokens = subject.recipe.tokens[prompt]
            let targets = request.kinds.map { DetectionTarget($0, tokens: tokens, own: request.target) }
            let (batch, sequence) = subject.batch(of: prompt)
            var state = try subject.begin(prompts: batch)
            let points = (0..<subject.configuration.nLayers).map { HookPoint(.pattern, layer: $0) }
            try subject.visit(points, in: &state, of: batch, on: compute) { (state) throws(LensError) in
                let patterns = state.activation(of: sequence)
                let size = tokens.count * tokens.count
                for head in 0..<subject.configuration.nHeads {
                    try compute.control.check()
                    for (index, target) in targets.enumerated() {
                        let score = patterns.withPointer { target.score($0 + head * size, request) }
                        scores[index].append(score)
                    }
                }
            }
        }
        return prompts.isEmpty ? Outcome(scores: scores) : nil
    }

    struct Outcome: KeptAnswer {
        /// Per kind, `[prompt, layer, head]`.
        var scores: [[Float]]

        func copied() -> Outcome { Outcome(scores: scores.map { $0.copied() }) }
        var byteCount: Int { scores.reduce(0) { $0 + 4 * $1.count + 48 } }
    }
}

/// What a head of a kind would attend to: `[pos, pos]`, as TransformerLens's `head_detector` has it.
struct DetectionTarget {
    private let values: [Float]
    private let length: Int

    init(_ kind: DetectedHead, tokens: [Int32], own: [Float]) {
        length = tokens.count
        guard kind != .target else {
            values = own
            return
        }
        var values = [Float](repeating: 0, count: length * length)
        for destination in 0..<length {
            for source in 0..<destination {
                let isMeant =
                    switch kind {
                    case .previousToken: source == destination - 1
                    case .duplicateToken: tokens[source] == tokens[destination]
                    // Behind an earlier occurrence; the first position is behind none.
                    default: source > 0 && tokens[source - 1] == tokens[destination]
                    }
                if isMeant { values[destination * length + source] = 1 }
            }
            // An induction head that repeats a token may attend to where it stands.
            if kind == .induction, destination > 0, tokens[destination - 1] == tokens[destination] {
                values[destination * length + destination] = 1
            }
        }
        self.values = values
    }

    /// - Parameter pattern: `[pos, pos]`
    func score(_ pattern: UnsafePointer<Float>, _ request: HeadDetectionRequest) -> Float {
        var (on, all, away) = (0.0, 0.0, 0.0)
        for destination in 0..<length {
            for source in 0..<length {
                if request.excludesBOS, source == 0 { continue }
                if request.excludesCurrentToken, source == destination { continue }
                let weight = Double(pattern[destination * length + source])
                let target = Double(values[destination * length + source])
                on += weight * target
                all += weight
                away += abs(weight - target)
            }
        }
        return Float(request.measure == .mul ? on / all : 1 - away / Double(length))
    }
}
