import LensCore
import LensModel
import LensTensor

/// Analyses of passes: what is asked is held against the model and the prompts here.
extension Engine {
    /// The most numbers of one reply, which has to fit into a frame.
    static let maximumValues = 1 << 19
    /// The same of a split, whose reply has nothing else of size: 3.6 MB of the 4 MiB that a frame takes.
    private static let maximumSplitValues = 900_000

    // MARK: - Score splits

    /// A head's scores as sums over what queries and keys are made of.
    ///
    /// - Throws: `INVALID_ARGUMENT` for what is out of range or too much for one reply.
    public func splitScore(
        _ request: ScoreSplitRequest, recipe: Recipe, control: CallControl
    ) async throws(LensError) -> ScoreSplitReply {
        let subject = try await subject(recipe, control: control)
        let question = try scoreSplitQuestion(request, of: subject)
        let outcome = try await passes.run(
            ScoreSplitJob(subject, question), for: user,
            asking: subject.question("score split") { content in
                content.add([question.prompt, question.layer, question.head])
                content.add(question.destinations)
                content.add(question.sources)
                content.add([question.detail.rawValue, question.isRelative ? 1 : 0, question.topCount])
            }, control: control)
        return ScoreSplitReply(
            model: subject.name, form: recipe.model.form, fingerprint: recipe.fingerprint,
            tokens: try subject.tokens(of: question.prompt), destinations: question.destinations,
            sources: question.sources, components: outcome.components, scores: outcome.scores,
            pattern: outcome.pattern, terms: outcome.terms, positionBias: outcome.positionBias,
            softCap: subject.configuration.attnScoresSoftCap,
            isRotary: subject.configuration.positionalEmbedding.rotary != nil, top: outcome.top)
    }

    private func scoreSplitQuestion(
        _ request: ScoreSplitRequest, of subject: PassSubject
    ) throws(LensError) -> ScoreSplitJob.Question {
        let (c, tokens) = (subject.configuration, subject.recipe.tokens)
        try check(request.prompt, in: tokens.count, "prompt")
        try check(request.layer, in: c.nLayers, "layer")
        try check(request.head, in: c.nHeads, "head")
        let length = tokens[request.prompt].count
        let question = ScoreSplitJob.Question(
            prompt: request.prompt, layer: request.layer, head: request.head,
            destinations: try positions(request.destinations, count: length, "destination"),
            sources: try positions(request.sources, count: length, "source"), detail: request.detail,
            isRelative: request.isRelative, topCount: request.topCount)
        let cells = question.destinations.count * question.sources.count
        guard (0...10_000).contains(request.topCount), request.topCount == 0 || cells == 1 else {
            throw .invalidArgument(
                "the largest pairs (0...10000) are named for one destination and one source; received "
                    + "\(request.topCount) for \(cells) cells")
        }
        // Of the components that a layer may have, those that this pass has not.
        let absent = (c.has(.posEmbed) ? 0 : 1) + (subject.plan.points.contains { $0.isUnaccounted } ? 0 : 1)
        let parts = request.detail.componentCount(layer: request.layer, heads: c.nHeads) - absent
        // Scores and pattern travel too.
        let (values, overflows) = (parts * parts + 2).multipliedReportingOverflow(by: cells)
        guard !overflows, values <= Self.maximumSplitValues else {
            throw .invalidArgument(
                "one reply has at most \(Self.maximumSplitValues) numbers; received \(cells) cells with up to "
                    + "\(parts * parts + 2) each: name fewer destinations or a coarser detail")
        }
        let held = question.partDetail.componentCount(layer: request.layer, heads: c.nHeads)
        guard held <= RowBudget.bytes / (16 * c.dHead * question.positions.count) else {
            throw .resourceExhausted(
                "\(held) components of \(question.positions.count) positions take more than "
                    + "\(RowBudget.bytes >> 20) MiB: name fewer positions or a coarser detail")
        }
        return question
    }

    // MARK: - Logit lens

    /// What the model would predict from each point of the residual stream.
    ///
    /// - Throws: `INVALID_ARGUMENT` for what is out of range or too much for one reply, `RESOURCE_EXHAUSTED` for what
    ///   takes too much memory.
    public func logitLens(
        _ request: LogitLensRequest, recipe: Recipe, control: CallControl
    ) async throws(LensError) -> LogitLensReply {
        let subject = try await subject(recipe, control: control)
        let question = try logitLensQuestion(request, of: subject)
        let outcome = try await passes.run(
            LogitLensJob(subject, question), for: user,
            asking: subject.question("logit lens") { content in
                content.add(question.points.map(\.name))
                for positions in question.positions { content.add(positions) }
                content.add(question.topCount)
                content.add(question.tokens)
            }, control: control)
        var prompts = outcome.prompts
        for index in prompts.indices { prompts[index].tokens = try subject.tokens(of: index) }
        let spoken = Set(prompts.flatMap(\.topTokens)).union(question.tokens)
        return LogitLensReply(
            model: subject.name, form: recipe.model.form, fingerprint: recipe.fingerprint,
            points: question.points.map(\.name), vocabulary: try subject.model.tokens(spoken.sorted()),
            tokens: question.tokens, topCount: question.topCount, prompts: prompts)
    }

    private func logitLensQuestion(
        _ request: LogitLensRequest, of subject: PassSubject
    ) throws(LensError) -> LogitLensJob.Question {
        let c = subject.configuration
        guard !request.withMid || c.has(.residMid) else {
            throw .invalidArgument("the model has no resid_mid to look at: leave it out")
        }
        let layers = try positions(request.layers, count: c.nLayers, "layer")
        var points = layers.sorted().flatMap { layer in
            [HookPoint(.residPre, layer: layer)] + (request.withMid ? [HookPoint(.residMid, layer: layer)] : [])
        }
        points.append(HookPoint(.residPost, layer: c.nLayers - 1))
        var places: [[Int]] = []
        for tokens in subject.recipe.tokens {
            places.append(try positions(request.positions, count: tokens.count, "position"))
        }
        try check(request.tokens, in: c)
        guard request.tokens.count <= 1024 else {
            throw .invalidArgument("at most 1024 tokens are ranked at each place; received \(request.tokens.count)")
        }
        let mostNamed = min(c.dVocab, 1024)
        guard (0...mostNamed).contains(request.topCount) else {
            throw .invalidArgument("top count must be in 0...\(mostNamed); received \(request.topCount)")
        }
        let rows = places.reduce(0) { $0 + $1.count }
        let values = rows * points.count * (2 * (request.topCount + request.tokens.count) + 6)
        guard values <= Self.maximumValues else {
            throw .invalidArgument(
                "one reply has at most \(Self.maximumValues) numbers; received \(rows) positions at \(points.count) "
                    + "points, \(values) numbers: name fewer positions, layers or tokens")
        }
        let longest = places.map(\.count).max() ?? 0
        guard longest * points.count <= RowBudget.bytes / (4 * c.dModel) else {
            throw .resourceExhausted(
                "\(points.count) points of \(longest) positions take more than \(RowBudget.bytes >> 20) MiB: name "
                    + "fewer positions or layers")
        }
        return LogitLensJob.Question(
            points: points, positions: places, topCount: request.topCount, tokens: request.tokens)
    }

    // MARK: - Ranges

    /// Entries of an axis, counted from the front; none named means all.
    func positions(_ wanted: [Int], count: Int, _ name: String) throws(LensError) -> [Int] {
        wanted.isEmpty ? Array(0..<count) : try Indices.list(wanted).resolved(count: count, name)
    }

    func check(_ index: Int, in count: Int, _ name: String) throws(LensError) {
        guard (0..<count).contains(index) else { throw .outOfRange(name, index, 0..<count) }
    }

    func check(_ tokens: [Int32], in configuration: ModelConfiguration) throws(LensError) {
        for token in tokens { try check(Int(token), in: configuration.dVocab, "token id") }
    }
}
