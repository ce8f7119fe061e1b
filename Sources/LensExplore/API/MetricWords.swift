internal import LensCore

/// What a call asks the effect on: `{"kind": "logit_diff", "token": 7, "wrong": 9, "position": -1}`.
struct MetricWords: Decodable, Sendable {
    enum Kind: String, Decodable {
        case loss, logit, logprob
        case logitDifference = "logit_diff"
    }

    var kind = Kind.loss
    private var token: Int32?
    private var wrong: Int32?
    private var position: Int?

    static let loss = MetricWords()

    private init() {}

    /// The difference of two tokens' logits.
    init(token: Int32, wrong: Int32, position: Int?) {
        kind = .logitDifference
        self.token = token
        self.wrong = wrong
        self.position = position
    }

    /// The scalar whose gradient is taken.
    ///
    /// - Throws: `INVALID_ARGUMENT` where a token is missing.
    func terms() throws(LensError) -> [GradientTerm] {
        let position = position ?? -1
        switch kind {
        case .loss: return [GradientTerm(.loss(isSum: false))]
        case .logit: return [GradientTerm(.logit(prompt: 0, position: position, token: Int(try need(token, "token"))))]
        case .logprob:
            return [GradientTerm(.logProbability(prompt: 0, position: position, token: Int(try need(token, "token"))))]
        case .logitDifference:
            return [
                GradientTerm(.logit(prompt: 0, position: position, token: Int(try need(token, "token")))),
                GradientTerm(.logit(prompt: 0, position: position, token: Int(try need(wrong, "wrong"))), weight: -1),
            ]
        }
    }

    /// The metric of a sweep.
    ///
    /// - Throws: `INVALID_ARGUMENT` where a token is missing, or for a kind that sweeps do not have.
    func metric() throws(LensError) -> Metric {
        let positions = [position ?? -1]
        switch kind {
        case .loss: return .loss
        case .logit: return Metric(.logit, tokens: [try need(token, "token")], positions: positions)
        case .logitDifference:
            return Metric(
                .logitDifference, tokens: [try need(token, "token")], wrongTokens: [try need(wrong, "wrong")],
                positions: positions)
        case .logprob:
            throw .invalidArgument("an ablation's metric is loss, logit or logit_diff; received logprob")
        }
    }

    private func need(_ token: Int32?, _ name: String) throws(LensError) -> Int32 {
        guard let token else {
            throw .invalidArgument("a metric of kind '\(kind.rawValue)' names a '\(name)' by its id")
        }
        return token
    }
}
