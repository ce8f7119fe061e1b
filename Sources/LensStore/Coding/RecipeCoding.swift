import FoundationEssentials
import LensCore

/// The tokens of a run in one blob: a version byte, then per prompt a count and that many ids, all little-endian Int32.
enum TokensCoding {
    private static let version: UInt8 = 1

    static func encode(_ prompts: [[Int32]]) -> Data {
        var bytes: [UInt8] = [version]
        bytes.reserveCapacity(1 + prompts.reduce(0) { $0 + 4 * ($1.count + 1) })
        for prompt in prompts {
            for value in CollectionOfOne(Int32(truncatingIfNeeded: prompt.count)) + prompt {
                withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
            }
        }
        return Data(bytes)
    }

    static func decode(_ data: Data) throws(LensError) -> [[Int32]] {
        guard data.first == version else {
            throw .dataLoss("stored tokens have format \(data.first.map(String.init) ?? "none"), expected \(version)")
        }
        guard data.count % 4 == 1 else {
            throw .dataLoss("stored tokens have \(data.count) bytes, expected a multiple of 4 and one more")
        }
        var values = stride(from: data.startIndex + 1, to: data.endIndex, by: 4).map { index in
            Int32(littleEndian: data[index..<index + 4].withUnsafeBytes { $0.loadUnaligned(as: Int32.self) })
        }[...]
        var prompts: [[Int32]] = []
        while let count = values.popFirst() {
            guard count >= 0, Int(count) <= values.count else {
                throw .dataLoss(
                    "stored prompt \(prompts.count) has length \(count), but \(values.count) tokens are left")
            }
            prompts.append(Array(values.prefix(Int(count))))
            values = values.dropFirst(Int(count))
        }
        return prompts
    }
}

/// Interventions as JSON: `{"version":1,"edits":[{"hook":"attn.hook_z","layer":0,"action":"zero","heads":[3]}]}`.
enum InterventionsCoding {
    private static let version = 1

    private struct Stored: Codable {
        var version: Int
        var edits: [Edit]
    }

    private struct Edit: Codable {
        /// The hook kind's name within its scope.
        var hook: String
        var layer: Int?
        var action: String
        var heads: [Int]?
    }

    static func encode(_ interventions: [Intervention]) throws(LensError) -> Data {
        let edits = interventions.map { edit in
            Edit(hook: edit.point.kind.suffix, layer: edit.point.layer, action: edit.action.rawValue, heads: edit.heads)
        }
        return try StoredJSON.encode(Stored(version: version, edits: edits))
    }

    static func decode(_ data: Data) throws(LensError) -> [Intervention] {
        let stored = try StoredJSON.decode(Stored.self, from: data, version: version)
        var interventions: [Intervention] = []
        for edit in stored.edits {
            guard let kind = HookKind.allCases.first(where: { $0.suffix == edit.hook }),
                kind.isPerLayer == (edit.layer != nil), let action = Intervention.Action(rawValue: edit.action)
            else {
                throw .dataLoss(
                    "a stored intervention is unknown: \(edit.action) of \(edit.hook) "
                        + "in layer \(edit.layer.map(String.init) ?? "none")"
                )
            }
            interventions.append(
                Intervention(point: HookPoint(kind, layer: edit.layer), action: action, heads: edit.heads))
        }
        return interventions
    }
}
