import LensCore
import LensModel

extension Engine {
    /// Continues a recipe's prompts token by token, under its edits. The reply's `runID` is empty.
    ///
    /// Generated tokens are those of a run of the final tokens under the same edits, up to float rounding; edits that
    /// would mean something else with each further token are refused.
    ///
    /// - Parameter progress: called from the engine's thread with the new tokens of each step.
    /// - Throws: `INVALID_ARGUMENT`, `RESOURCE_EXHAUSTED` where there is no memory for the keys and values,
    ///   `CANCELLED`, `DEADLINE_EXCEEDED`.
    public func generate(
        _ options: GenerationOptions, recipe: Recipe, control: CallControl,
        progress: @escaping @Sendable ([GeneratedTokens]) -> Void
    ) async throws(LensError) -> GenerateReply {
        let subject = try await subject(recipe, control: control)
        let (options, seed, bytes) = try checked(options, for: subject)
        try kept.reserve(bytes)
        defer { kept.release(bytes) }
        let outcomes = try await passes.run(
            try GenerateJob(subject, options: options, seed: seed, progress: progress), for: user, control: control)
        return try reply(outcomes, options, of: subject)
    }

    /// Holds options and edits against the model and the prompts.
    ///
    /// - Returns: the options with the seed that is used, that seed, and the bytes of keys and values at most.
    func checked(
        _ options: GenerationOptions, for subject: PassSubject
    ) throws(LensError) -> (options: GenerationOptions, seed: UInt64, keptBytes: Int) {
        let configuration = subject.configuration
        try options.check(vocabulary: configuration.dVocab)
        guard options.stopStrings.isEmpty || subject.model.tokenizer != nil else {
            throw LensError(
                .failedPrecondition,
                "model '\(subject.name)' has no tokenizer, so no text in which to look for stop strings; "
                    + "expected none, or end-of-sequence tokens instead")
        }
        let lengths = subject.recipe.tokens.map(\.count)
        let finalLengths = lengths.map { $0 + min(options.maxNewTokens, configuration.nCtx - $0) }
        try check(subject.recipe.interventions, over: lengths, and: finalLengths, in: subject)
        // Of 53 bits, so that it survives as a number in any JSON.
        let seed = options.seed ?? UInt64.random(in: 0..<1 << 53)
        var options = options
        options.seed = seed
        let bytes = finalLengths.reduce(0) { $0 + KeyValueCache.byteCount(positions: $1, of: configuration) }
        return (options, seed, bytes)
    }

    func reply(
        _ outcomes: [GenerationDraft.Outcome], _ options: GenerationOptions, of subject: PassSubject
    ) throws(LensError) -> GenerateReply {
        let recipe = subject.recipe
        var prompts: [Generation] = []
        for (outcome, prompt) in zip(outcomes, recipe.tokens) {
            prompts.append(
                Generation(
                    tokens: try subject.model.tokens(outcome.tokens), promptLength: prompt.count,
                    logprobs: outcome.logprobs, text: outcome.text, finishReason: outcome.finishReason))
        }
        return GenerateReply(
            runID: "", model: subject.name, form: recipe.model.form, fingerprint: recipe.fingerprint,
            options: options, prompts: prompts)
    }

    /// Edits must fit the prompts as they are and as they may become.
    private func check(
        _ edits: [Intervention], over lengths: [Int], and finalLengths: [Int], in subject: PassSubject
    ) throws(LensError) {
        let causal = CausalCheck(configuration: subject.configuration, lengths: lengths)
        let final = InterventionCheck(configuration: subject.configuration, lengths: finalLengths)
        var values = 0.0
        for edit in edits {
            try causal.edit(edit)
            values += try final.edit(edit)
        }
        guard values <= Self.maximumEditedValues else {
            throw .invalidArgument(
                "the interventions edit more than \(Int(Self.maximumEditedValues)) values by the time all tokens "
                    + "are generated")
        }
        let full = lengths.firstIndex { $0 >= subject.configuration.nCtx }
        if let full, subject.plan.needsAllPrompts {
            throw .invalidArgument("prompt \(full) fills the context and cannot take part in a swap while others go on")
        }
    }
}
