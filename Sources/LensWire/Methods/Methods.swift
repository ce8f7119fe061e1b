public import LensCore

// The one table of methods: what a server can be asked and how requests and replies travel. The services and their
// order are those of Protos/lens/v1.

extension UnaryMethod<EmptyRequest, DaemonStatus> {
    public static var status: Self {
        Self(path: "/lens.v1.Daemon/Status", request: .daemonStatusRequest, reply: .daemonStatusReply, retry: .always)
    }
}

extension UnaryMethod<EmptyRequest, DaemonUsage> {
    /// The administrator's.
    public static var usage: Self {
        Self(path: "/lens.v1.Daemon/Usage", request: .usageRequest, reply: .usageReply, retry: .always)
    }
}

extension UnaryMethod<ActivityRequest, DaemonActivity> {
    public static var activity: Self {
        Self(
            path: "/lens.v1.Daemon/Activity", request: .activityRequest, reply: .activityReply, retry: .always)
    }
}

extension UnaryMethod<EmptyRequest, ModelList> {
    public static var listModels: Self {
        Self(path: "/lens.v1.Models/List", request: .listModelsRequest, reply: .listModelsReply, retry: .always)
    }
}

extension UnaryMethod<ModelReference, ModelDetail> {
    public static var describeModel: Self {
        Self(
            path: "/lens.v1.Models/Describe", request: .describeModelRequest, reply: .describeModelReply,
            retry: .always)
    }
}

extension StreamingMethod<ModelNameRequest, LoadModelEvent> {
    /// Progress, then the model.
    public static var loadModel: Self {
        Self(path: "/lens.v1.Models/Load", request: .loadModelRequest, event: .loadModelEvent)
    }
}

extension UnaryMethod<ModelNameRequest, Bool> {
    /// Answers whether passes still hold it.
    public static var unloadModel: Self {
        Self(path: "/lens.v1.Models/Unload", request: .unloadModelRequest, reply: .unloadModelReply)
    }
}

extension UnaryMethod<RenameModelRequest, EmptyRequest> {
    public static var renameModel: Self {
        Self(path: "/lens.v1.Models/Rename", request: .renameModelRequest, reply: .renameModelReply)
    }
}

extension UnaryMethod<TokenizeRequest, TokenizeReply> {
    public static var tokenize: Self {
        Self(path: "/lens.v1.Inference/Tokenize", request: .tokenizeRequest, reply: .tokenizeReply, retry: .always)
    }
}

extension UnaryMethod<RunRequest, RunReply> {
    public static var run: Self {
        Self(path: "/lens.v1.Inference/Run", request: .runRequest, reply: .runReply, retry: .byRequestID)
    }
}

extension BidirectionalMethod<HookedRunMessage, HookedRunEvent> {
    /// The first message is a start; each point at which the pass parks wants one answer.
    public static var runHooked: Self {
        Self(path: "/lens.v1.Inference/RunHooked", message: .hookedRunMessage, event: .hookedRunEvent)
    }
}

extension StreamingMethod<QueryRequest, QueryEvent> {
    /// For each prompt a header, then its values in chunks.
    public static var query: Self {
        Self(path: "/lens.v1.Inference/Query", request: .queryRequest, event: .queryEvent, retry: .always)
    }
}

extension StreamingMethod<SweepRequest, SweepEvent> {
    /// Progress, then one result.
    public static var sweep: Self {
        Self(path: "/lens.v1.Inference/Sweep", request: .sweepRequest, event: .sweepEvent, retry: .byRequestID)
    }
}

extension StreamingMethod<GenerateRequest, GenerateEvent> {
    /// Tokens as they come, then a result for each prompt, then the end.
    public static var generate: Self {
        Self(path: "/lens.v1.Inference/Generate", request: .generateRequest, event: .generateEvent, retry: .byRequestID)
    }
}

extension BidirectionalMethod<HookedGenerateMessage, HookedGenerateEvent> {
    /// The first message is a start; each point at which a pass parks wants one answer.
    public static var generateHooked: Self {
        Self(
            path: "/lens.v1.Inference/GenerateHooked", message: .hookedGenerateMessage, event: .hookedGenerateEvent)
    }
}

extension BidirectionalMethod<GradientMessage, GradientEvent> {
    /// A start, values and answers; the gradients, from the last point of the pass to the first.
    public static var gradient: Self {
        Self(path: "/lens.v1.Inference/Gradient", message: .gradientMessage, event: .gradientEvent)
    }
}

extension UnaryMethod<HeadScoresRequest, HeadScoresReply> {
    public static var scoreHeads: Self {
        Self(
            path: "/lens.v1.Inference/ScoreHeads", request: .scoreHeadsRequest, reply: .scoreHeadsReply, retry: .always)
    }
}

extension UnaryMethod<ScoreSplitRequest, ScoreSplitReply> {
    public static var splitScore: Self {
        Self(path: "/lens.v1.Analyses/SplitScore", request: .splitScoreRequest, reply: .splitScoreReply, retry: .always)
    }
}

extension UnaryMethod<LogitLensRequest, LogitLensReply> {
    public static var logitLens: Self {
        Self(path: "/lens.v1.Analyses/LogitLens", request: .logitLensRequest, reply: .logitLensReply, retry: .always)
    }
}

extension UnaryMethod<AttributionRequest, AttributionReply> {
    public static var attribute: Self {
        Self(path: "/lens.v1.Analyses/Attribute", request: .attributeRequest, reply: .attributeReply, retry: .always)
    }
}

extension UnaryMethod<ReductionRequest, ReductionReply> {
    public static var reduce: Self {
        Self(path: "/lens.v1.Analyses/Reduce", request: .reduceRequest, reply: .reduceReply, retry: .always)
    }
}

extension UnaryMethod<HeadDetectionRequest, HeadDetectionReply> {
    public static var detectHeads: Self {
        Self(
            path: "/lens.v1.Analyses/DetectHeads", request: .detectHeadsRequest, reply: .detectHeadsReply,
            retry: .always)
    }
}

extension UnaryMethod<ModelReference, ParameterList> {
    public static var listParameters: Self {
        Self(
            path: "/lens.v1.Weights/ListParameters", request: .listParametersRequest, reply: .listParametersReply,
            retry: .always)
    }
}

extension UnaryMethod<InductionRequest, InductionReply> {
    public static var scoreInduction: Self {
        Self(
            path: "/lens.v1.Analyses/ScoreInduction", request: .scoreInductionRequest, reply: .scoreInductionReply,
            retry: .always)
    }
}

extension StreamingMethod<HeadAtlasRequest, HeadAtlasEvent> {
    /// Progress, the atlas without its heads, the heads, the page.
    public static var headAtlas: Self {
        Self(path: "/lens.v1.Heads/Atlas", request: .headAtlasRequest, event: .headAtlasEvent, retry: .always)
    }
}

extension StreamingMethod<ParameterRequest, WeightEvent> {
    /// A header, then the values in chunks.
    public static var parameter: Self {
        Self(path: "/lens.v1.Weights/Parameter", request: .parameterRequest, event: .weightEvent, retry: .always)
    }
}

extension StreamingMethod<CircuitRequest, CircuitEvent> {
    /// Progress, the circuits without their heads, each head and then its entries.
    public static var circuits: Self {
        Self(path: "/lens.v1.Weights/Circuits", request: .circuitRequest, event: .circuitEvent, retry: .always)
    }
}

extension StreamingMethod<CompositionRequest, WeightEvent> {
    /// Progress, a header, then the values in chunks.
    public static var compositionScores: Self {
        Self(
            path: "/lens.v1.Weights/CompositionScores", request: .compositionRequest, event: .weightEvent,
            retry: .always)
    }
}

extension UnaryMethod<ListSessionsRequest, SessionPage> {
    public static var listSessions: Self {
        Self(path: "/lens.v1.Sessions/List", request: .listSessionsRequest, reply: .listSessionsReply, retry: .always)
    }
}

extension UnaryMethod<ShowSessionRequest, SessionDetail> {
    public static var showSession: Self {
        Self(path: "/lens.v1.Sessions/Show", request: .showSessionRequest, reply: .showSessionReply, retry: .always)
    }
}

extension UnaryMethod<CreateSessionRequest, SessionSummary> {
    public static var createSession: Self {
        Self(
            path: "/lens.v1.Sessions/Create", request: .createSessionRequest, reply: .createSessionReply,
            retry: .byRequestID)
    }
}

extension UnaryMethod<RenameSessionRequest, EmptyRequest> {
    public static var renameSession: Self {
        Self(
            path: "/lens.v1.Sessions/Rename", request: .renameSessionRequest, reply: .renameSessionReply,
            retry: .byRequestID)
    }
}

extension UnaryMethod<SessionRequest, Int> {
    /// Answers how many runs were deleted with the session.
    public static var deleteSession: Self {
        Self(
            path: "/lens.v1.Sessions/Delete", request: .deleteSessionRequest, reply: .deleteSessionReply,
            retry: .byRequestID)
    }
}

extension UnaryMethod<ShareSessionRequest, [SessionGrant]> {
    /// Answers everybody who may read the session.
    public static var shareSession: Self {
        Self(path: "/lens.v1.Sessions/Share", request: .shareSessionRequest, reply: .grantsReply, retry: .byRequestID)
    }

    /// Answers everybody who still may.
    public static var unshareSession: Self {
        Self(path: "/lens.v1.Sessions/Unshare", request: .shareSessionRequest, reply: .grantsReply, retry: .byRequestID)
    }
}

extension UnaryMethod<SessionRequest, [SessionGrant]> {
    public static var listGrants: Self {
        Self(path: "/lens.v1.Sessions/ListGrants", request: .listGrantsRequest, reply: .grantsReply, retry: .always)
    }
}

extension UnaryMethod<SetNoteRequest, String> {
    /// Answers the id of the session or run.
    public static var setNote: Self {
        Self(path: "/lens.v1.Sessions/SetNote", request: .setNoteRequest, reply: .setNoteReply, retry: .byRequestID)
    }
}

extension UnaryMethod<SearchSessionsRequest, SessionFindings> {
    public static var searchSessions: Self {
        Self(
            path: "/lens.v1.Sessions/Search", request: .searchSessionsRequest, reply: .searchSessionsReply,
            retry: .always)
    }
}

extension StreamingMethod<ExportSessionRequest, ExportEvent> {
    /// The session, then its runs in parts.
    public static var exportSession: Self {
        Self(
            path: "/lens.v1.Sessions/Export", request: .exportSessionRequest, event: .exportEvent, retry: .always)
    }
}

extension BidirectionalMethod<ImportMessage, ImportEvent> {
    /// A start, then parts of runs, each answered; behind the client's end the session.
    public static var importSession: Self {
        Self(path: "/lens.v1.Sessions/Import", message: .importMessage, event: .importEvent, retry: .byRequestID)
    }
}

extension StreamingMethod<ReplaySessionRequest, ReplayEvent> {
    /// Progress and what became of each run.
    public static var replaySession: Self {
        Self(path: "/lens.v1.Sessions/Replay", request: .replaySessionRequest, event: .replayEvent)
    }
}

extension StreamingMethod<SessionReportRequest, [UInt8]> {
    /// The report's bytes, in chunks.
    public static var sessionReport: Self {
        Self(path: "/lens.v1.Reports/SessionReport", request: .sessionReportRequest, event: .pageChunk, retry: .always)
    }
}

extension StreamingMethod<AttentionPageRequest, [UInt8]> {
    /// The page's bytes, in chunks.
    public static var attentionPage: Self {
        Self(path: "/lens.v1.Reports/AttentionPage", request: .attentionPageRequest, event: .pageChunk, retry: .always)
    }
}

extension UnaryMethod<EmptyRequest, StoreUsage> {
    public static var storeUsage: Self {
        Self(path: "/lens.v1.Store/Usage", request: .storeUsageRequest, reply: .storeUsageReply, retry: .always)
    }
}

extension UnaryMethod<PurgeRequest, PurgeReply> {
    public static var purge: Self {
        Self(path: "/lens.v1.Store/Purge", request: .purgeRequest, reply: .purgeReply)
    }
}

extension UnaryMethod<ReassignRequest, StoredAccount> {
    public static var reassign: Self {
        Self(path: "/lens.v1.Store/Reassign", request: .reassignRequest, reply: .storedAccount)
    }
}

extension UnaryMethod<EmptyRequest, StoreCheck> {
    public static var checkStore: Self {
        Self(path: "/lens.v1.Store/Check", request: .checkStoreRequest, reply: .checkStoreReply, retry: .always)
    }
}

extension StreamingMethod<EmptyRequest, BackupEvent> {
    /// The size, then the bytes in chunks.
    public static var backup: Self {
        Self(path: "/lens.v1.Store/Backup", request: .backupRequest, event: .backupEvent)
    }
}
