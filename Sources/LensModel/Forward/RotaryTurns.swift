import Glibc
import LensCore
import LensTensor

/// The angles by which a rotary model turns queries and keys: position times frequency.
///
/// Frequencies and angles are float32 as in transformers, which models were trained with; sines and cosines are exact.
package struct RotaryTurns: Sendable {
    /// Per pair, the angle from one position to the next.
    package let frequencies: [Float]
    /// What sines and cosines are multiplied with (YaRN).
    private let factor: Double

    package init(_ rotary: Rotary) {
        let plain = (0..<rotary.dim / 2).map { pow(rotary.base, -2 * Double($0) / Double(rotary.dim)) }
        var factor = 1.0
        var frequencies = plain
        switch rotary.scaling {
        case .none: break
        case .linear(let stretch): frequencies = plain.map { $0 / stretch }
        case .llama3(let stretch, let low, let high, let context):
            frequencies = plain.map { frequency in
                // How many waves the original context holds.
                let waves = Double(context) * frequency / (2 * .pi)
                if waves < low { return frequency / stretch }
                if waves > high { return frequency }
                let share = (waves - low) / (high - low)
                return (1 - share) * frequency / stretch + share * frequency
            }
        case .yarn(let stretch, let attentionFactor, let betaFast, let betaSlow, let context, let truncates):
            factor = attentionFactor
            /// The dimension whose wave makes so many turns in the original context.
            func dimension(turns: Double) -> Double {
                Double(rotary.dim) * log(Double(context) / (turns * 2 * .pi)) / (2 * log(rotary.base))
            }
            var first = dimension(turns: betaFast)
            var last = dimension(turns: betaSlow)
            if truncates { (first, last) = (first.rounded(.down), last.rounded(.up)) }
            first = max(first, 0)
            last = min(last, Double(rotary.dim - 1))
            let length = first == last ? 0.001 : last - first
            frequencies = plain.enumerated().map { index, frequency in
                let share = min(max((Double(index) - first) / length, 0), 1)
                return frequency / stretch * share + frequency * (1 - share)
            }
        }
        self.frequencies = frequencies.map { Float($0) }
        self.factor = factor
    }

    /// `[position, dim]`: for each pair the cosine of its angle, then for each the sine.
    package func turns(of positions: [Int]) -> Tensor {
        let half = frequencies.count
        var result = Tensor(uninitialized: [positions.count, 2 * half])
        result.withMutablePointer { result in
            for (row, position) in positions.enumerated() {
                let own = result + row * 2 * half
                for (pair, frequency) in frequencies.enumerated() {
                    let angle = Double(Float(position) * frequency)
                    own[pair] = Float(cos(angle) * factor)
                    own[half + pair] = Float(sin(angle) * factor)
                }
            }
        }
        return result
    }
}

/// ALiBi: what each head's scores lose for each position between query and key.
package enum AlibiSlopes {
    /// A geometric sequence down to `2⁻⁸`; where `heads` is no power of two, every second of the next longer sequence
    /// follows that of the next smaller power, as in transformers.
    package static func slopes(heads: Int) -> [Float] {
        var power = 1
        while power * 2 <= heads { power *= 2 }
        func sequence(_ count: Int) -> [Float] { (1...count).map { Float(pow(2, -8 * Double($0) / Double(count))) } }
        let longer = sequence(2 * power)
        return sequence(power) + (0..<heads - power).map { longer[2 * $0] }
    }
}
