import LensCore

/// Sequences of random tokens that come twice: the same ones for a model every time.
///
/// Nothing but the repetition connects them. They are of different lengths, so that a head which looks a fixed distance
/// back finds what came before in one of them at most.
struct RepeatedTokens {
    /// Each begins with the beginning-of-sequence token where the model has one; all others are distinct in a half.
    let prompts: [[Int32]]
    /// Tokens of the longest half.
    let length: Int

    static let longest = 50
    static let shortest = 8
    private static let count = 6
    private static let seed: UInt64 = 0

    /// - Returns: `nil` where the vocabulary or the context (or the nearest attention window) is too small.
    init?(for configuration: ModelConfiguration, bosTokenID: Int32?) {
        var room = (configuration.nCtx - 1) / 2
        if configuration.attnTypes.contains(.local) { room = min(room, configuration.windowSize - 1) }
        let length = min(Self.longest, room, configuration.dVocab / 2 - 1)
        guard length >= Self.shortest else { return nil }
        self.length = length
        prompts = (0..<Self.count).map { index in
            var random = SeededRandom(seed: Self.seed, stream: index)
            // 50, 47, 44 … or, where there is little room, 8, 8, 7, 7 …
            let half = length - index * length / 16
            var chosen = Set([bosTokenID].compactMap { $0 })
            var tokens: [Int32] = []
            while tokens.count < half {
                let token = Int32.random(in: 0..<Int32(clamping: configuration.dVocab), using: &random)
                if chosen.insert(token).inserted { tokens.append(token) }
            }
            return [bosTokenID].compactMap { $0 } + tokens + tokens
        }
    }
}
