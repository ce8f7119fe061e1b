import Foundation
import LensWire
import Testing

@Suite struct MethodTableTests {
    /// Paths of the table, with what streams.
    private static let table: [String: MethodKind] = [
        UnaryMethod.status.path: .unary, UnaryMethod.usage.path: .unary, UnaryMethod.activity.path: .unary,
        UnaryMethod.listModels.path: .unary, UnaryMethod.tokenize.path: .unary,
        UnaryMethod.describeModel.path: .unary, StreamingMethod.loadModel.path: .serverStreaming,
        UnaryMethod.unloadModel.path: .unary, UnaryMethod.renameModel.path: .unary,
        UnaryMethod.run.path: .unary, BidirectionalMethod.runHooked.path: .bidirectional,
        StreamingMethod.query.path: .serverStreaming, StreamingMethod.sweep.path: .serverStreaming,
        StreamingMethod.generate.path: .serverStreaming, BidirectionalMethod.generateHooked.path: .bidirectional,
        BidirectionalMethod.gradient.path: .bidirectional, UnaryMethod.scoreHeads.path: .unary,
        UnaryMethod.splitScore.path: .unary, UnaryMethod.logitLens.path: .unary,
        UnaryMethod.attribute.path: .unary, UnaryMethod.reduce.path: .unary,
        UnaryMethod.detectHeads.path: .unary, UnaryMethod.scoreInduction.path: .unary,
        StreamingMethod.headAtlas.path: .serverStreaming,
        UnaryMethod.listParameters.path: .unary, StreamingMethod.parameter.path: .serverStreaming,
        StreamingMethod.circuits.path: .serverStreaming, StreamingMethod.compositionScores.path: .serverStreaming,
        UnaryMethod.listSessions.path: .unary,
        UnaryMethod.showSession.path: .unary, UnaryMethod.deleteSession.path: .unary,
        UnaryMethod.createSession.path: .unary, UnaryMethod.renameSession.path: .unary,
        UnaryMethod.shareSession.path: .unary, UnaryMethod.unshareSession.path: .unary,
        UnaryMethod.listGrants.path: .unary, UnaryMethod.setNote.path: .unary,
        UnaryMethod.searchSessions.path: .unary, StreamingMethod.exportSession.path: .serverStreaming,
        BidirectionalMethod.importSession.path: .bidirectional, StreamingMethod.replaySession.path: .serverStreaming,
        StreamingMethod.sessionReport.path: .serverStreaming,
        StreamingMethod.attentionPage.path: .serverStreaming,
        UnaryMethod.storeUsage.path: .unary, UnaryMethod.purge.path: .unary, UnaryMethod.reassign.path: .unary,
        UnaryMethod.checkStore.path: .unary, StreamingMethod.backup.path: .serverStreaming,
    ]

    /// The table says what the .proto files say, no more and no less.
    @Test func tableMatchesTheServices() throws {
        var declared: [String: MethodKind] = [:]
        for (service, line) in try Self.declarations() {
            if let match = line.firstMatch(of: /^ *rpc (\w+)\((stream )?\w+\) returns \((stream )?\w+\)/) {
                declared["/lens.v1.\(service)/\(match.1)"] =
                    match.2 != nil ? .bidirectional : match.3 != nil ? .serverStreaming : .unary
            }
        }
        #expect(!declared.isEmpty)
        #expect(declared == Self.table)
    }

    /// The methods that may be tried again, each as its `idempotency_level` says; all others are `never`.
    private static let retried: [String: RetrySafety] = [
        UnaryMethod.status.path: UnaryMethod.status.retry,
        UnaryMethod.usage.path: UnaryMethod.usage.retry,
        UnaryMethod.activity.path: UnaryMethod.activity.retry,
        UnaryMethod.listModels.path: UnaryMethod.listModels.retry,
        UnaryMethod.describeModel.path: UnaryMethod.describeModel.retry,
        UnaryMethod.tokenize.path: UnaryMethod.tokenize.retry,
        UnaryMethod.run.path: UnaryMethod.run.retry,
        StreamingMethod.query.path: StreamingMethod.query.retry,
        StreamingMethod.sweep.path: StreamingMethod.sweep.retry,
        StreamingMethod.generate.path: StreamingMethod.generate.retry,
        UnaryMethod.scoreHeads.path: UnaryMethod.scoreHeads.retry,
        UnaryMethod.splitScore.path: UnaryMethod.splitScore.retry,
        UnaryMethod.logitLens.path: UnaryMethod.logitLens.retry,
        UnaryMethod.attribute.path: UnaryMethod.attribute.retry,
        UnaryMethod.reduce.path: UnaryMethod.reduce.retry,
        UnaryMethod.detectHeads.path: UnaryMethod.detectHeads.retry,
        UnaryMethod.scoreInduction.path: UnaryMethod.scoreInduction.retry,
        StreamingMethod.headAtlas.path: StreamingMethod.headAtlas.retry,
        UnaryMethod.listParameters.path: UnaryMethod.listParameters.retry,
        StreamingMethod.parameter.path: StreamingMethod.parameter.retry,
        StreamingMethod.circuits.path: StreamingMethod.circuits.retry,
        StreamingMethod.compositionScores.path: StreamingMethod.compositionScores.retry,
        UnaryMethod.listSessions.path: UnaryMethod.listSessions.retry,
        UnaryMethod.showSession.path: UnaryMethod.showSession.retry,
        UnaryMethod.createSession.path: UnaryMethod.createSession.retry,
        UnaryMethod.renameSession.path: UnaryMethod.renameSession.retry,
        UnaryMethod.deleteSession.path: UnaryMethod.deleteSession.retry,
        UnaryMethod.shareSession.path: UnaryMethod.shareSession.retry,
        UnaryMethod.unshareSession.path: UnaryMethod.unshareSession.retry,
        BidirectionalMethod.importSession.path: BidirectionalMethod.importSession.retry,
        UnaryMethod.listGrants.path: UnaryMethod.listGrants.retry,
        UnaryMethod.setNote.path: UnaryMethod.setNote.retry,
        UnaryMethod.searchSessions.path: UnaryMethod.searchSessions.retry,
        StreamingMethod.exportSession.path: StreamingMethod.exportSession.retry,
        StreamingMethod.sessionReport.path: StreamingMethod.sessionReport.retry,
        UnaryMethod.storeUsage.path: UnaryMethod.storeUsage.retry,
        UnaryMethod.checkStore.path: UnaryMethod.checkStore.retry,
        StreamingMethod.attentionPage.path: StreamingMethod.attentionPage.retry,
    ]

    @Test func retriesAreThoseOfTheServices() throws {
        let levels: [Substring: RetrySafety] = ["NO_SIDE_EFFECTS": .always, "IDEMPOTENT": .byRequestID]
        var declared: [String: RetrySafety] = [:]
        for (service, line) in try Self.declarations() {
            if let match = line.firstMatch(of: /rpc (\w+)\(.*idempotency_level = (\w+)/) {
                let safety: RetrySafety = try #require(levels[match.2])
                declared["/lens.v1.\(service)/\(match.1)"] = safety
            }
        }
        #expect(declared == Self.retried)
        #expect(UnaryMethod.unloadModel.retry == .never)
    }

    /// The lines that declare methods, with their services.
    private static func declarations() throws -> [(service: String, line: Substring)] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../Protos/lens/v1")
        var lines: [(service: String, line: Substring)] = []
        for file in try FileManager.default.contentsOfDirectory(atPath: folder.path) where file.hasSuffix(".proto") {
            let text = try String(contentsOf: folder.appending(path: file), encoding: .utf8)
            var service = ""
            for line in text.split(separator: "\n") {
                if let match = line.firstMatch(of: /^service (\w+)/) { service = String(match.1) }
                if line.drop(while: { $0 == " " }).hasPrefix("rpc ") { lines.append((service, line)) }
            }
        }
        return lines
    }
}
