extension ScriptJSON {
    /// Packed patterns end to end, as the pages' `Patterns` reads them: sources in 8 bits where that is enough, else in
    /// 16, weights as float32, little-endian.
    ///
    /// - Parameter packings: all over the same positions, with the same number of strongest sources.
    package static func patterns(_ packings: [CausalPacking]) -> ScriptJSON {
        let isNarrow = (packings.first?.positions ?? 0) <= 256
        var triangles: [UInt8] = []
        var topSources: [UInt8] = []
        var topWeights: [UInt8] = []
        triangles.reserveCapacity(packings.reduce(0) { $0 + $1.triangle.count })
        for packing in packings {
            triangles += packing.triangle
            for source in packing.topSources {
                topSources.append(UInt8(truncatingIfNeeded: source))
                if !isNarrow { topSources.append(UInt8(truncatingIfNeeded: source >> 8)) }
            }
            for weight in packing.topWeights {
                let bits = weight.bitPattern
                for shift in [0, 8, 16, 24] as [UInt32] { topWeights.append(UInt8(truncatingIfNeeded: bits >> shift)) }
            }
        }
        return .object([
            ("topCount", .integer(packings.first?.topCount ?? 0)),
            ("sourceBytes", .integer(isNarrow ? 1 : 2)),
            ("triangles", .base64(triangles)),
            ("topSources", .base64(topSources)),
            ("topWeights", .base64(topWeights)),
        ])
    }
}
