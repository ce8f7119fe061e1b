import FoundationEssentials
import LensCore
import LensTestSupport

/// What TransformerLens says of passes of some checkpoints (`Tests/Fixtures/analyses.py`).
struct AnalysisReference: Sendable {
    private struct Index: Decodable {
        let checkpoints: [String]
        let labels: [String: [String]]
    }

    let checkpoints: [String]
    private let labels: [String: [String]]
    let tensors: ReferenceTensors

    init() throws {
        let index = try JSONDecoder().decode(Index.self, from: Data(Fixtures.bytes("analyses/reference.json")))
        checkpoints = index.checkpoints
        labels = index.labels
        tensors = try Fixtures.reference("analyses")
    }

    /// The sequence that is looked at.
    static func sequence(_ checkpoint: String) -> String { checkpoint.hasPrefix("families/") ? "seq10" : "seq7" }

    func labels(_ name: String) throws -> [String] {
        guard let found = labels[name] else { throw LensError.notFound("no labels of \(name)") }
        return found
    }
}

/// Whether numbers agree within 1e-4 absolute and relative.
func agree(_ found: [Float], _ expected: [Float]) -> Bool {
    found.count == expected.count
        && zip(found, expected).allSatisfy { $0 == $1 || $0.isNaN && $1.isNaN || abs($0 - $1) <= 1e-4 + 1e-4 * abs($1) }
}
