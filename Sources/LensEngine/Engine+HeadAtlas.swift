import LensCore
import LensModel
import LensTokenizer

extension Engine {
    /// Scores every head's pattern over the prompts, and says what it is called.
    public func scoreHeads(of recipe: Recipe, control: CallControl) async throws(LensError) -> HeadScoresReply {
        let subject = try passSubject(recipe)
        let outcome = try await scores(of: subject, control: control) { _, _ in }
        var tokens: [[Token]] = []
        for prompt in recipe.tokens.indices { tokens.append(try subject.tokens(of: prompt)) }
        let heads = outcome.heads.map { head in
            var scores = head.scores
            scores.kinds = HeadKind.kinds(of: scores)
            return scores
        }
        return HeadScoresReply(model: subject.name, fingerprint: recipe.fingerprint, tokens: tokens, heads: heads)
    }

    /// Says of every head what it does over a corpus and what it is called.
    ///
    /// - Parameters:
    ///   - corpus: what ``headAtlasCorpus(of:control:)`` made of the request.
    ///   - progress: called from the engine's thread.
    /// - Throws: `INVALID_ARGUMENT` for more token pairs than there are, `CANCELLED`, `DEADLINE_EXCEEDED`.
    public func headAtlas(
        _ request: HeadAtlasRequest, over corpus: Recipe, control: CallControl,
        progress: @escaping @Sendable (HeadAtlasPhase, Int, Int) -> Void
    ) async throws(LensError) -> HeadAtlas {
        guard (0...HeadAtlasRequest.maximumPairs).contains(request.pairCount) else {
            throw .outOfRange("pair_count", request.pairCount, 0..<HeadAtlasRequest.maximumPairs + 1)
        }
        let recipe = corpus
        let subject = try passSubject(recipe)
        let configuration = subject.configuration
        let scored = try await scores(of: subject, control: control) { progress(.patterns, $0, $1) }
        let repeated = RepeatedTokens(for: configuration, bosTokenID: subject.model.tokenizer?.bosTokenID)
        let repeats = try await repeats(repeated, like: recipe, control: control) { progress(.repeats, $0, $1) }
        let pairs = try await passes.run(
            HeadPairsJob(subject, scored: scored, pairCount: request.pairCount), for: user,
            asking: subject.question("head pairs") { $0.add(request.pairCount) }, takesKept: !recomputes,
            control: control, progress: { progress(.pairs, $0, $1) })
        let circuits = try await copying(of: subject, control: control) { progress(.copying, $0, $1) }
        var effects: SweepReply?
        if let kind = request.ablation {
            effects = try await sweep(
                Sweep.heads(kind, at: .z, layers: configuration.nLayers), of: recipe, control: control
            ) { progress(.ablation, $0, $1) }
        }
        var atlas = HeadAtlas(
            model: subject.name, form: recipe.model.form, fingerprint: recipe.fingerprint,
            isBuiltInCorpus: request.prompts.isEmpty, promptCount: recipe.tokens.count, tokenCount: subject.rowCount,
            predictionCount: recipe.tokens.reduce(0) { $0 + max($1.count - 1, 0) },
            baselineLoss: effects?.baselineLoss ?? .nan, ablation: request.ablation,
            repeatedLength: repeated?.length ?? 0, heads: [])
        for (index, head) in scored.heads.enumerated() {
            try control.check()
            atlas.heads.append(
                try profile(
                    head, pairs.heads[index], knowsTokens: recipe.tokens.count >= HeadEvidence.leastPrompts,
                    repeats: repeats?[index], effect: effects?.heads[index], copying: circuits[index].score,
                    model: subject.model))
        }
        return atlas
    }

    /// The beginning of an atlas's first prompt, and the patterns of all layers over it, `[head, pos, sourcePos]` each.
    ///
    /// - Parameter length: the most tokens of it.
    public func headAtlasExample(
        of corpus: Recipe, length: Int, control: CallControl
    ) async throws(LensError) -> (tokens: [Token], patterns: [[Float]]) {
        var recipe = corpus
        recipe.tokens = recipe.tokens.prefix(1).map { Array($0.prefix(length)) }
        let tokens = try passSubject(recipe).tokens(of: 0)
        return (tokens, try await attentionPatterns(recipe: recipe, control: control))
    }

    /// The prompts of a request, or the daemon's own stories as far as they fit.
    ///
    /// - Throws: `INVALID_ARGUMENT` for prompts that the model does not take, `FAILED_PRECONDITION` for a model without
    ///   a tokenizer where no prompts are given, `CANCELLED`, `DEADLINE_EXCEEDED`.
    public func headAtlasCorpus(of request: HeadAtlasRequest, control: CallControl) throws(LensError) -> Recipe {
        guard request.prompts.isEmpty else {
            return try prepare(model: request.model, prompts: request.prompts, interventions: [], control: control)
        }
        let entry = try models.model(for: request.model)
        guard let tokenizer = entry.model.tokenizer else {
            throw LensError(
                .failedPrecondition,
                "model '\(entry.name)' has no tokenizer for the built-in stories; give prompts as tokens")
        }
        let limit = entry.model.configuration.nCtx
        return try prepare(
            model: request.model,
            prompts: BuiltInCorpus.stories.map {
                .tokens(Array(tokenizer.encode($0, prependingBOS: true).prefix(limit)))
            }, interventions: [])
    }

    private func scores(
        of subject: PassSubject, control: CallControl, progress: @escaping @Sendable (Int, Int) -> Void
    ) async throws(LensError) -> HeadScoresJob.Outcome {
        try await passes.run(
            HeadScoresJob(subject), for: user, asking: subject.question("head scores") { _ in },
            takesKept: !recomputes, control: control, progress: progress)
    }

    private func repeats(
        _ repeated: RepeatedTokens?, like recipe: Recipe, control: CallControl,
        progress: @escaping @Sendable (Int, Int) -> Void
    ) async throws(LensError) -> [RepeatScores]? {
        guard let repeated else { return nil }
        let subject = try passSubject(
            Recipe(fingerprint: recipe.fingerprint, model: recipe.model, tokens: repeated.prompts, interventions: []))
        return try await scores(of: subject, control: control, progress: progress).heads.map {
            RepeatScores(duplicate: $0.scores.toDuplicate, induction: $0.scores.toInduction)
        }
    }

    /// The OV circuits of all heads; heads count as progress, the product that they share does not.
    private func copying(
        of subject: PassSubject, control: CallControl, progress: @escaping @Sendable (Int, Int) -> Void
    ) async throws(LensError) -> [HeadCircuit] {
        try await spectra(
            .ov, of: weightSubject(subject.recipe.model), heads: subject.configuration.headPlaces, control: control
        ) { phase, done, total in
            if phase == .heads { progress(done, total) }
        }
    }

    private func profile(
        _ scored: HeadScoresJob.Outcome.Head, _ paired: HeadPairsJob.Outcome.Head, knowsTokens: Bool,
        repeats: RepeatScores?, effect: HeadEffect?, copying: Double, model: LanguageModel
    ) throws(LensError) -> HeadProfile {
        var scores = scored.scores
        scores.kinds =
            HeadEvidence(scores: scores, repeats: repeats, tokens: knowsTokens ? paired.tokens : nil).findings
        var pairs: [TokenPair] = []
        for pair in paired.pairs {
            let tokens = try model.tokens([pair.destination, pair.source])
            guard tokens.count == 2 else { continue }
            pairs.append(
                TokenPair(
                    destination: tokens[0], source: tokens[1], weight: pair.count.weight / Double(pair.count.places),
                    places: pair.count.places))
        }
        return HeadProfile(
            scores: scores, repeats: repeats, tokens: paired.tokens, byDistance: scored.byDistance, pairs: pairs,
            loss: effect?.loss ?? .nan, delta: effect?.delta ?? .nan, standardError: effect?.standardError ?? .nan,
            copying: copying)
    }
}
