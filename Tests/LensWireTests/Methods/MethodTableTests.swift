import Foundation
import LensWire
import Testing

@Suite struct MethodTableTests {
    /// Paths of the table, with whether the replies stream.
    private static let table: [String: Bool] = [
        UnaryMethod.status.path: false, UnaryMethod.listModels.path: false, UnaryMethod.tokenize.path: false,
        UnaryMethod.run.path: false, StreamingMethod.query.path: true, StreamingMethod.sweep.path: true,
        UnaryMethod.scoreHeads.path: false, UnaryMethod.listSessions.path: false, UnaryMethod.showSession.path: false,
        UnaryMethod.deleteSession.path: false, StreamingMethod.attentionPage.path: true,
    ]

    /// The table says what the .proto files say, no more and no less.
    @Test func tableMatchesTheServices() throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../Protos/lens/v1")
        var declared: [String: Bool] = [:]
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        for file in files where file.hasSuffix(".proto") {
            let text = try String(contentsOf: folder.appending(path: file), encoding: .utf8)
            var service = ""
            for line in text.split(separator: "\n") {
                if let match = line.firstMatch(of: /^service (\w+)/) { service = String(match.1) }
                if let match = line.firstMatch(of: /^ *rpc (\w+)\(\w+\) returns \((stream )?\w+\)/) {
                    declared["/lens.v1.\(service)/\(match.1)"] = match.2 != nil
                }
            }
        }
        #expect(!declared.isEmpty)
        #expect(declared == Self.table)
    }
}
