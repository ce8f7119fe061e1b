import Foundation
import LensCore
import LensWire
import Testing

/// Messages that Google's protobuf wrote (vectors/generate.py), read and written by ours.
@Suite struct WireVectorTests {
    struct Vector: Decodable, CustomTestStringConvertible {
        let name: String
        let message: String
        let hex: String

        var testDescription: String { name }

        var bytes: [UInt8] {
            var bytes: [UInt8] = []
            var rest = Substring(hex)
            while !rest.isEmpty {
                bytes.append(UInt8(rest.prefix(2), radix: 16) ?? 0)
                rest = rest.dropFirst(2)
            }
            return bytes
        }
    }

    static let vectors: [Vector] = {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../vectors/messages.json")
        guard let data = try? Data(contentsOf: file) else { return [] }
        return (try? JSONDecoder().decode([Vector].self, from: data)) ?? []
    }()

    private static let withModels: Set<String> = [
        "lens.v1.DaemonStatusReply", "lens.v1.ListModelsReply", "lens.v1.DescribeModelReply", "lens.v1.LoadModelEvent",
    ]

    /// A sample of this side: its bytes, and what decoding some bytes gives, as text.
    struct Sample {
        let bytes: [UInt8]
        let text: String
        let decode: ([UInt8]) throws -> String
    }

    private func samples() throws -> [String: Sample] {
        var samples: [String: Sample] = [:]
        func add<Value>(_ name: String, _ coding: Coding<Value>, _ values: [Value]) throws {
            for (index, value) in values.enumerated() {
                samples["\(name)[\(index)]"] = Sample(
                    bytes: try coding.encode(value), text: String(reflecting: value),
                    decode: { String(reflecting: try coding.decode($0)) })
            }
        }
        try add("clientFrames", .clientFrame, Samples.clientFrames)
        try add("serverFrames", .serverFrame, Samples.serverFrames)
        try add("tokenizeRequests", UnaryMethod.tokenize.request, Samples.tokenizeRequests)
        try add("tokenizeReplies", UnaryMethod.tokenize.reply, Samples.tokenizeReplies)
        try add("runRequests", UnaryMethod.run.request, Samples.runRequests)
        try add("runReplies", UnaryMethod.run.reply, Samples.runReplies)
        try add("hookedRunMessages", BidirectionalMethod.runHooked.message, Samples.hookedRunMessages)
        try add("hookedRunEvents", BidirectionalMethod.runHooked.event, Samples.hookedRunEvents)
        try add("gradientMessages", BidirectionalMethod.gradient.message, Samples.gradientMessages)
        try add("gradientEvents", BidirectionalMethod.gradient.event, Samples.gradientEvents)
        try add("queryRequests", StreamingMethod.query.request, Samples.queryRequests)
        try add("queryEvents", StreamingMethod.query.event, Samples.queryEvents)
        try add("sweepRequests", StreamingMethod.sweep.request, Samples.sweepRequests)
        try add("sweepEvents", StreamingMethod.sweep.event, Samples.sweepEvents)
        try add("generateRequests", StreamingMethod.generate.request, Samples.generateRequests)
        try add("generateEvents", StreamingMethod.generate.event, Samples.generateEvents)
        try add(
            "hookedGenerateMessages", BidirectionalMethod.generateHooked.message, Samples.hookedGenerateMessages)
        try add("hookedGenerateEvents", BidirectionalMethod.generateHooked.event, Samples.hookedGenerateEvents)
        try add("scoreHeadsRequests", UnaryMethod.scoreHeads.request, Samples.scoreHeadsRequests)
        try add("scoreHeadsReplies", UnaryMethod.scoreHeads.reply, Samples.scoreHeadsReplies)
        try add("splitScoreRequests", UnaryMethod.splitScore.request, Samples.splitScoreRequests)
        try add("splitScoreReplies", UnaryMethod.splitScore.reply, Samples.splitScoreReplies)
        try add("logitLensRequests", UnaryMethod.logitLens.request, Samples.logitLensRequests)
        try add("logitLensReplies", UnaryMethod.logitLens.reply, Samples.logitLensReplies)
        try add("attributeRequests", UnaryMethod.attribute.request, Samples.attributeRequests)
        try add("attributeReplies", UnaryMethod.attribute.reply, Samples.attributeReplies)
        try add("reduceRequests", UnaryMethod.reduce.request, Samples.reduceRequests)
        try add("reduceReplies", UnaryMethod.reduce.reply, Samples.reduceReplies)
        try add("detectHeadsRequests", UnaryMethod.detectHeads.request, Samples.detectHeadsRequests)
        try add("detectHeadsReplies", UnaryMethod.detectHeads.reply, Samples.detectHeadsReplies)
        try add("scoreInductionRequests", UnaryMethod.scoreInduction.request, Samples.scoreInductionRequests)
        try add("scoreInductionReplies", UnaryMethod.scoreInduction.reply, Samples.scoreInductionReplies)
        try add("headAtlasRequests", StreamingMethod.headAtlas.request, Samples.headAtlasRequests)
        try add("headAtlasEvents", StreamingMethod.headAtlas.event, Samples.headAtlasEvents)
        try add("parameterRequests", StreamingMethod.parameter.request, Samples.parameterRequests)
        try add("parameterLists", UnaryMethod.listParameters.reply, Samples.parameterLists)
        try add("weightEvents", StreamingMethod.parameter.event, Samples.weightEvents)
        try add("circuitRequests", StreamingMethod.circuits.request, Samples.circuitRequests)
        try add("circuitEvents", StreamingMethod.circuits.event, Samples.circuitEvents)
        try add("compositionRequests", StreamingMethod.compositionScores.request, Samples.compositionRequests)
        try add("daemonStatuses", UnaryMethod.status.reply, Samples.daemonStatuses)
        try add("usages", UnaryMethod.usage.reply, Samples.usages)
        try add("activityRequests", UnaryMethod.activity.request, Samples.activityRequests)
        try add("activities", UnaryMethod.activity.reply, Samples.activities)
        try add("modelLists", UnaryMethod.listModels.reply, Samples.modelLists)
        try add("describeRequests", UnaryMethod.describeModel.request, Samples.describeRequests)
        try add("modelDetails", UnaryMethod.describeModel.reply, Samples.modelDetails)
        try add("modelNames", StreamingMethod.loadModel.request, Samples.modelNames)
        try add("renames", UnaryMethod.renameModel.request, Samples.renames)
        try add("loadEvents", StreamingMethod.loadModel.event, Samples.loadEvents)
        try add("sessionDetails", UnaryMethod.showSession.reply, Samples.sessionDetails)
        try add("sessionPages", UnaryMethod.listSessions.reply, Samples.sessionPages)
        try add("sessionFindings", UnaryMethod.searchSessions.reply, Samples.sessionFindings)
        try add("grants", UnaryMethod.shareSession.reply, Samples.grants)
        try add("shares", UnaryMethod.shareSession.request, Samples.shares)
        try add("notes", UnaryMethod.setNote.request, Samples.notes)
        try add("exportEvents", StreamingMethod.exportSession.event, Samples.exportEvents)
        try add("importMessages", BidirectionalMethod.importSession.message, Samples.importMessages)
        try add("importEvents", BidirectionalMethod.importSession.event, Samples.importEvents)
        try add("replayRequests", StreamingMethod.replaySession.request, Samples.replayRequests)
        try add("replayEvents", StreamingMethod.replaySession.event, Samples.replayEvents)
        try add("attentionPageRequests", StreamingMethod.attentionPage.request, Samples.attentionPageRequests)
        try add("storeUsages", UnaryMethod.storeUsage.reply, Samples.storeUsages)
        try add("purgeRequests", UnaryMethod.purge.request, Samples.purgeRequests)
        try add("purgeReplies", UnaryMethod.purge.reply, Samples.purgeReplies)
        try add("reassignRequests", UnaryMethod.reassign.request, Samples.reassignRequests)
        try add("storeChecks", UnaryMethod.checkStore.reply, Samples.storeChecks)
        try add("backupEvents", StreamingMethod.backup.event, Samples.backupEvents)
        return samples
    }

    @Test func everySampleHasItsVector() throws {
        #expect(Set(Self.vectors.map(\.name)) == Set(try samples().keys))
        #expect(Self.vectors.count > 30)
    }

    @Test(arguments: vectors) func bytesAndValuesAgree(vector: Vector) throws {
        let sample = try #require(try samples()[vector.name])
        #expect(try sample.decode(vector.bytes) == sample.text)
        // A model's hook points are written from its shape; the vectors leave them out.
        if !Self.withModels.contains(vector.message) { #expect(sample.bytes == vector.bytes) }
    }
}
