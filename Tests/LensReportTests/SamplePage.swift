import LensCore
import LensReport

/// Pages with patterns as real heads have them: previous token, self, first token, distance, content, broad.
struct SamplePage {
    var layers = 1
    var heads = 16
    var texts: [String] = Self.story(30)
    var title = ""
    var hasAblation = true
    var seed: UInt64 = 1

    /// The first words of a story, with a beginning-of-sequence token.
    static func story(_ count: Int) -> [String] {
        let text =
            "Once upon a time , there was a little girl named Lily . She loved to play in the garden with her dog Max "
            + ". One day , she saw a big red ball near the old tree . \" Can we play with it ? \" asked Max . Lily said "
            + "yes , and they ran to the ball .\nBut the ball was stuck under a branch ! Lily was sad . She did not "
            + "know what to do . Then her mom came and helped her . \" Thank you , mom ! \" said Lily . They all played "
            + "until the sun went down , and Lily was very happy .\nThe end . "
        var tokens = ["<|endoftext|>"]
        for (index, word) in text.split(separator: " ").enumerated() {
            tokens.append(index == 0 || word == "." || word == "," ? String(word) : " " + word)
        }
        return Array(repeating: tokens, count: count / tokens.count + 1).joined().prefix(count).map { $0 }
    }

    func make() throws(LensError) -> AttentionPage {
        var random = SplitMix64(state: seed)
        let ids = Dictionary(texts.enumerated().map { ($1, Int32($0)) }, uniquingKeysWith: { first, _ in first })
        let tokens = texts.map { Token(id: ids[$0] ?? 0, text: $0) }
        var patterns: [HeadPattern] = []
        var effects: [HeadEffect] = []
        var scores: [HeadScores] = []
        for layer in 0..<layers {
            for head in 0..<heads {
                let weights = pattern(kind: (head * 7 + layer * 3) % 8, random: &random)
                patterns.append(HeadPattern(layer: layer, head: head, weights: weights))
                let delta = random.next(-0.02...0.06) * (head.isMultiple(of: 5) ? 4 : 1)
                effects.append(
                    HeadEffect(
                        layer: layer, head: head, loss: 2.5 + delta, delta: delta,
                        standardError: random.next(0.002...0.02), promptDeltas: [delta]))
                scores.append(score(layer: layer, head: head, weights: weights))
            }
        }
        let result = PromptResult(
            tokens: tokens, loss: 2.4871, perTokenLoss: tokens.dropFirst().map { _ in Float(random.next(0.1...6)) },
            top: [" the", " a", ".", " her"].enumerated().map { index, text in
                Prediction(token: Token(id: Int32(index), text: text), logprob: -1 - Float(index) * 0.8)
            })
        let ablation = AttentionPage.Ablation(
            action: "zero", hook: "z", baselineLoss: 2.4871, promptCount: 1, predictionCount: tokens.count - 1,
            effects: effects)
        return try AttentionPage(
            title: title, model: "tinytales-1l", fingerprint: String(repeating: "5be9", count: 16), result: result,
            patterns: patterns, ablation: hasAblation ? ablation : nil, scores: hasAblation ? scores : [],
            daemon: DaemonVersion(lensd: "0.1.0", wireProtocol: 1, blas: "OpenBLAS 0.3.21", sqlite: "3.40.1"))
    }

    private func pattern(kind: Int, random: inout SplitMix64) -> [Float] {
        let count = texts.count
        var weights = [Float](repeating: 0, count: count * count)
        let affinities = (0..<count).map { _ in random.next(-1.5...2.5) }
        for destination in 0..<count {
            var row = (0...destination).map { source -> Double in
                let noise = random.next(-1...1)
                switch kind {
                case 0: return noise + (source == destination - 1 ? 6 : 0)
                case 1: return noise + (source == destination ? 5 : 0)
                case 2: return noise + (source == 0 ? 5 : 0)
                case 3: return noise * 0.6 + affinities[source] * 2
                case 4: return noise + (texts[source] == texts[destination] && source < destination ? 6 : 0)
                case 5: return noise * 0.3
                case 6: return noise + (destination - source == 3 ? 5 : 0)
                default: return noise * 1.5 - Double(destination - source) * 0.35
                }
            }
            let greatest = row.max() ?? 0
            row = row.map { exponential($0 - greatest) }
            let sum = row.reduce(0, +)
            for (source, value) in row.enumerated() { weights[destination * count + source] = Float(value / sum) }
        }
        return weights
    }

    private func score(layer: Int, head: Int, weights: [Float]) -> HeadScores {
        let count = texts.count
        func share(_ offset: Int) -> Double {
            guard count > offset else { return 0 }
            return (offset..<count).map { Double(weights[$0 * count + $0 - offset]) }.reduce(0, +)
                / Double(count - offset)
        }
        let first = (0..<count).map { Double(weights[$0 * count]) }.reduce(0, +) / Double(count)
        var scores = HeadScores(
            layer: layer, head: head, toSelf: share(0), toPrevious: share(1), distance: 3, toDistance: share(3),
            toFirst: first, toDuplicate: 0, toInduction: 0, entropy: 0.6, detectPrevious: 0, detectDuplicate: 0,
            detectInduction: 0)
        scores.kinds = HeadKind.kinds(of: scores)
        return scores
    }
}

/// e^x for x ≤ 0, good to the last digits that a picture shows; spares the tests a mathematics library.
private func exponential(_ x: Double) -> Double {
    var result = 1 + x / 1024
    for _ in 0..<10 { result *= result }
    return max(result, 0)
}

/// A small generator with a seed, so that pages are the same in every run.
struct SplitMix64 {
    var state: UInt64

    mutating func next(_ range: ClosedRange<Double>) -> Double {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        z ^= z >> 31
        return range.lowerBound + Double(z >> 11) * 0x1p-53 * (range.upperBound - range.lowerBound)
    }
}
