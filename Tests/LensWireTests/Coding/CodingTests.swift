import LensCore
import LensWire
import Testing

/// Every message there and back, and what decoding refuses.
@Suite struct CodingTests {
    /// Encodes, decodes and encodes again: what came back says the same, text for text.
    private func checkRoundTrip<Value>(_ coding: Coding<Value>, _ values: [Value]) throws {
        for value in values {
            let bytes = try coding.encode(value)
            let back = try coding.decode(bytes)
            #expect(try coding.encode(back) == bytes)
            #expect(String(reflecting: back) == String(reflecting: value))
        }
    }

    @Test func requestsRoundTrip() throws {
        try checkRoundTrip(UnaryMethod.tokenize.request, Samples.tokenizeRequests)
        try checkRoundTrip(UnaryMethod.run.request, Samples.runRequests)
        try checkRoundTrip(StreamingMethod.query.request, Samples.queryRequests)
        try checkRoundTrip(StreamingMethod.sweep.request, Samples.sweepRequests)
        try checkRoundTrip(UnaryMethod.scoreHeads.request, Samples.scoreHeadsRequests)
        try checkRoundTrip(UnaryMethod.splitScore.request, Samples.splitScoreRequests)
        try checkRoundTrip(UnaryMethod.logitLens.request, Samples.logitLensRequests)
        try checkRoundTrip(UnaryMethod.attribute.request, Samples.attributeRequests)
        try checkRoundTrip(UnaryMethod.reduce.request, Samples.reduceRequests)
        try checkRoundTrip(UnaryMethod.detectHeads.request, Samples.detectHeadsRequests)
        try checkRoundTrip(UnaryMethod.scoreInduction.request, Samples.scoreInductionRequests)
        try checkRoundTrip(StreamingMethod.headAtlas.request, Samples.headAtlasRequests)
        try checkRoundTrip(UnaryMethod.listParameters.request, Samples.describeRequests)
        try checkRoundTrip(StreamingMethod.parameter.request, Samples.parameterRequests)
        try checkRoundTrip(StreamingMethod.circuits.request, Samples.circuitRequests)
        try checkRoundTrip(StreamingMethod.compositionScores.request, Samples.compositionRequests)
        try checkRoundTrip(UnaryMethod.status.request, [EmptyRequest()])
        try checkRoundTrip(UnaryMethod.usage.request, [EmptyRequest()])
        try checkRoundTrip(UnaryMethod.activity.request, Samples.activityRequests)
        try checkRoundTrip(UnaryMethod.listModels.request, [EmptyRequest()])
        try checkRoundTrip(UnaryMethod.describeModel.request, Samples.describeRequests)
        try checkRoundTrip(StreamingMethod.loadModel.request, Samples.modelNames)
        try checkRoundTrip(UnaryMethod.unloadModel.request, Samples.modelNames)
        try checkRoundTrip(UnaryMethod.renameModel.request, Samples.renames)
        try checkRoundTrip(StreamingMethod.attentionPage.request, Samples.attentionPageRequests)
        try checkRoundTrip(UnaryMethod.storeUsage.request, [EmptyRequest()])
        try checkRoundTrip(UnaryMethod.purge.request, Samples.purgeRequests)
        try checkRoundTrip(UnaryMethod.reassign.request, Samples.reassignRequests)
        try checkRoundTrip(UnaryMethod.checkStore.request, [EmptyRequest()])
        try checkRoundTrip(StreamingMethod.backup.request, [EmptyRequest()])
    }

    @Test func repliesRoundTrip() throws {
        try checkRoundTrip(UnaryMethod.tokenize.reply, Samples.tokenizeReplies)
        try checkRoundTrip(UnaryMethod.run.reply, Samples.runReplies)
        try checkRoundTrip(StreamingMethod.query.event, Samples.queryEvents)
        try checkRoundTrip(StreamingMethod.sweep.event, Samples.sweepEvents)
        try checkRoundTrip(UnaryMethod.scoreHeads.reply, Samples.scoreHeadsReplies)
        try checkRoundTrip(UnaryMethod.splitScore.reply, Samples.splitScoreReplies)
        try checkRoundTrip(UnaryMethod.logitLens.reply, Samples.logitLensReplies)
        try checkRoundTrip(UnaryMethod.attribute.reply, Samples.attributeReplies)
        try checkRoundTrip(UnaryMethod.reduce.reply, Samples.reduceReplies)
        try checkRoundTrip(UnaryMethod.detectHeads.reply, Samples.detectHeadsReplies)
        try checkRoundTrip(UnaryMethod.scoreInduction.reply, Samples.scoreInductionReplies)
        try checkRoundTrip(StreamingMethod.headAtlas.event, Samples.headAtlasEvents)
        try checkRoundTrip(UnaryMethod.listParameters.reply, Samples.parameterLists)
        try checkRoundTrip(StreamingMethod.parameter.event, Samples.weightEvents)
        try checkRoundTrip(StreamingMethod.circuits.event, Samples.circuitEvents)
        try checkRoundTrip(StreamingMethod.compositionScores.event, Samples.weightEvents)
        try checkRoundTrip(UnaryMethod.status.reply, Samples.daemonStatuses)
        try checkRoundTrip(UnaryMethod.usage.reply, Samples.usages)
        try checkRoundTrip(UnaryMethod.activity.reply, Samples.activities)
        try checkRoundTrip(UnaryMethod.listModels.reply, Samples.modelLists)
        try checkRoundTrip(UnaryMethod.describeModel.reply, Samples.modelDetails)
        try checkRoundTrip(StreamingMethod.loadModel.event, Samples.loadEvents)
        try checkRoundTrip(UnaryMethod.unloadModel.reply, [true, false])
        try checkRoundTrip(UnaryMethod.renameModel.reply, [EmptyRequest()])
        try checkRoundTrip(StreamingMethod.attentionPage.event, [[], Array("<html>".utf8)])
        try checkRoundTrip(UnaryMethod.storeUsage.reply, Samples.storeUsages)
        try checkRoundTrip(UnaryMethod.purge.reply, Samples.purgeReplies)
        try checkRoundTrip(UnaryMethod.reassign.reply, Samples.storeUsages[0].accounts)
        try checkRoundTrip(UnaryMethod.checkStore.reply, Samples.storeChecks)
        try checkRoundTrip(StreamingMethod.backup.event, Samples.backupEvents)
    }

    @Test func sessionRequestsRoundTrip() throws {
        try checkRoundTrip(
            UnaryMethod.listSessions.request, [ListSessionsRequest(), ListSessionsRequest(skip: 1 << 40, limit: 1000)])
        try checkRoundTrip(
            UnaryMethod.showSession.request,
            [ShowSessionRequest(name: "Ümlaut"), ShowSessionRequest(name: "x", before: "id", limit: 7)])
        try checkRoundTrip(
            UnaryMethod.createSession.request, [CreateSessionRequest(name: "x", note: "n\n")])
        try checkRoundTrip(UnaryMethod.renameSession.request, [RenameSessionRequest(name: "x", newName: "y")])
        try checkRoundTrip(UnaryMethod.deleteSession.request, [SessionRequest(name: "x")])
        try checkRoundTrip(UnaryMethod.shareSession.request, Samples.shares)
        try checkRoundTrip(UnaryMethod.unshareSession.request, Samples.shares)
        try checkRoundTrip(UnaryMethod.listGrants.request, [SessionRequest(name: "x")])
        try checkRoundTrip(UnaryMethod.setNote.request, Samples.notes)
        try checkRoundTrip(
            UnaryMethod.searchSessions.request,
            [SearchSessionsRequest(text: "%_\\"), SearchSessionsRequest(text: "a", before: "id", limit: 1)])
    }

    @Test func sessionFilesRoundTrip() throws {
        try checkRoundTrip(StreamingMethod.exportSession.request, Samples.exportRequests)
        try checkRoundTrip(StreamingMethod.exportSession.event, Samples.exportEvents)
        try checkRoundTrip(BidirectionalMethod.importSession.message, Samples.importMessages)
        try checkRoundTrip(BidirectionalMethod.importSession.event, Samples.importEvents)
        try checkRoundTrip(StreamingMethod.replaySession.request, Samples.replayRequests)
        try checkRoundTrip(StreamingMethod.replaySession.event, Samples.replayEvents)
        try checkRoundTrip(StreamingMethod.sessionReport.request, Samples.reportRequests)
    }

    @Test func sessionRepliesRoundTrip() throws {
        try checkRoundTrip(UnaryMethod.listSessions.reply, Samples.sessionPages)
        try checkRoundTrip(UnaryMethod.showSession.reply, Samples.sessionDetails)
        try checkRoundTrip(UnaryMethod.createSession.reply, [Samples.session, Samples.sharedSession])
        try checkRoundTrip(UnaryMethod.renameSession.reply, [EmptyRequest()])
        try checkRoundTrip(UnaryMethod.deleteSession.reply, [0, 17])
        try checkRoundTrip(UnaryMethod.shareSession.reply, Samples.grants)
        try checkRoundTrip(UnaryMethod.setNote.reply, ["id"])
        try checkRoundTrip(UnaryMethod.searchSessions.reply, Samples.sessionFindings)
    }

    @Test func framesRoundTrip() throws {
        try checkRoundTrip(.clientFrame, Samples.clientFrames)
        try checkRoundTrip(.serverFrame, Samples.serverFrames)
    }

    @Test func longTextAndManyTokensSurvive() throws {
        let text = String(repeating: "Es war einmal ein Wölfchen. 🐺\u{0}", count: 8000)
        let request = TokenizeRequest(
            model: ModelReference(name: nil),
            prompts: [.text(text, prependBOS: true), .tokens((0..<50_000).map { Int32($0) }), .tokens([.max])])
        let back = try UnaryMethod.tokenize.request.decode(try UnaryMethod.tokenize.request.encode(request))
        #expect(back.prompts == request.prompts)
    }

    @Test func whatWasLeftOutHasItsDefault() throws {
        let run = try UnaryMethod.run.request.decode([])
        #expect(run.model == ModelReference(name: nil))
        #expect(run.session == "default")
        #expect(run.isRecorded && run.wantsLoss && !run.wantsPerTokenLoss)
        #expect(run.keep == .none)
        // field 4 (intervention) with only a hook would leave the action out; see refusals.
        let sweep = try StreamingMethod.sweep.request.decode([])
        #expect(sweep.sweep == SweepSpec(edits: [], axes: []))
        #expect(sweep.sweep.metrics == [.loss] && sweep.isRecorded)
    }

    @Test func encodingRefusesWhatTheWireCannotSay() {
        func refuses<Value>(_ coding: Coding<Value>, _ value: Value, _ part: String) {
            #expect { try coding.encode(value) } throws: { error in
                guard let error = error as? LensError else { return false }
                return error.code == .invalidArgument && error.message.contains(part)
            }
        }
        let model = ModelReference(name: "m")
        refuses(UnaryMethod.run.request, RunRequest(model: model, prompts: [.tokens([-1])]), "prompt.tokens.ids[0]")
        refuses(UnaryMethod.run.request, RunRequest(model: model, prompts: [], topCount: -1), "top_count")
        refuses(
            UnaryMethod.run.request,
            RunRequest(
                model: model, prompts: [],
                interventions: [InterventionSpec(hook: "z0", action: .swap(prompt: -1))]),
            "intervention.other_prompt")
        refuses(
            StreamingMethod.query.request, QueryRequest(source: .run("a"), hook: "z0", prompts: []), "prompt_indices")
        refuses(
            StreamingMethod.query.request,
            QueryRequest(source: .run("a"), hook: "z0", slice: TensorSlice([.range(start: nil, stop: nil, step: 0)])),
            "step")
    }
}
