import LensCore

/// What was asked beside the recipe: two calls of one recipe and one subject ask the same question.
public enum RunSubject: Sendable, Hashable {
    case run
    case sweep(Sweep)
    case generation(GenerationOptions)
}

/// What came out of a recorded run, sweep or generation.
public enum RunResult: Sendable {
    case run(RunReply)
    case sweep(SweepReply, of: Sweep)
    case generation(GenerateReply)

    public var kind: RunSummary.Kind {
        switch self {
        case .run: .run
        case .sweep: .sweep
        case .generation: .generation
        }
    }

    public var subject: RunSubject {
        switch self {
        case .run: .run
        case .sweep(_, let sweep): .sweep(sweep)
        case .generation(let reply): .generation(reply.options)
        }
    }

    var loss: Double {
        switch self {
        case .run(let reply): reply.loss
        case .sweep(let reply, _): reply.baselineLoss
        case .generation(let reply):
            -reply.prompts.flatMap(\.logprobs).reduce(0.0) { $0 + Double($1) }
                / Double(reply.prompts.reduce(0) { $0 + $1.logprobs.count })
        }
    }

    /// What was asked beside the recipe, in short.
    var detail: String {
        switch self {
        case .run: ""
        case .sweep(let reply, _): reply.summary
        case .generation(let reply): reply.options.description
        }
    }

    /// What lists show of a sweep.
    var effects: [SweepEffect] {
        if case .sweep(let reply, _) = self { reply.strongestEffects(3) } else { [] }
    }

    /// What was to be run, of the tokens that were: a generation began with less.
    func promptTokens(_ tokens: [[Int32]]) -> [[Int32]] {
        guard case .generation(let reply) = self else { return tokens }
        return zip(tokens, reply.prompts).map { Array($0.prefix($1.promptLength)) }
    }

    /// The registered name, form and fingerprint of the model that made the result.
    var model: (name: String, form: ModelReference.Form, fingerprint: String) {
        switch self {
        case .run(let reply): (reply.model, reply.form, reply.fingerprint)
        case .sweep(let reply, _): (reply.model, reply.form, reply.fingerprint)
        case .generation(let reply): (reply.model, reply.form, reply.fingerprint)
        }
    }

    /// Per prompt, as run.
    var tokens: [[Token]] {
        switch self {
        case .run(let reply): reply.prompts.map(\.tokens)
        case .sweep(let reply, _): reply.tokens
        case .generation(let reply): reply.prompts.map(\.tokens)
        }
    }

    func with(runID: String) -> RunResult {
        switch self {
        case .run(var reply):
            reply.runID = runID
            return .run(reply)
        case .sweep(var reply, let sweep):
            reply.runID = runID
            return .sweep(reply, of: sweep)
        case .generation(var reply):
            reply.runID = runID
            return .generation(reply)
        }
    }
}

/// A run, sweep or generation that is to be recorded.
public struct NewRun: Sendable {
    /// The session's name; the session is made on first use.
    public var session: String
    public var recipe: Recipe
    /// The reply as it will be sent, its `runID` still empty.
    public var result: RunResult
    /// The first prompt's beginning, for lists; cut to ``excerptLength`` characters.
    public var excerpt: String
    /// A function of the client's took part: the recipe alone does not give the run's activations.
    public var isHooked: Bool
    /// The client's id of the call, 1 to 64 bytes: a second record with it answers the first one. Empty for none.
    public var requestID: [UInt8]

    public static let excerptLength = 80

    public init(
        session: String, recipe: Recipe, result: RunResult, excerpt: String, isHooked: Bool = false,
        requestID: [UInt8] = []
    ) {
        self.session = session
        self.recipe = recipe
        self.result = result
        self.excerpt = excerpt
        self.isHooked = isHooked
        self.requestID = requestID
    }
}

/// A run, sweep or generation as it stands in the store.
public struct RunRecord: Sendable {
    public var summary: RunSummary
    /// For a sweep, of its baseline pass; for a generation, of the pass over its final tokens.
    public var recipe: Recipe
    /// With `runID` filled in.
    public var result: RunResult
    /// The version of lensd that made it.
    public var lensdVersion: String

    /// 32 hexadecimal digits.
    public var id: String { summary.id }

    /// Itself, as the answer to a retry.
    ///
    /// - Throws: `INVALID_ARGUMENT` where the retry asks something else.
    func answering(_ recipe: Recipe, _ subject: RunSubject, isHooked: Bool) throws(LensError) -> RunRecord {
        // Two names of one model are one model: the fingerprint decides.
        let isSame =
            self.recipe.fingerprint == recipe.fingerprint && self.recipe.model.form == recipe.model.form
            && result.promptTokens(self.recipe.tokens) == recipe.tokens
            && self.recipe.interventions == recipe.interventions
        guard isSame, result.subject == subject, summary.isHooked == isHooked else {
            throw RequestID.isTaken(by: id)
        }
        return self
    }
}

/// How much one user has in the store.
public struct StoreCounts: Sendable, Hashable {
    public var sessions: Int
    public var runs: Int

    public init(sessions: Int, runs: Int) {
        self.sessions = sessions
        self.runs = runs
    }
}
