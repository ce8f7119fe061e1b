import Foundation
import LensWire
import Testing

@Suite struct MethodTableTests {
    /// Paths of the table, with what streams.
    private static let table: [String: MethodKind] = [
        UnaryMethod.status.path: .unary, UnaryMethod.listModels.path: .unary, UnaryMethod.tokenize.path: .unary,
        UnaryMethod.describeModel.path: .unary, StreamingMethod.loadModel.path: .serverStreaming,
        UnaryMethod.unloadModel.path: .unary, UnaryMethod.renameModel.path: .unary,
        UnaryMethod.run.path: .unary, BidirectionalMethod.runHooked.path: .bidirectional,
        StreamingMethod.query.path: .serverStreaming, StreamingMethod.sweep.path: .serverStreaming,
        StreamingMethod.generate.path: .serverStreaming, BidirectionalMethod.generateHooked.path: .bidirectional,
        BidirectionalMethod.gradient.path: .bidirectional, UnaryMethod.scoreHeads.path: .unary,
        UnaryMethod.listSessions.path: .unary,
        UnaryMethod.showSession.path: .unary, UnaryMethod.deleteSession.path: .unary,
        StreamingMethod.attentionPage.path: .serverStreaming,
    ]

    /// The table says what the .proto files say, no more and no less.
    @Test func tableMatchesTheServices() throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../Protos/lens/v1")
        var declared: [String: MethodKind] = [:]
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        for file in files where file.hasSuffix(".proto") {
            let text = try String(contentsOf: folder.appending(path: file), encoding: .utf8)
            var service = ""
            for line in text.split(separator: "\n") {
                if let match = line.firstMatch(of: /^service (\w+)/) { service = String(match.1) }
                if let match = line.firstMatch(of: /^ *rpc (\w+)\((stream )?\w+\) returns \((stream )?\w+\)/) {
                    declared["/lens.v1.\(service)/\(match.1)"] =
                        match.2 != nil ? .bidirectional : match.3 != nil ? .serverStreaming : .unary
                }
            }
        }
        #expect(!declared.isEmpty)
        #expect(declared == Self.table)
    }
}
