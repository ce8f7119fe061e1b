import Glibc
import LensCore

extension HeadSweepJob.Outcome {
    /// Mean loss per prompt and over all predictions.
    var baselineLosses: [Double] { baseline.map(\.mean) }
    var baselineLoss: Double { baseline.flatMap { $0 }.mean }

    /// Pools the prompts: every prediction counts alike, errors are paired.
    func headEffects(nHeads: Int) -> [HeadEffect] {
        let predictions = baseline.reduce(0) { $0 + $1.count }
        let count = Double(predictions)
        let heads = effects.map(\.count).max() ?? 0
        return (0..<heads).map { index in
            var pooled = HeadSweepJob.PairedDifference()
            for prompt in effects where index < prompt.count {
                pooled.loss += prompt[index].loss
                pooled.sum += prompt[index].sum
                pooled.squares += prompt[index].squares
            }
            let mean = pooled.sum / count
            // Of the mean, with the sample variance.
            let variance = max(pooled.squares - count * mean * mean, 0) / (count - 1)
            return HeadEffect(
                layer: index / nHeads, head: index % nHeads, loss: pooled.loss / count, delta: mean,
                standardError: predictions < 2 ? .nan : (variance / count).squareRoot(),
                promptDeltas: zip(effects, baseline).map { effect, losses in
                    index < effect.count && !losses.isEmpty ? effect[index].sum / Double(losses.count) : .nan
                })
        }
    }
}

extension [Float] {
    /// In float64; NaN where there is none.
    var mean: Double { isEmpty ? .nan : reduce(0.0) { $0 + Double($1) } / Double(count) }
}
