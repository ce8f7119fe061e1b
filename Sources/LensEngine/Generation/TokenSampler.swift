import LensCore
import LensTensor

/// Chooses one prompt's next tokens from logits, after TransformerLens's `sample_logits`.
///
/// Of both filters the top-k one comes first, as in transformers; TransformerLens leaves top-p aside where both are
/// given. With tied k-th places all of them stay, as in both libraries.
package struct TokenSampler: Sendable {
    private let options: GenerationOptions
    private var random: SeededRandom
    /// How often each token has come, where that matters.
    private var counts: [Int32: Int] = [:]

    /// - Parameter stream: the prompt's number in its request.
    package init(_ options: GenerationOptions, seed: UInt64, stream: Int, prompt: [Int32]) {
        self.options = options
        random = SeededRandom(seed: seed, stream: stream)
        for token in prompt { count(token) }
    }

    /// The next token, and the logarithm of the probability that the logits as they are give it.
    ///
    /// - Parameter logits: `[vocab]`; used as memory to work in.
    /// - Throws: `INVALID_ARGUMENT` for logits that are no distribution, which edits can bring about.
    package mutating func next(
        from logits: UnsafeMutableBufferPointer<Float>
    ) throws(LensError) -> (id: Int32, logprob: Float) {
        let total = logits.fastLogSumExp()
        guard total.isFinite else {
            throw .invalidArgument("the logits are no distribution to choose from: their log-sum-exp is \(total)")
        }
        let chosen: Int
        let logit: Float
        if options.temperature == 0 {
            chosen = logits.indexOfHighest
            logit = logits[chosen]
        } else {
            let original = Array(logits)
            chosen = draw(from: candidates(logits), logits)
            logit = original[chosen]
        }
        let id = Int32(truncatingIfNeeded: chosen)
        count(id)
        return (id, Float(Double(logit) - total))
    }

    /// The probabilities from which a token is drawn, `[vocab]`.
    package func probabilities(_ logits: [Float]) -> [Float] {
        var values = logits
        return values.withUnsafeMutableBufferPointer { buffer in
            let kept = candidates(buffer)
            let total = kept.reduce(0.0) { $0 + Double(buffer[$1]) }
            var probabilities = [Float](repeating: 0, count: buffer.count)
            for index in kept { probabilities[index] = Float(Double(buffer[index]) / total) }
            return probabilities
        }
    }

    private mutating func count(_ token: Int32) {
        if options.frequencyPenalty > 0 { counts[token, default: 0] += 1 }
    }

    // MARK: - Filters

    /// Turns logits into probabilities, and names those among which to choose.
    private func candidates(_ values: UnsafeMutableBufferPointer<Float>) -> [Int] {
        // From the highest down, so that no temperature takes the values out of what a float holds.
        let temperature = max(Float(options.temperature), .leastNormalMagnitude)
        let highest = values.isEmpty ? 0 : values[values.indexOfHighest]
        for index in values.indices { values[index] = (values[index] - highest) / temperature }
        for (token, count) in counts {
            values[Int(token)] -= Float(options.frequencyPenalty) * Float(count)
        }
        if let topK = options.topK, topK < values.count {
            let lowest = values.highest(topK)
            for index in values.indices where values[index] < lowest { values[index] = -.infinity }
        }
        values.softmax()
        if let topP = options.topP, topP < 1 { return nucleus(values, mass: topP) }
        return values.indices.filter { values[$0] > 0 }
    }

    /// The likeliest tokens that together exceed a mass: with the one by which they exceed it, without the next.
    private func nucleus(_ values: UnsafeMutableBufferPointer<Float>, mass: Double) -> [Int] {
        // Only tokens that may belong to it are sorted: those above a power of two under which too little is left.
        var masses: [Int: Double] = [:]
        for value in values where value > 0 { masses[Int(value.exponent), default: 0] += Double(value) }
        var covered = 0.0
        var lowest = Int.max
        for (exponent, part) in masses.sorted(by: { $0.key > $1.key }) where covered <= mass {
            covered += part
            lowest = exponent
        }
        let sorted = values.indices.filter { values[$0] > 0 && Int(values[$0].exponent) >= lowest }
            .sorted { (values[$1], $0) < (values[$0], $1) }
        covered = 0
        return Array(
            sorted.prefix { index in
                defer { covered += Double(values[index]) }
                return covered <= mass
            })
    }

    private mutating func draw(from candidates: [Int], _ weights: UnsafeMutableBufferPointer<Float>) -> Int {
        let total = candidates.reduce(0.0) { $0 + Double(weights[$1]) }
        var left = random.unit() * total
        for index in candidates {
            left -= Double(weights[index])
            if left < 0 { return index }
        }
        // Rounding left a crumb.
        return candidates.last ?? 0
    }
}

extension UnsafeMutableBufferPointer<Float> {
    /// The index of the highest value, the first of several.
    fileprivate var indexOfHighest: Int {
        var best = 0
        for index in indices where self[index] > self[best] { best = index }
        return best
    }

    /// The value at place `rank`, counted from 1, when sorted from the highest down: Hoare's selection.
    fileprivate func highest(_ rank: Int) -> Float {
        var values = Array(self)
        var low = 0
        var high = values.count - 1
        let wanted = rank - 1
        while low < high {
            let pivot = values[low + (high - low) / 2]
            var left = low
            var right = high
            while left <= right {
                while values[left] > pivot { left += 1 }
                while values[right] < pivot { right -= 1 }
                if left <= right {
                    values.swapAt(left, right)
                    left += 1
                    right -= 1
                }
            }
            if wanted <= right {
                high = right
            } else if wanted >= left {
                low = left
            } else {
                break
            }
        }
        return values[wanted]
    }
}
