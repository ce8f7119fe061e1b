import LensCore

extension Engine {
    /// Logits as sums over what was written into the residual stream.
    ///
    /// - Throws: `INVALID_ARGUMENT` for what is out of range or too much for one reply.
    public func attribute(
        _ request: AttributionRequest, recipe: Recipe, control: CallControl
    ) async throws(LensError) -> AttributionReply {
        let subject = try await subject(recipe, control: control)
        let question = try attributionQuestion(request, of: subject)
        let outcome = try await passes.run(
            AttributionJob(subject, question), for: user,
            asking: subject.question("attribution") { content in
                for positions in question.positions { content.add(positions) }
                content.add(question.answers)
                content.add(question.wrong)
                content.add([question.detail.rawValue, question.topCount, question.withMid ? 1 : 0])
            }, control: control)
        var prompts: [PromptAttribution] = []
        for (index, part) in outcome.prompts.enumerated() {
            prompts.append(
                PromptAttribution(
                    tokens: try subject.tokens(of: index), positions: question.positions[index],
                    answers: try subject.model.tokens(part.answers),
                    wrong: try subject.model.tokens(part.wrong),
                    totals: part.totals, terms: part.terms, neurons: part.neurons))
        }
        return AttributionReply(
            model: subject.name, form: recipe.model.form, fingerprint: recipe.fingerprint,
            components: outcome.components, prompts: prompts)
    }

    private func attributionQuestion(
        _ request: AttributionRequest, of subject: PassSubject
    ) throws(LensError) -> AttributionJob.Question {
        let (c, prompts) = (subject.configuration, subject.recipe.tokens)
        try check(request.tokens, in: c)
        try check(request.wrongTokens, in: c)
        guard request.tokens.isEmpty || [1, prompts.count].contains(request.tokens.count) else {
            throw .invalidArgument(
                "tokens are none, one for all prompts, or one per prompt (\(prompts.count)); received "
                    + "\(request.tokens.count)")
        }
        guard request.wrongTokens.isEmpty || request.wrongTokens.count == request.tokens.count else {
            throw .invalidArgument(
                "there are as many wrong tokens as tokens (\(request.tokens.count)), or none; received "
                    + "\(request.wrongTokens.count)")
        }
        guard !request.withMid || c.has(.residMid) else {
            throw .invalidArgument("the model has no resid_mid to look at: leave it out")
        }
        guard (0...1024).contains(request.topCount), request.topCount == 0 || request.detail == .neurons
        else {
            throw .invalidArgument(
                "the largest neurons (0...1024) are named where neurons are asked for; received \(request.topCount)"
            )
        }
        var places: [[Int]] = []
        for tokens in prompts {
            places.append(
                try positions(
                    request.positions.isEmpty ? [-1] : request.positions, count: tokens.count, "position"))
        }
        let perLayer = request.detail == .heads ? c.nHeads + 2 : 2
        let rows = places.reduce(0) { $0 + $1.count }
        let values = rows * (c.nLayers * perLayer + 4 + 3 * request.topCount)
        guard values <= Self.maximumValues else {
            throw .invalidArgument(
                "one reply has at most \(Self.maximumValues) terms; received \(rows) positions with \(values / rows) "
                    + "each: name fewer positions, prompts or neurons")
        }
        return AttributionJob.Question(
            positions: places, answers: request.tokens, wrong: request.wrongTokens, detail: request.detail,
            topCount: min(request.topCount, c.dMLP * c.nLayers), withMid: request.withMid)
    }
}
