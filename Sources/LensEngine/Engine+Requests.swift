import LensCore
import LensModel

extension Engine {
    /// The most prompts of one request.
    private static let maximumPrompts = 65536
    /// The most edits of one pass.
    private static let maximumInterventions = 4096
    /// The most values that the edits of one pass may touch together: about a second of work.
    private static let maximumEditedValues = 5e8
    /// The most heads of all prompts together that one reply speaks of; each takes some hundred bytes meanwhile.
    private static let maximumHeads = 1 << 18

    /// Tokens of prompts; nothing is run.
    public func tokenize(_ request: TokenizeRequest) throws(LensError) -> TokenizeReply {
        let entry = try models.model(for: request.model)
        var tokens: [[Token]] = []
        var texts: [String] = []
        for prompt in request.prompts {
            let ids = try ids(of: prompt, in: entry)
            tokens.append(try entry.model.tokenizer.tokens(ids))
            texts.append(try entry.model.tokenizer.decode(ids))
        }
        return TokenizeReply(model: entry.name, tokens: tokens, texts: texts)
    }

    /// Holds a request against the model that it names: everything that may be wrong with it is said here.
    ///
    /// - Throws: `NOT_FOUND` for the model or a hook point, `INVALID_ARGUMENT` naming the field, the value and the range.
    public func prepare(
        model reference: ModelReference, prompts: [Prompt], interventions: [InterventionSpec]
    ) throws(LensError) -> Recipe {
        let entry = try models.model(for: reference)
        guard !prompts.isEmpty else { throw .invalidArgument("a run needs at least one prompt; received none") }
        guard prompts.count <= Self.maximumPrompts else {
            throw .invalidArgument("a request has at most \(Self.maximumPrompts) prompts; received \(prompts.count)")
        }
        var tokens: [[Int32]] = []
        for (index, prompt) in prompts.enumerated() {
            do throws(LensError) {
                tokens.append(try checkedIDs(of: prompt, in: entry))
            } catch {
                throw prompts.count == 1 ? error : LensError(error.code, "prompt \(index): \(error.message)")
            }
        }
        guard interventions.count <= Self.maximumInterventions else {
            throw .invalidArgument(
                "a pass has at most \(Self.maximumInterventions) interventions; received \(interventions.count)")
        }
        var edits: [Intervention] = []
        for spec in interventions { edits.append(try intervention(spec, in: entry.model.configuration)) }
        try check(edits, over: tokens.map(\.count), in: entry.model.configuration)
        return Recipe(
            fingerprint: entry.model.fingerprint, model: ModelReference(name: entry.name, form: reference.form),
            tokens: tokens, interventions: edits)
    }

    // MARK: - Prompts

    private func ids(of prompt: Prompt, in entry: RegisteredModel) throws(LensError) -> [Int32] {
        switch prompt {
        case .tokens(let ids): return ids
        case .text(let text, let prependBOS):
            let bos = prependBOS ? entry.model.tokenizer.bosTokenID : nil
            return (bos.map { [$0] } ?? []) + entry.model.tokenizer.encode(text)
        }
    }

    private func checkedIDs(of prompt: Prompt, in entry: RegisteredModel) throws(LensError) -> [Int32] {
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
        let ids = try ids(of: prompt, in: entry)
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

    // MARK: - Interventions

    private func intervention(
        _ spec: InterventionSpec, in configuration: ModelConfiguration
    ) throws(LensError) -> Intervention {
        let point = try HookPoint.named(spec.hook, among: configuration.hookPoints)
        guard point.kind != .tokens else {
            throw .invalidArgument("\(point.name) holds token ids; they cannot be set to \(spec.action.rawValue)")
        }
        try check(spec.action, at: point.kind)
        if let heads = spec.heads {
            try checkHasHeads(point.kind)
            for head in heads where !(0..<configuration.nHeads).contains(head) {
                throw .outOfRange("head", head, 0..<configuration.nHeads)
            }
            guard Set(heads).count == heads.count else {
                throw .invalidArgument(
                    "an intervention names each head once; received \(heads.count) heads with repeats")
            }
        }
        return Intervention(point: point, action: spec.action, heads: spec.heads)
    }

    /// Edits that contradict one another, and more of them than a pass should carry.
    private func check(
        _ edits: [Intervention], over lengths: [Int], in configuration: ModelConfiguration
    ) throws(LensError) {
        // An edited input of the heads is normed head by head, so the block's own norm is not there to be edited.
        let inputs: Set<HookKind> = [.attnIn, .qInput, .kInput, .vInput]
        let normed = Set(edits.filter { inputs.contains($0.point.kind) }.compactMap(\.point.layer))
        for edit in edits where edit.point.kind == .ln1Scale || edit.point.kind == .ln1Normalized {
            guard let layer = edit.point.layer, normed.contains(layer) else { continue }
            throw .invalidArgument(
                "\(edit.point.name) cannot be edited together with the inputs of layer \(layer)'s heads, "
                    + "which have norms of their own")
        }
        var values = 0.0
        for edit in edits {
            let share = edit.heads.map { Double($0.count) / Double(configuration.nHeads) } ?? 1
            for length in lengths {
                values += share * Double(configuration.shape(of: edit.point.kind, pos: length).reduce(1, *))
            }
            guard values <= Self.maximumEditedValues else {
                throw .invalidArgument(
                    "the interventions edit more than \(Int(Self.maximumEditedValues)) values in all")
            }
        }
    }

    /// What is said of every head of every prompt has to fit into one reply.
    func checkHeadCount(of subject: PassSubject) throws(LensError) {
        let heads = subject.configuration.headCount
        let limit = max(Self.maximumHeads / max(heads, 1), 1)
        guard subject.recipe.tokens.count <= limit else {
            throw .invalidArgument(
                "a model of \(heads) heads takes at most \(limit) prompts a call; received "
                    + "\(subject.recipe.tokens.count): split the corpus")
        }
    }

    /// Attention scores have no mean: masked entries are −∞.
    func check(_ action: Intervention.Action, at kind: HookKind) throws(LensError) {
        if action == .mean, kind == .attnScores {
            throw .invalidArgument(
                "\(kind.suffix) has no mean over positions: masked entries are -inf; edit \(HookKind.pattern.suffix)")
        }
    }

    func checkHasHeads(_ kind: HookKind) throws(LensError) {
        guard kind.axes.contains(where: { $0 == .head || $0 == .keyHead }) else {
            let points = HookKind.allCases.filter { $0.axes.contains { $0 == .head || $0 == .keyHead } }
            throw .invalidArgument(
                "\(kind.suffix) has no heads; points with heads: \(points.map(\.suffix).joined(separator: ", "))")
        }
    }
}
