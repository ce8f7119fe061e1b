import LensCore

/// The floating-point work of a head sweep that is left after sharing, counted from the shapes alone.
struct SweepWork {
    let flops: Double

    /// - Parameter pos: tokens of the one prompt.
    init(_ c: ModelConfiguration, pos: Int) {
        let t = Double(pos)
        let d = Double(c.dModel)
        let width = Double(c.nHeads * c.dHead)
        let mlp = Double(c.dMLP)
        let attention = 2 * t * d * 3 * width + 2 * 2 * t * (t + 1) / 2 * width
        let rest = 2 * width * d + 2 * 2 * d * mlp
        let loss = 2 * (t - 1) * d * Double(c.dVocab)
        var total = 0.0
        for layer in 0..<c.nLayers {
            // The base pass, and the variants that joined in earlier layers.
            let carried = 1 + Double(layer * c.nHeads)
            total += carried * attention
            // Behind the edit this layer's own variants ride along.
            total += (carried + Double(c.nHeads)) * t * rest
        }
        flops = total + (1 + Double(c.nLayers * c.nHeads)) * loss
    }
}
