import LensCore
import LensModel

extension Engine {
    /// How much of each head's pattern lies on targets.
    ///
    /// - Throws: `INVALID_ARGUMENT` for a target that does not fit the prompts.
    public func detectHeads(
        _ request: HeadDetectionRequest, recipe: Recipe, control: CallControl
    ) async throws(LensError) -> HeadDetectionReply {
        let subject = try await subject(recipe, control: control)
        try check(request, of: subject)
        let scores = try await passes.run(
            HeadDetectionJob(subject, request), for: user,
            asking: subject.question("head detection") { content in
                content.add(request.kinds.map(\.rawValue))
                content.add([request.measure.rawValue, request.excludesBOS ? 1 : 0])
                content.add(request.excludesCurrentToken ? 1 : 0)
                content.add(request.target)
            }, control: control
        ).scores
        var tokens: [[Token]] = []
        for prompt in recipe.tokens.indices { tokens.append(try subject.tokens(of: prompt)) }
        return HeadDetectionReply(
            model: subject.name, form: recipe.model.form, fingerprint: recipe.fingerprint, tokens: tokens,
            detections: zip(request.kinds, scores).map { HeadDetection(kind: $0, scores: $1) })
    }

    private func check(_ request: HeadDetectionRequest, of subject: PassSubject) throws(LensError) {
        guard !request.kinds.isEmpty, Set(request.kinds).count == request.kinds.count else {
            throw .invalidArgument(
                "kinds name each kind once, at least one; received \(request.kinds.map(\.name))")
        }
        guard request.kinds.contains(.target) == !request.target.isEmpty else {
            throw .invalidArgument("a target goes with the kind 'target', and with no other")
        }
        let c = subject.configuration
        let values = subject.recipe.tokens.count * c.nLayers * c.nHeads * request.kinds.count
        guard values <= Self.maximumValues else {
            throw .invalidArgument("one reply has at most \(Self.maximumValues) scores; received \(values)")
        }
        guard !request.target.isEmpty else { return }
        for tokens in subject.recipe.tokens where request.target.count != tokens.count * tokens.count {
            throw .invalidArgument(
                "a target has one value per pair of positions, \(tokens.count) x \(tokens.count); received "
                    + "\(request.target.count)")
        }
        let length = subject.recipe.tokens.first?.count ?? 0
        for destination in 0..<length {
            for source in destination + 1..<max(length, destination + 1)
            where request.target[destination * length + source] != 0 {
                throw .invalidArgument(
                    "a target is lower-triangular; received \(request.target[destination * length + source]) at "
                        + "[\(destination), \(source)]")
            }
        }
    }

    /// Attention to the token behind the earlier occurrence, on random tokens that are repeated once.
    ///
    /// - Parameter runs: recorded runs that edits name.
    /// - Throws: `INVALID_ARGUMENT` for a length or batch out of range.
    public func scoreInduction(
        _ request: InductionRequest, runs: [String: Recipe], control: CallControl
    ) async throws(LensError) -> InductionReply {
        let entry = try models.model(for: request.model)
        let c = entry.model.configuration
        let bos = entry.model.tokenizer?.bosTokenID
        guard !request.prependBOS || bos != nil else {
            throw .invalidArgument("the model has no BOS token to put in front")
        }
        let longest = (c.nCtx - (request.prependBOS ? 1 : 0)) / 2
        guard (2...max(longest, 2)).contains(request.length) else {
            throw .invalidArgument(
                "length must be in 2...\(longest), half the context; received \(request.length)")
        }
        guard (1...256).contains(request.batch) else {
            throw .outOfRange("batch", request.batch, 1..<257)
        }
        var sequences: [[Int32]] = []
        for index in 0..<request.batch {
            var random = SeededRandom(seed: request.seed, stream: index)
            var half: [Int32] = []
            for _ in 0..<request.length {
                half.append(Int32.random(in: 0..<Int32(c.dVocab), using: &random))
            }
            sequences.append((request.prependBOS ? bos.map { [$0] } ?? [] : []) + half + half)
        }
        let recipe = try prepare(
            model: request.model, prompts: sequences.map { .tokens($0) },
            interventions: request.interventions,
            runs: runs)
        let subject = try await subject(recipe, control: control)
        let items = (0..<c.nLayers).map {
            ReductionJob.Item(
                reduction: 0, kind: .diagonalMean, point: HookPoint(.pattern, layer: $0),
                offset: 1 - request.length,
                count: 0)
        }
        let prompts = try await reduced(items, of: subject, control: control)
        var scores = [Double](repeating: 0, count: c.nLayers * c.nHeads)
        for activations in prompts {
            for (index, value) in activations.flatMap(\.values).enumerated()
            where scores.indices.contains(index) {
                scores[index] += Double(value) / Double(request.batch)
            }
        }
        return InductionReply(
            model: subject.name, form: recipe.model.form, fingerprint: recipe.fingerprint,
            sequences: sequences,
            scores: scores.map { Float($0) })
    }
}
