internal import CLensMessages
internal import CProtobufC

/// A struct that protoc-c generated. These never leave LensWire.
protocol CMessage: SendableMetatype {
    init()
    /// The generated function that makes a fresh message: every field its default, and the pointer to the descriptor.
    static var reset: (UnsafeMutablePointer<Self>?) -> Void { get }
    var base: ProtobufCMessage { get }
}

extension CMessage {
    /// A message with every field at its default.
    static var fresh: Self {
        var message = Self()
        reset(&message)
        return message
    }
}

typealias CReset<Message> = (UnsafeMutablePointer<Message>?) -> Void

// frame.proto
typealias CClientFrame = Lens__V1__ClientFrame
typealias CServerFrame = Lens__V1__ServerFrame
typealias CClientHello = Lens__V1__ClientHello
typealias CServerHello = Lens__V1__ServerHello
typealias CStartCall = Lens__V1__StartCall
typealias CEndStream = Lens__V1__EndStream
typealias CCancelCall = Lens__V1__CancelCall
typealias CCredit = Lens__V1__Credit
typealias CPing = Lens__V1__Ping
typealias CPong = Lens__V1__Pong
typealias CHeartbeat = Lens__V1__Heartbeat
typealias CStatus = Lens__V1__Status

// common.proto
typealias CToken = Lens__V1__Token
typealias CTokenList = Lens__V1__TokenList
typealias CPrompt = Lens__V1__Prompt
typealias CTextPrompt = Lens__V1__TextPrompt
typealias CTokenPrompt = Lens__V1__TokenPrompt
typealias CSlice = Lens__V1__Slice
typealias CSliceEntry = Lens__V1__SliceEntry
typealias CSliceRange = Lens__V1__SliceRange
typealias CEllipsis = Lens__V1__Ellipsis

// interventions.proto
typealias CAction = Lens__V1__Action
typealias CIntervention = Lens__V1__Intervention
typealias CIndices = Lens__V1__Indices
typealias CIndexList = Lens__V1__IndexList
typealias COperand = Lens__V1__Operand
typealias CEditSource = Lens__V1__EditSource
typealias CPromptList = Lens__V1__PromptList

// generation.proto
typealias CGenerateRequest = Lens__V1__GenerateRequest
typealias CGenerationOptions = Lens__V1__GenerationOptions
typealias CGenerateEvent = Lens__V1__GenerateEvent
typealias CGeneratedBatch = Lens__V1__GeneratedBatch
typealias CGeneratedTokens = Lens__V1__GeneratedTokens
typealias CGeneration = Lens__V1__Generation
typealias CGenerationEnd = Lens__V1__GenerationEnd
typealias CHookedGenerateMessage = Lens__V1__HookedGenerateMessage
typealias CHookedGenerateRequest = Lens__V1__HookedGenerateRequest
typealias CHookedGenerateEvent = Lens__V1__HookedGenerateEvent

// run.proto
typealias CRunRequest = Lens__V1__RunRequest
typealias CRunReply = Lens__V1__RunReply
typealias CModelStamp = Lens__V1__ModelStamp
typealias CPromptResult = Lens__V1__PromptResult
typealias CPrediction = Lens__V1__Prediction

// hooks.proto
typealias CHookedRunMessage = Lens__V1__HookedRunMessage
typealias CHookedRunRequest = Lens__V1__HookedRunRequest
typealias CHookedRunEvent = Lens__V1__HookedRunEvent
typealias CHookedRunStart = Lens__V1__HookedRunStart
typealias CHookEvent = Lens__V1__HookEvent
typealias CHookedActivation = Lens__V1__HookedActivation
typealias CTensorShape = Lens__V1__TensorShape
typealias CHookAnswer = Lens__V1__HookAnswer
typealias CHookUnchanged = Lens__V1__HookUnchanged
typealias CHookReplacement = Lens__V1__HookReplacement

// gradients.proto
typealias CGradientMessage = Lens__V1__GradientMessage
typealias CGradientRequest = Lens__V1__GradientRequest
typealias CGradientTerm = Lens__V1__GradientTerm
typealias CLossTerm = Lens__V1__LossTerm
typealias CPredictionTerm = Lens__V1__PredictionTerm
typealias CGradientEvent = Lens__V1__GradientEvent
typealias CGradientStart = Lens__V1__GradientStart

// inference.proto
typealias CTokenizeRequest = Lens__V1__TokenizeRequest
typealias CTokenizeReply = Lens__V1__TokenizeReply
typealias CQueryRequest = Lens__V1__QueryRequest
typealias CPassSource = Lens__V1__PassSource
typealias CQueryEvent = Lens__V1__QueryEvent
typealias CTensorHeader = Lens__V1__TensorHeader
typealias CScoreHeadsRequest = Lens__V1__ScoreHeadsRequest
typealias CScoreHeadsReply = Lens__V1__ScoreHeadsReply
typealias CHeadScores = Lens__V1__HeadScores
typealias CHeadFinding = Lens__V1__HeadFinding

// heads.proto
typealias CHeadAtlasRequest = Lens__V1__HeadAtlasRequest
typealias CHeadAblation = Lens__V1__HeadAblation
typealias CHeadAtlasEvent = Lens__V1__HeadAtlasEvent
typealias CHeadAtlasProgress = Lens__V1__HeadAtlasProgress
typealias CHeadAtlasHeader = Lens__V1__HeadAtlasHeader
typealias CHeadProfileList = Lens__V1__HeadProfileList
typealias CHeadProfile = Lens__V1__HeadProfile
typealias CRepeatScores = Lens__V1__RepeatScores
typealias CTokenPair = Lens__V1__TokenPair

// analyses.proto
typealias CAnalyzedPass = Lens__V1__AnalyzedPass
typealias CComponentKind = Lens__V1__ComponentKind
typealias CResidualComponent = Lens__V1__ResidualComponent
typealias CSplitDetail = Lens__V1__SplitDetail
typealias CSplitScoreRequest = Lens__V1__SplitScoreRequest
typealias CSplitScoreReply = Lens__V1__SplitScoreReply
typealias CScorePair = Lens__V1__ScorePair
typealias CLogitLensRequest = Lens__V1__LogitLensRequest
typealias CLogitLensReply = Lens__V1__LogitLensReply
typealias CPromptLens = Lens__V1__PromptLens
typealias CAttributionDetail = Lens__V1__AttributionDetail
typealias CAttributeRequest = Lens__V1__AttributeRequest
typealias CAttributeReply = Lens__V1__AttributeReply
typealias CPromptAttribution = Lens__V1__PromptAttribution
typealias CReductionKind = Lens__V1__ReductionKind
typealias CReduction = Lens__V1__Reduction
typealias CReduceRequest = Lens__V1__ReduceRequest
typealias CReduceReply = Lens__V1__ReduceReply
typealias CReducedPrompt = Lens__V1__ReducedPrompt
typealias CReducedActivation = Lens__V1__ReducedActivation
typealias CDetectedHead = Lens__V1__DetectedHead
typealias CDetectionMeasure = Lens__V1__DetectionMeasure
typealias CDetectHeadsRequest = Lens__V1__DetectHeadsRequest
typealias CDetectHeadsReply = Lens__V1__DetectHeadsReply
typealias CHeadDetection = Lens__V1__HeadDetection
typealias CScoreInductionRequest = Lens__V1__ScoreInductionRequest
typealias CScoreInductionReply = Lens__V1__ScoreInductionReply

// sweeps.proto
typealias CSweepRequest = Lens__V1__SweepRequest
typealias CSweepAxis = Lens__V1__SweepAxis
typealias CMetric = Lens__V1__Metric
typealias CMetricKind = Lens__V1__MetricKind
typealias CSweepPath = Lens__V1__SweepPath
typealias CPathReceiver = Lens__V1__PathReceiver
typealias CSweepEvent = Lens__V1__SweepEvent
typealias CSweepProgress = Lens__V1__SweepProgress
typealias CSweepReply = Lens__V1__SweepReply
typealias CSweptAxis = Lens__V1__SweptAxis
typealias CMetricBaseline = Lens__V1__MetricBaseline
typealias CSweepValues = Lens__V1__SweepValues

// weights.proto
typealias CListParametersRequest = Lens__V1__ListParametersRequest
typealias CListParametersReply = Lens__V1__ListParametersReply
typealias CParameterShape = Lens__V1__ParameterShape
typealias CParameterRequest = Lens__V1__ParameterRequest
typealias CWeightEvent = Lens__V1__WeightEvent
typealias CWeightHeader = Lens__V1__WeightHeader
typealias CWeightProgress = Lens__V1__WeightProgress
typealias CCircuitKind = Lens__V1__CircuitKind
typealias CHeadPlace = Lens__V1__HeadPlace
typealias CCircuitRequest = Lens__V1__CircuitRequest
typealias CCircuitEvent = Lens__V1__CircuitEvent
typealias CCircuitHeader = Lens__V1__CircuitHeader
typealias CHeadCircuit = Lens__V1__HeadCircuit
typealias CCircuitEntryList = Lens__V1__CircuitEntryList
typealias CCircuitEntry = Lens__V1__CircuitEntry
typealias CCompositionKind = Lens__V1__CompositionKind
typealias CCompositionRequest = Lens__V1__CompositionRequest

// models.proto, daemon.proto
typealias CListModelsRequest = Lens__V1__ListModelsRequest
typealias CListModelsReply = Lens__V1__ListModelsReply
typealias CDescribeModelRequest = Lens__V1__DescribeModelRequest
typealias CDescribeModelReply = Lens__V1__DescribeModelReply
typealias CLoadModelRequest = Lens__V1__LoadModelRequest
typealias CLoadModelEvent = Lens__V1__LoadModelEvent
typealias CLoadProgress = Lens__V1__LoadProgress
typealias CUnloadModelRequest = Lens__V1__UnloadModelRequest
typealias CUnloadModelReply = Lens__V1__UnloadModelReply
typealias CRenameModelRequest = Lens__V1__RenameModelRequest
typealias CRenameModelReply = Lens__V1__RenameModelReply
typealias CModelState = Lens__V1__ModelState
typealias CHookShape = Lens__V1__HookShape
typealias CHookAxis = Lens__V1__HookAxis
typealias CProcessingStep = Lens__V1__ProcessingStep
typealias CResidency = Lens__V1__Residency
typealias CModelConfiguration = Lens__V1__ModelConfiguration
typealias CRotary = Lens__V1__Rotary
typealias CModelDescription = Lens__V1__ModelDescription
typealias CHookPointDescription = Lens__V1__HookPointDescription
typealias CDaemonStatusRequest = Lens__V1__DaemonStatusRequest
typealias CDaemonStatusReply = Lens__V1__DaemonStatusReply
typealias CSharedAmounts = Lens__V1__SharedAmounts
typealias CUsageRequest = Lens__V1__UsageRequest
typealias CUsageReply = Lens__V1__UsageReply
typealias CUserUsage = Lens__V1__UserUsage
typealias CActivityRequest = Lens__V1__ActivityRequest
typealias CActivityReply = Lens__V1__ActivityReply
typealias CCallInFlight = Lens__V1__CallInFlight
typealias CEngineTotals = Lens__V1__EngineTotals

// sessions.proto, reports.proto
typealias CListSessionsRequest = Lens__V1__ListSessionsRequest
typealias CListSessionsReply = Lens__V1__ListSessionsReply
typealias CShowSessionRequest = Lens__V1__ShowSessionRequest
typealias CShowSessionReply = Lens__V1__ShowSessionReply
typealias CDeleteSessionRequest = Lens__V1__DeleteSessionRequest
typealias CDeleteSessionReply = Lens__V1__DeleteSessionReply
typealias CSessionSummary = Lens__V1__SessionSummary
typealias CRunSummary = Lens__V1__RunSummary
typealias CCreateSessionRequest = Lens__V1__CreateSessionRequest
typealias CCreateSessionReply = Lens__V1__CreateSessionReply
typealias CRenameSessionRequest = Lens__V1__RenameSessionRequest
typealias CRenameSessionReply = Lens__V1__RenameSessionReply
typealias CShareSessionRequest = Lens__V1__ShareSessionRequest
typealias CListGrantsRequest = Lens__V1__ListGrantsRequest
typealias CGrantsReply = Lens__V1__GrantsReply
typealias CSessionGrant = Lens__V1__SessionGrant
typealias CSetNoteRequest = Lens__V1__SetNoteRequest
typealias CSetNoteReply = Lens__V1__SetNoteReply
typealias CSearchSessionsRequest = Lens__V1__SearchSessionsRequest
typealias CSearchSessionsReply = Lens__V1__SearchSessionsReply
typealias CSweepEffect = Lens__V1__SweepEffect
typealias CExportSessionRequest = Lens__V1__ExportSessionRequest
typealias CExportEvent = Lens__V1__ExportEvent
typealias CExportedSession = Lens__V1__ExportedSession
typealias CSessionFilePart = Lens__V1__SessionFilePart
typealias CImportMessage = Lens__V1__ImportMessage
typealias CImportStart = Lens__V1__ImportStart
typealias CImportEvent = Lens__V1__ImportEvent
typealias CReplaySessionRequest = Lens__V1__ReplaySessionRequest
typealias CReplayEvent = Lens__V1__ReplayEvent
typealias CReplayProgress = Lens__V1__ReplayProgress
typealias CReplayedRun = Lens__V1__ReplayedRun
typealias CSessionReportRequest = Lens__V1__SessionReportRequest
typealias CAttentionPageRequest = Lens__V1__AttentionPageRequest
typealias CPageChunk = Lens__V1__PageChunk

// store.proto
typealias CStoreUsageRequest = Lens__V1__StoreUsageRequest
typealias CStoreUsageReply = Lens__V1__StoreUsageReply
typealias CStoredAccount = Lens__V1__StoredAccount
typealias CAccountChoice = Lens__V1__AccountChoice
typealias CPurgeRequest = Lens__V1__PurgeRequest
typealias CPurgeReply = Lens__V1__PurgeReply
typealias CReassignRequest = Lens__V1__ReassignRequest
typealias CCheckStoreRequest = Lens__V1__CheckStoreRequest
typealias CCheckStoreReply = Lens__V1__CheckStoreReply
typealias CBackupRequest = Lens__V1__BackupRequest
typealias CBackupEvent = Lens__V1__BackupEvent

extension CClientFrame: CMessage { static var reset: CReset<Self> { lens__v1__client_frame__init } }
extension CServerFrame: CMessage { static var reset: CReset<Self> { lens__v1__server_frame__init } }
extension CClientHello: CMessage { static var reset: CReset<Self> { lens__v1__client_hello__init } }
extension CServerHello: CMessage { static var reset: CReset<Self> { lens__v1__server_hello__init } }
extension CStartCall: CMessage { static var reset: CReset<Self> { lens__v1__start_call__init } }
extension CEndStream: CMessage { static var reset: CReset<Self> { lens__v1__end_stream__init } }
extension CCancelCall: CMessage { static var reset: CReset<Self> { lens__v1__cancel_call__init } }
extension CCredit: CMessage { static var reset: CReset<Self> { lens__v1__credit__init } }
extension CPing: CMessage { static var reset: CReset<Self> { lens__v1__ping__init } }
extension CPong: CMessage { static var reset: CReset<Self> { lens__v1__pong__init } }
extension CHeartbeat: CMessage { static var reset: CReset<Self> { lens__v1__heartbeat__init } }
extension CStatus: CMessage { static var reset: CReset<Self> { lens__v1__status__init } }
extension CToken: CMessage { static var reset: CReset<Self> { lens__v1__token__init } }
extension CTokenList: CMessage { static var reset: CReset<Self> { lens__v1__token_list__init } }
extension CPrompt: CMessage { static var reset: CReset<Self> { lens__v1__prompt__init } }
extension CTextPrompt: CMessage { static var reset: CReset<Self> { lens__v1__text_prompt__init } }
extension CTokenPrompt: CMessage { static var reset: CReset<Self> { lens__v1__token_prompt__init } }
extension CIntervention: CMessage { static var reset: CReset<Self> { lens__v1__intervention__init } }
extension CIndices: CMessage { static var reset: CReset<Self> { lens__v1__indices__init } }
extension CIndexList: CMessage { static var reset: CReset<Self> { lens__v1__index_list__init } }
extension COperand: CMessage { static var reset: CReset<Self> { lens__v1__operand__init } }
extension CEditSource: CMessage { static var reset: CReset<Self> { lens__v1__edit_source__init } }
extension CPromptList: CMessage { static var reset: CReset<Self> { lens__v1__prompt_list__init } }
extension CSlice: CMessage { static var reset: CReset<Self> { lens__v1__slice__init } }
extension CSliceEntry: CMessage { static var reset: CReset<Self> { lens__v1__slice_entry__init } }
extension CSliceRange: CMessage { static var reset: CReset<Self> { lens__v1__slice_range__init } }
extension CEllipsis: CMessage { static var reset: CReset<Self> { lens__v1__ellipsis__init } }
extension CGradientMessage: CMessage { static var reset: CReset<Self> { lens__v1__gradient_message__init } }
extension CGradientRequest: CMessage { static var reset: CReset<Self> { lens__v1__gradient_request__init } }
extension CGradientTerm: CMessage { static var reset: CReset<Self> { lens__v1__gradient_term__init } }
extension CLossTerm: CMessage { static var reset: CReset<Self> { lens__v1__loss_term__init } }
extension CPredictionTerm: CMessage { static var reset: CReset<Self> { lens__v1__prediction_term__init } }
extension CGradientEvent: CMessage { static var reset: CReset<Self> { lens__v1__gradient_event__init } }
extension CGradientStart: CMessage { static var reset: CReset<Self> { lens__v1__gradient_start__init } }
extension CTokenizeRequest: CMessage { static var reset: CReset<Self> { lens__v1__tokenize_request__init } }
extension CTokenizeReply: CMessage { static var reset: CReset<Self> { lens__v1__tokenize_reply__init } }
extension CRunRequest: CMessage { static var reset: CReset<Self> { lens__v1__run_request__init } }
extension CRunReply: CMessage { static var reset: CReset<Self> { lens__v1__run_reply__init } }
extension CModelStamp: CMessage { static var reset: CReset<Self> { lens__v1__model_stamp__init } }
extension CPromptResult: CMessage { static var reset: CReset<Self> { lens__v1__prompt_result__init } }
extension CPrediction: CMessage { static var reset: CReset<Self> { lens__v1__prediction__init } }
extension CHookedRunMessage: CMessage { static var reset: CReset<Self> { lens__v1__hooked_run_message__init } }
extension CHookedRunRequest: CMessage { static var reset: CReset<Self> { lens__v1__hooked_run_request__init } }
extension CHookedRunEvent: CMessage { static var reset: CReset<Self> { lens__v1__hooked_run_event__init } }
extension CHookedRunStart: CMessage { static var reset: CReset<Self> { lens__v1__hooked_run_start__init } }
extension CHookEvent: CMessage { static var reset: CReset<Self> { lens__v1__hook_event__init } }
extension CHookedActivation: CMessage { static var reset: CReset<Self> { lens__v1__hooked_activation__init } }
extension CTensorShape: CMessage { static var reset: CReset<Self> { lens__v1__tensor_shape__init } }
extension CHookAnswer: CMessage { static var reset: CReset<Self> { lens__v1__hook_answer__init } }
extension CHookUnchanged: CMessage { static var reset: CReset<Self> { lens__v1__hook_unchanged__init } }
extension CHookReplacement: CMessage { static var reset: CReset<Self> { lens__v1__hook_replacement__init } }
extension CQueryRequest: CMessage { static var reset: CReset<Self> { lens__v1__query_request__init } }
extension CPassSource: CMessage { static var reset: CReset<Self> { lens__v1__pass_source__init } }
extension CQueryEvent: CMessage { static var reset: CReset<Self> { lens__v1__query_event__init } }
extension CTensorHeader: CMessage { static var reset: CReset<Self> { lens__v1__tensor_header__init } }
extension CAnalyzedPass: CMessage { static var reset: CReset<Self> { lens__v1__analyzed_pass__init } }
extension CResidualComponent: CMessage { static var reset: CReset<Self> { lens__v1__residual_component__init } }
extension CSplitScoreRequest: CMessage { static var reset: CReset<Self> { lens__v1__split_score_request__init } }
extension CSplitScoreReply: CMessage { static var reset: CReset<Self> { lens__v1__split_score_reply__init } }
extension CScorePair: CMessage { static var reset: CReset<Self> { lens__v1__score_pair__init } }
extension CLogitLensRequest: CMessage { static var reset: CReset<Self> { lens__v1__logit_lens_request__init } }
extension CLogitLensReply: CMessage { static var reset: CReset<Self> { lens__v1__logit_lens_reply__init } }
extension CPromptLens: CMessage { static var reset: CReset<Self> { lens__v1__prompt_lens__init } }
extension CAttributeRequest: CMessage { static var reset: CReset<Self> { lens__v1__attribute_request__init } }
extension CAttributeReply: CMessage { static var reset: CReset<Self> { lens__v1__attribute_reply__init } }
extension CPromptAttribution: CMessage { static var reset: CReset<Self> { lens__v1__prompt_attribution__init } }
extension CReduction: CMessage { static var reset: CReset<Self> { lens__v1__reduction__init } }
extension CReduceRequest: CMessage { static var reset: CReset<Self> { lens__v1__reduce_request__init } }
extension CReduceReply: CMessage { static var reset: CReset<Self> { lens__v1__reduce_reply__init } }
extension CReducedPrompt: CMessage { static var reset: CReset<Self> { lens__v1__reduced_prompt__init } }
extension CReducedActivation: CMessage { static var reset: CReset<Self> { lens__v1__reduced_activation__init } }
extension CDetectHeadsRequest: CMessage { static var reset: CReset<Self> { lens__v1__detect_heads_request__init } }
extension CDetectHeadsReply: CMessage { static var reset: CReset<Self> { lens__v1__detect_heads_reply__init } }
extension CHeadDetection: CMessage { static var reset: CReset<Self> { lens__v1__head_detection__init } }
extension CScoreInductionRequest: CMessage {
    static var reset: CReset<Self> { lens__v1__score_induction_request__init }
}
extension CScoreInductionReply: CMessage { static var reset: CReset<Self> { lens__v1__score_induction_reply__init } }
extension CSweepRequest: CMessage { static var reset: CReset<Self> { lens__v1__sweep_request__init } }
extension CSweepEvent: CMessage { static var reset: CReset<Self> { lens__v1__sweep_event__init } }
extension CSweepProgress: CMessage { static var reset: CReset<Self> { lens__v1__sweep_progress__init } }
extension CSweepReply: CMessage { static var reset: CReset<Self> { lens__v1__sweep_reply__init } }
extension CMetric: CMessage { static var reset: CReset<Self> { lens__v1__metric__init } }
extension CSweepPath: CMessage { static var reset: CReset<Self> { lens__v1__sweep_path__init } }
extension CPathReceiver: CMessage { static var reset: CReset<Self> { lens__v1__path_receiver__init } }
extension CSweptAxis: CMessage { static var reset: CReset<Self> { lens__v1__swept_axis__init } }
extension CMetricBaseline: CMessage { static var reset: CReset<Self> { lens__v1__metric_baseline__init } }
extension CSweepValues: CMessage { static var reset: CReset<Self> { lens__v1__sweep_values__init } }
extension CScoreHeadsRequest: CMessage { static var reset: CReset<Self> { lens__v1__score_heads_request__init } }
extension CScoreHeadsReply: CMessage { static var reset: CReset<Self> { lens__v1__score_heads_reply__init } }
extension CHeadScores: CMessage { static var reset: CReset<Self> { lens__v1__head_scores__init } }
extension CHeadFinding: CMessage { static var reset: CReset<Self> { lens__v1__head_finding__init } }
extension CHeadAtlasRequest: CMessage { static var reset: CReset<Self> { lens__v1__head_atlas_request__init } }
extension CHeadAtlasEvent: CMessage { static var reset: CReset<Self> { lens__v1__head_atlas_event__init } }
extension CHeadAtlasProgress: CMessage { static var reset: CReset<Self> { lens__v1__head_atlas_progress__init } }
extension CHeadAtlasHeader: CMessage { static var reset: CReset<Self> { lens__v1__head_atlas_header__init } }
extension CHeadProfileList: CMessage { static var reset: CReset<Self> { lens__v1__head_profile_list__init } }
extension CHeadProfile: CMessage { static var reset: CReset<Self> { lens__v1__head_profile__init } }
extension CRepeatScores: CMessage { static var reset: CReset<Self> { lens__v1__repeat_scores__init } }
extension CTokenPair: CMessage { static var reset: CReset<Self> { lens__v1__token_pair__init } }
extension CListModelsRequest: CMessage { static var reset: CReset<Self> { lens__v1__list_models_request__init } }
extension CListModelsReply: CMessage { static var reset: CReset<Self> { lens__v1__list_models_reply__init } }
extension CDescribeModelRequest: CMessage { static var reset: CReset<Self> { lens__v1__describe_model_request__init } }
extension CDescribeModelReply: CMessage { static var reset: CReset<Self> { lens__v1__describe_model_reply__init } }
extension CLoadModelRequest: CMessage { static var reset: CReset<Self> { lens__v1__load_model_request__init } }
extension CLoadModelEvent: CMessage { static var reset: CReset<Self> { lens__v1__load_model_event__init } }
extension CLoadProgress: CMessage { static var reset: CReset<Self> { lens__v1__load_progress__init } }
extension CUnloadModelRequest: CMessage { static var reset: CReset<Self> { lens__v1__unload_model_request__init } }
extension CUnloadModelReply: CMessage { static var reset: CReset<Self> { lens__v1__unload_model_reply__init } }
extension CRenameModelRequest: CMessage { static var reset: CReset<Self> { lens__v1__rename_model_request__init } }
extension CRenameModelReply: CMessage { static var reset: CReset<Self> { lens__v1__rename_model_reply__init } }
extension CModelState: CMessage { static var reset: CReset<Self> { lens__v1__model_state__init } }
extension CHookShape: CMessage { static var reset: CReset<Self> { lens__v1__hook_shape__init } }
extension CHookAxis: CMessage { static var reset: CReset<Self> { lens__v1__hook_axis__init } }
extension CProcessingStep: CMessage { static var reset: CReset<Self> { lens__v1__processing_step__init } }
extension CModelConfiguration: CMessage { static var reset: CReset<Self> { lens__v1__model_configuration__init } }
extension CRotary: CMessage { static var reset: CReset<Self> { lens__v1__rotary__init } }
extension CModelDescription: CMessage { static var reset: CReset<Self> { lens__v1__model_description__init } }
extension CHookPointDescription: CMessage { static var reset: CReset<Self> { lens__v1__hook_point_description__init } }
extension CDaemonStatusRequest: CMessage { static var reset: CReset<Self> { lens__v1__daemon_status_request__init } }
extension CDaemonStatusReply: CMessage { static var reset: CReset<Self> { lens__v1__daemon_status_reply__init } }
extension CSharedAmounts: CMessage { static var reset: CReset<Self> { lens__v1__shared_amounts__init } }
extension CUsageRequest: CMessage { static var reset: CReset<Self> { lens__v1__usage_request__init } }
extension CUsageReply: CMessage { static var reset: CReset<Self> { lens__v1__usage_reply__init } }
extension CUserUsage: CMessage { static var reset: CReset<Self> { lens__v1__user_usage__init } }
extension CActivityRequest: CMessage { static var reset: CReset<Self> { lens__v1__activity_request__init } }
extension CActivityReply: CMessage { static var reset: CReset<Self> { lens__v1__activity_reply__init } }
extension CCallInFlight: CMessage { static var reset: CReset<Self> { lens__v1__call_in_flight__init } }
extension CEngineTotals: CMessage { static var reset: CReset<Self> { lens__v1__engine_totals__init } }
extension CListSessionsRequest: CMessage { static var reset: CReset<Self> { lens__v1__list_sessions_request__init } }
extension CListSessionsReply: CMessage { static var reset: CReset<Self> { lens__v1__list_sessions_reply__init } }
extension CShowSessionRequest: CMessage { static var reset: CReset<Self> { lens__v1__show_session_request__init } }
extension CShowSessionReply: CMessage { static var reset: CReset<Self> { lens__v1__show_session_reply__init } }
extension CDeleteSessionRequest: CMessage { static var reset: CReset<Self> { lens__v1__delete_session_request__init } }
extension CDeleteSessionReply: CMessage { static var reset: CReset<Self> { lens__v1__delete_session_reply__init } }
extension CSessionSummary: CMessage { static var reset: CReset<Self> { lens__v1__session_summary__init } }
extension CRunSummary: CMessage { static var reset: CReset<Self> { lens__v1__run_summary__init } }
extension CCreateSessionRequest: CMessage { static var reset: CReset<Self> { lens__v1__create_session_request__init } }
extension CCreateSessionReply: CMessage { static var reset: CReset<Self> { lens__v1__create_session_reply__init } }
extension CRenameSessionRequest: CMessage { static var reset: CReset<Self> { lens__v1__rename_session_request__init } }
extension CRenameSessionReply: CMessage { static var reset: CReset<Self> { lens__v1__rename_session_reply__init } }
extension CShareSessionRequest: CMessage { static var reset: CReset<Self> { lens__v1__share_session_request__init } }
extension CListGrantsRequest: CMessage { static var reset: CReset<Self> { lens__v1__list_grants_request__init } }
extension CGrantsReply: CMessage { static var reset: CReset<Self> { lens__v1__grants_reply__init } }
extension CSessionGrant: CMessage { static var reset: CReset<Self> { lens__v1__session_grant__init } }
extension CSetNoteRequest: CMessage { static var reset: CReset<Self> { lens__v1__set_note_request__init } }
extension CSetNoteReply: CMessage { static var reset: CReset<Self> { lens__v1__set_note_reply__init } }
extension CSearchSessionsRequest: CMessage {
    static var reset: CReset<Self> { lens__v1__search_sessions_request__init }
}
extension CSearchSessionsReply: CMessage { static var reset: CReset<Self> { lens__v1__search_sessions_reply__init } }
extension CSweepEffect: CMessage { static var reset: CReset<Self> { lens__v1__sweep_effect__init } }
extension CExportSessionRequest: CMessage { static var reset: CReset<Self> { lens__v1__export_session_request__init } }
extension CExportEvent: CMessage { static var reset: CReset<Self> { lens__v1__export_event__init } }
extension CExportedSession: CMessage { static var reset: CReset<Self> { lens__v1__exported_session__init } }
extension CSessionFilePart: CMessage { static var reset: CReset<Self> { lens__v1__session_file_part__init } }
extension CImportMessage: CMessage { static var reset: CReset<Self> { lens__v1__import_message__init } }
extension CImportStart: CMessage { static var reset: CReset<Self> { lens__v1__import_start__init } }
extension CImportEvent: CMessage { static var reset: CReset<Self> { lens__v1__import_event__init } }
extension CReplaySessionRequest: CMessage { static var reset: CReset<Self> { lens__v1__replay_session_request__init } }
extension CReplayEvent: CMessage { static var reset: CReset<Self> { lens__v1__replay_event__init } }
extension CReplayProgress: CMessage { static var reset: CReset<Self> { lens__v1__replay_progress__init } }
extension CReplayedRun: CMessage { static var reset: CReset<Self> { lens__v1__replayed_run__init } }
extension CSessionReportRequest: CMessage { static var reset: CReset<Self> { lens__v1__session_report_request__init } }
extension CAttentionPageRequest: CMessage { static var reset: CReset<Self> { lens__v1__attention_page_request__init } }
extension CPageChunk: CMessage { static var reset: CReset<Self> { lens__v1__page_chunk__init } }
extension CGenerateRequest: CMessage { static var reset: CReset<Self> { lens__v1__generate_request__init } }
extension CGenerationOptions: CMessage { static var reset: CReset<Self> { lens__v1__generation_options__init } }
extension CGenerateEvent: CMessage { static var reset: CReset<Self> { lens__v1__generate_event__init } }
extension CGeneratedBatch: CMessage { static var reset: CReset<Self> { lens__v1__generated_batch__init } }
extension CGeneratedTokens: CMessage { static var reset: CReset<Self> { lens__v1__generated_tokens__init } }
extension CGeneration: CMessage { static var reset: CReset<Self> { lens__v1__generation__init } }
extension CGenerationEnd: CMessage { static var reset: CReset<Self> { lens__v1__generation_end__init } }
extension CHookedGenerateMessage: CMessage {
    static var reset: CReset<Self> { lens__v1__hooked_generate_message__init }
}
extension CHookedGenerateRequest: CMessage {
    static var reset: CReset<Self> { lens__v1__hooked_generate_request__init }
}
extension CHookedGenerateEvent: CMessage { static var reset: CReset<Self> { lens__v1__hooked_generate_event__init } }
extension CStoreUsageRequest: CMessage { static var reset: CReset<Self> { lens__v1__store_usage_request__init } }
extension CStoreUsageReply: CMessage { static var reset: CReset<Self> { lens__v1__store_usage_reply__init } }
extension CStoredAccount: CMessage { static var reset: CReset<Self> { lens__v1__stored_account__init } }
extension CAccountChoice: CMessage { static var reset: CReset<Self> { lens__v1__account_choice__init } }
extension CPurgeRequest: CMessage { static var reset: CReset<Self> { lens__v1__purge_request__init } }
extension CPurgeReply: CMessage { static var reset: CReset<Self> { lens__v1__purge_reply__init } }
extension CReassignRequest: CMessage { static var reset: CReset<Self> { lens__v1__reassign_request__init } }
extension CCheckStoreRequest: CMessage { static var reset: CReset<Self> { lens__v1__check_store_request__init } }
extension CCheckStoreReply: CMessage { static var reset: CReset<Self> { lens__v1__check_store_reply__init } }
extension CBackupRequest: CMessage { static var reset: CReset<Self> { lens__v1__backup_request__init } }
extension CBackupEvent: CMessage { static var reset: CReset<Self> { lens__v1__backup_event__init } }
extension CListParametersRequest: CMessage {
    static var reset: CReset<Self> { lens__v1__list_parameters_request__init }
}
extension CListParametersReply: CMessage { static var reset: CReset<Self> { lens__v1__list_parameters_reply__init } }
extension CParameterShape: CMessage { static var reset: CReset<Self> { lens__v1__parameter_shape__init } }
extension CParameterRequest: CMessage { static var reset: CReset<Self> { lens__v1__parameter_request__init } }
extension CWeightEvent: CMessage { static var reset: CReset<Self> { lens__v1__weight_event__init } }
extension CWeightHeader: CMessage { static var reset: CReset<Self> { lens__v1__weight_header__init } }
extension CWeightProgress: CMessage { static var reset: CReset<Self> { lens__v1__weight_progress__init } }
extension CHeadPlace: CMessage { static var reset: CReset<Self> { lens__v1__head_place__init } }
extension CCircuitRequest: CMessage { static var reset: CReset<Self> { lens__v1__circuit_request__init } }
extension CCircuitEvent: CMessage { static var reset: CReset<Self> { lens__v1__circuit_event__init } }
extension CCircuitHeader: CMessage { static var reset: CReset<Self> { lens__v1__circuit_header__init } }
extension CHeadCircuit: CMessage { static var reset: CReset<Self> { lens__v1__head_circuit__init } }
extension CCircuitEntryList: CMessage { static var reset: CReset<Self> { lens__v1__circuit_entry_list__init } }
extension CCircuitEntry: CMessage { static var reset: CReset<Self> { lens__v1__circuit_entry__init } }
extension CCompositionRequest: CMessage { static var reset: CReset<Self> { lens__v1__composition_request__init } }
