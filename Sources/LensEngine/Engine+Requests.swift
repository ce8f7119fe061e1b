import LensCore
import LensModel
import LensTokenizer

extension Engine {
    /// The most prompts of one request.
    private static let maximumPrompts = 65536

    /// Tokens of prompts; nothing is run.
    public func tokenize(
        _ request: TokenizeRequest, control: CallControl = CallControl()
    ) throws(LensError) -> TokenizeReply {
        let entry = try models.model(for: request.model)
        var tokens: [[Token]] = []
        var texts: [String] = []
        for prompt in request.prompts {
            try control.check()
            let ids = try ids(of: prompt, in: entry, control)
            tokens.append(try entry.model.tokens(ids))
            texts.append(try entry.model.decode(ids))
        }
        return TokenizeReply(model: entry.name, tokens: tokens, texts: texts)
    }

    /// Holds a request against the model that it names: everything that may be wrong with it is said here.
    ///
    /// - Parameters:
    ///   - runs: the recorded runs that interventions take values from, by the name they use.
    ///   - control: of the call, which may end while its texts are made tokens.
    /// - Throws: `NOT_FOUND` for the model or a hook point, `INVALID_ARGUMENT` naming the field, the value and the range.
    public func prepare(
        model reference: ModelReference, prompts: [Prompt], interventions: [InterventionSpec],
        runs: [String: Recipe] = [:], control: CallControl = CallControl()
    ) throws(LensError) -> Recipe {
        let entry = try models.model(for: reference)
        guard !prompts.isEmpty else { throw .invalidArgument("a run needs at least one prompt; received none") }
        guard prompts.count <= Self.maximumPrompts else {
            throw .invalidArgument("a request has at most \(Self.maximumPrompts) prompts; received \(prompts.count)")
        }
        var tokens: [[Int32]] = []
        for (index, prompt) in prompts.enumerated() {
            try control.check()
            do throws(LensError) {
                tokens.append(try checkedIDs(of: prompt, in: entry, control))
            } catch {
                try control.check()
                throw prompts.count == 1 ? error : LensError(error.code, "prompt \(index): \(error.message)")
            }
        }
        guard interventions.count <= Self.maximumInterventions else {
            throw .invalidArgument(
                "a pass has at most \(Self.maximumInterventions) interventions; received \(interventions.count)")
        }
        let edits = try self.interventions(
            interventions, of: tokens.map(\.count), in: entry, form: reference.form, runs: runs)
        return Recipe(
            fingerprint: entry.model.fingerprint, model: ModelReference(name: entry.name, form: reference.form),
            tokens: tokens, interventions: edits)
    }

    // MARK: - Prompts

    private func ids(
        of prompt: Prompt, in entry: RegisteredModel, _ control: CallControl
    ) throws(LensError) -> [Int32] {
        switch prompt {
        case .tokens(let ids): return ids
        case .text(let text, let prependBOS):
            guard let tokenizer = entry.model.tokenizer else {
                throw LensError(
                    .failedPrecondition, "model '\(entry.name)' has no tokenizer; give tokens (--ids 5,7,9), not text")
            }
            return try tokenizer.encode(text, prependingBOS: prependBOS, control: control)
        }
    }

    private func checkedIDs(
        of prompt: Prompt, in entry: RegisteredModel, _ control: CallControl
    ) throws(LensError) -> [Int32] {
        if case .text(let text, _) = prompt, text.isEmpty {
            throw .invalidArgument("the text is empty; expected at least one character")
        }
        let configuration = entry.model.configuration
        // Every token has at least one byte, and no token of a sane vocabulary has a thousand.
        if case .text(let text, _) = prompt, text.utf8.count > configuration.nCtx * 1024 {
            throw .invalidArgument(
                "the text has \(text.utf8.count) bytes; the context length of '\(entry.name)' is "
                    + "\(configuration.nCtx) tokens")
        }
        let ids = try ids(of: prompt, in: entry, control)
        guard !ids.isEmpty else { throw .invalidArgument("a prompt needs at least one token; received none") }
        guard ids.count <= configuration.nCtx else {
            throw .invalidArgument(
                "the prompt has \(ids.count) tokens; the context length of '\(entry.name)' is "
                    + "\(configuration.nCtx)")
        }
        for (position, id) in ids.enumerated() where id < 0 || Int(id) >= configuration.dVocab {
            throw .outOfRange("token id at position \(position)", id, 0..<configuration.dVocab)
        }
        return ids
    }
}

extension ModelConfiguration {
    /// Of all layers together.
    var headCount: Int { nLayers * nHeads }
}
