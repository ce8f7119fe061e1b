import LensCore

/// One prompt's attention patterns as a page for eyes: one self-contained HTML file, see ``html()``.
public struct AttentionPage: Sendable {
    /// What ablating each head did to the loss.
    public struct Ablation: Sendable {
        /// The edit's word, such as `zero`.
        public var action: String
        /// The short name of the point that was ablated, such as `z`.
        public var hook: String
        /// In nats, over all predictions of all prompts.
        public var baselineLoss: Double
        public var promptCount: Int
        public var predictionCount: Int
        public var effects: [HeadEffect]

        public init(
            action: String, hook: String, baselineLoss: Double, promptCount: Int, predictionCount: Int,
            effects: [HeadEffect]
        ) {
            self.action = action
            self.hook = hook
            self.baselineLoss = baselineLoss
            self.promptCount = promptCount
            self.predictionCount = predictionCount
            self.effects = effects
        }

        /// A sweep's outcome; the sweep may have run over other prompts than the page's.
        public init(_ reply: SweepReply) {
            self.init(
                action: reply.action, hook: reply.hooks.joined(separator: "+"), baselineLoss: reply.baselineLoss,
                promptCount: reply.tokens.count, predictionCount: reply.predictionCount, effects: reply.heads)
        }
    }

    /// Empty means a title made from the model's name.
    public let title: String
    /// The registered name, without its form.
    public let model: String
    public let form: ModelReference.Form
    /// The steps of weight processing that are valid for the model.
    public let processingSteps: [ProcessingStep]
    public let fingerprint: String
    /// The tokens as run, and what came out for them; loss NaN, `perTokenLoss` and `top` empty where not asked for.
    public let result: PromptResult
    /// In the order of layers and heads.
    public let patterns: [HeadPattern]
    public let ablation: Ablation?
    public let scores: [HeadScores]
    /// Edits under which the patterns were made.
    public let interventions: [InterventionSpec]
    /// Of the daemon that computed everything.
    public let daemon: DaemonVersion?
    /// One for each of ``patterns``.
    let packings: [CausalPacking]

    /// Puts a page together. Effects and scores of heads that have no pattern here are left out.
    ///
    /// - Throws: `INVALID_ARGUMENT` when there is no token or no head, a head comes twice, a pattern is not
    ///   `[pos, pos]` and causal, or the losses per token are not one fewer than the tokens.
    public init(
        title: String = "", model: String, form: ModelReference.Form = .processed,
        processingSteps: [ProcessingStep] = ProcessingStep.allCases, fingerprint: String, result: PromptResult,
        patterns: [HeadPattern], ablation: Ablation? = nil, scores: [HeadScores] = [],
        interventions: [InterventionSpec] = [], daemon: DaemonVersion? = nil
    ) throws(LensError) {
        let positions = result.tokens.count
        guard positions > 0 else { throw .invalidArgument("a page needs at least one token; received none") }
        guard !patterns.isEmpty else { throw .invalidArgument("a page needs the pattern of at least one head") }
        guard result.perTokenLoss.isEmpty || result.perTokenLoss.count == positions - 1 else {
            throw .invalidArgument(
                "\(positions) tokens have \(positions - 1) losses per token; received \(result.perTokenLoss.count)")
        }
        let ordered = patterns.sorted { ($0.layer, $0.head) < ($1.layer, $1.head) }
        for (left, right) in zip(ordered, ordered.dropFirst()) {
            guard (left.layer, left.head) != (right.layer, right.head) else {
                throw .invalidArgument("layer \(left.layer), head \(left.head) has two patterns; expected one")
            }
        }
        var packings: [CausalPacking] = []
        for pattern in ordered {
            do {
                packings.append(try CausalPacking(weights: pattern.weights, positions: positions))
            } catch {
                throw LensError(error.code, "layer \(pattern.layer), head \(pattern.head): \(error.message)")
            }
        }
        self.title = title
        self.model = model
        self.form = form
        self.processingSteps = processingSteps
        self.fingerprint = fingerprint
        self.result = result
        self.patterns = ordered
        self.ablation = ablation
        self.scores = scores
        self.interventions = interventions
        self.daemon = daemon
        self.packings = packings
    }

    /// The model as a user asks for it: `NAME` or `NAME@raw`.
    var modelName: String { form == .raw ? model + "@raw" : model }

    /// The title that the page shows.
    var shownTitle: String { VisibleText.line(title.isEmpty ? "Attention in \(modelName)" : title) }
}
