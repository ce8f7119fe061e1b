/// How a model knows where a token stands.
public enum PositionalEmbedding: Sendable, Equatable {
    /// A learned vector per position, added to the embedding.
    case standard
    /// Queries and keys are turned by angles that grow with the position.
    case rotary(Rotary)
    /// Scores fall with the distance, in each head at its own rate.
    case alibi
    /// A learned vector per position, added to what queries and keys are made from, never to the residual stream.
    case shortformer
    case none

    /// TransformerLens's `positional_embedding_type`.
    public var type: String {
        switch self {
        case .standard: "standard"
        case .rotary: "rotary"
        case .alibi: "alibi"
        case .shortformer: "shortformer"
        case .none: "none"
        }
    }

    /// Whether there is a learned vector per position, `hook_pos_embed`.
    public var isLearned: Bool { self == .standard || self == .shortformer }

    /// `nil` for all but rotary models.
    public var rotary: Rotary? {
        if case .rotary(let rotary) = self { rotary } else { nil }
    }
}

/// How rotary models turn queries and keys.
public struct Rotary: Sendable, Equatable {
    /// How many of a head's components are turned, an even number; those behind stay as they are.
    public var dim: Int
    /// The ratio of the longest wave to the shortest one.
    public var base: Double
    /// Whether components `2i` and `2i + 1` are a pair (GPT-J); else `i` and `i + dim / 2` are one (GPT-NeoX, LLaMA).
    public var adjacentPairs: Bool
    public var scaling: Scaling

    /// How the waves are stretched for contexts longer than those of the training.
    public enum Scaling: Sendable, Equatable {
        case none
        /// All waves are `factor` times as long.
        case linear(factor: Double)
        /// LLaMA 3.1: waves that are long for the original context are `factor` times as long, short ones stay, those
        /// between are blended.
        case llama3(factor: Double, lowFrequencyFactor: Double, highFrequencyFactor: Double, originalContext: Int)
        /// YaRN: the same by the number of turns within the original context, blended linearly in the dimension;
        /// queries and keys are multiplied with `attentionFactor`.
        case yarn(
            factor: Double, attentionFactor: Double, betaFast: Double, betaSlow: Double, originalContext: Int,
            truncates: Bool)
    }

    public init(dim: Int, base: Double = 10_000, adjacentPairs: Bool = false, scaling: Scaling = .none) {
        self.dim = dim
        self.base = base
        self.adjacentPairs = adjacentPairs
        self.scaling = scaling
    }
}
