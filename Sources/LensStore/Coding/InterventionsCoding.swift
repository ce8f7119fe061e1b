import FoundationEssentials
import LensCore

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
