/// What is read off the end of a pass, one number per prompt.
///
/// Tokens are one for all prompts or one per prompt; so are positions, which count from the end where negative.
public struct Metric: Sendable, Hashable {
    public enum Kind: String, Sendable, CaseIterable {
        /// Mean of `−log p` of the next token over a prompt's `pos − 1` predictions, in nats.
        case loss
        /// The same for every prediction: a column per prediction instead of per prompt.
        case tokenLoss = "token_loss"
        /// A token's logit.
        case logit
        /// A token's logit minus another's.
        case logitDifference = "logit_diff"
        /// A token's probability.
        case probability = "prob"
        /// `KL(p ‖ q)` with `p` the unedited run's next-token distribution and `q` the edited run's, in nats.
        case divergence = "kl"
    }

    public var kind: Kind
    /// For a logit, a difference and a probability.
    public var tokens: [Int32]
    /// For a difference: what is taken off.
    public var wrongTokens: [Int32]
    /// None is the last position; of a divergence the mean over all positions.
    public var positions: [Int]

    public init(_ kind: Kind, tokens: [Int32] = [], wrongTokens: [Int32] = [], positions: [Int] = []) {
        self.kind = kind
        self.tokens = tokens
        self.wrongTokens = wrongTokens
        self.positions = positions
    }

    public static var loss: Metric { Metric(.loss) }
}
