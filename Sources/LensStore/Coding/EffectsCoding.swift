import FoundationEssentials
import LensCore

/// A sweep's strongest effects as JSON, for lists: `{"version":1,"effects":[{"place":"L0H3","delta":0.25}]}`.
enum EffectsCoding {
    private static let version = 1

    private struct Stored: Codable {
        struct Effect: Codable {
            var place: String
            var delta: Double
        }

        var version: Int
        var effects: [Effect]
    }

    /// `nil` for what has none.
    static func encode(_ effects: [SweepEffect]) throws(LensError) -> Data? {
        guard !effects.isEmpty else { return nil }
        let stored = effects.map { Stored.Effect(place: $0.place, delta: $0.delta) }
        return try StoredJSON.encode(Stored(version: version, effects: stored))
    }

    static func decode(_ data: Data) throws(LensError) -> [SweepEffect] {
        try StoredJSON.decode(Stored.self, from: data, version: version).effects
            .map { SweepEffect(place: $0.place, delta: $0.delta) }
    }
}
