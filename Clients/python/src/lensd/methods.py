"""The methods that the client calls, each with what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from google.protobuf.message import Message

from lensd._proto import (
    analyses_pb2,
    daemon_pb2,
    generation_pb2,
    gradients_pb2,
    heads_pb2,
    hooks_pb2,
    inference_pb2,
    models_pb2,
    reports_pb2,
    run_pb2,
    sessions_pb2,
    store_pb2,
    sweeps_pb2,
    weights_pb2,
)

Request = TypeVar("Request", bound=Message)
Reply = TypeVar("Reply", bound=Message)


@dataclass(frozen=True)
class Method(Generic[Request, Reply]):
    """A method such as `/lens.v1.Inference/Run`: what it is asked and what one message of its answer is."""

    path: str
    request: type[Request]
    reply: type[Reply]


# The daemon itself.
STATUS = Method("/lens.v1.Daemon/Status", daemon_pb2.DaemonStatusRequest, daemon_pb2.DaemonStatusReply)
USAGE = Method("/lens.v1.Daemon/Usage", daemon_pb2.UsageRequest, daemon_pb2.UsageReply)
ACTIVITY = Method("/lens.v1.Daemon/Activity", daemon_pb2.ActivityRequest, daemon_pb2.ActivityReply)

# Which models there are, and which of them are in memory. Describing one loads it where it is not resident.
LIST_MODELS = Method("/lens.v1.Models/List", models_pb2.ListModelsRequest, models_pb2.ListModelsReply)
DESCRIBE = Method("/lens.v1.Models/Describe", models_pb2.DescribeModelRequest, models_pb2.DescribeModelReply)
LOAD = Method("/lens.v1.Models/Load", models_pb2.LoadModelRequest, models_pb2.LoadModelEvent)
UNLOAD = Method("/lens.v1.Models/Unload", models_pb2.UnloadModelRequest, models_pb2.UnloadModelReply)
RENAME = Method("/lens.v1.Models/Rename", models_pb2.RenameModelRequest, models_pb2.RenameModelReply)

# Tokens, passes, activations, sweeps. Of the hooked ones a start goes first, then an answer to each stop of the pass.
TOKENIZE = Method("/lens.v1.Inference/Tokenize", inference_pb2.TokenizeRequest, inference_pb2.TokenizeReply)
RUN = Method("/lens.v1.Inference/Run", run_pb2.RunRequest, run_pb2.RunReply)
RUN_HOOKED = Method("/lens.v1.Inference/RunHooked", hooks_pb2.HookedRunMessage, hooks_pb2.HookedRunEvent)
GRADIENT = Method("/lens.v1.Inference/Gradient", gradients_pb2.GradientMessage, gradients_pb2.GradientEvent)
QUERY = Method("/lens.v1.Inference/Query", inference_pb2.QueryRequest, inference_pb2.QueryEvent)
SWEEP = Method("/lens.v1.Inference/Sweep", sweeps_pb2.SweepRequest, sweeps_pb2.SweepEvent)
GENERATE = Method("/lens.v1.Inference/Generate", generation_pb2.GenerateRequest, generation_pb2.GenerateEvent)
GENERATE_HOOKED = Method(
    "/lens.v1.Inference/GenerateHooked", generation_pb2.HookedGenerateMessage, generation_pb2.HookedGenerateEvent
)
SCORE_HEADS = Method("/lens.v1.Inference/ScoreHeads", inference_pb2.ScoreHeadsRequest, inference_pb2.ScoreHeadsReply)

# What a pass's activations say.
SPLIT_SCORE = Method("/lens.v1.Analyses/SplitScore", analyses_pb2.SplitScoreRequest, analyses_pb2.SplitScoreReply)
LOGIT_LENS = Method("/lens.v1.Analyses/LogitLens", analyses_pb2.LogitLensRequest, analyses_pb2.LogitLensReply)
ATTRIBUTE = Method("/lens.v1.Analyses/Attribute", analyses_pb2.AttributeRequest, analyses_pb2.AttributeReply)
REDUCE = Method("/lens.v1.Analyses/Reduce", analyses_pb2.ReduceRequest, analyses_pb2.ReduceReply)
DETECT_HEADS = Method("/lens.v1.Analyses/DetectHeads", analyses_pb2.DetectHeadsRequest, analyses_pb2.DetectHeadsReply)
SCORE_INDUCTION = Method(
    "/lens.v1.Analyses/ScoreInduction", analyses_pb2.ScoreInductionRequest, analyses_pb2.ScoreInductionReply
)

# What heads do.
HEAD_ATLAS = Method("/lens.v1.Heads/Atlas", heads_pb2.HeadAtlasRequest, heads_pb2.HeadAtlasEvent)

# A model's weights.
LIST_PARAMETERS = Method(
    "/lens.v1.Weights/ListParameters", weights_pb2.ListParametersRequest, weights_pb2.ListParametersReply
)
PARAMETER = Method("/lens.v1.Weights/Parameter", weights_pb2.ParameterRequest, weights_pb2.WeightEvent)
CIRCUITS = Method("/lens.v1.Weights/Circuits", weights_pb2.CircuitRequest, weights_pb2.CircuitEvent)
COMPOSITION_SCORES = Method(
    "/lens.v1.Weights/CompositionScores", weights_pb2.CompositionRequest, weights_pb2.WeightEvent
)

# Named workspaces of the calling user, and those that others share with him.
LIST_SESSIONS = Method("/lens.v1.Sessions/List", sessions_pb2.ListSessionsRequest, sessions_pb2.ListSessionsReply)
SHOW_SESSION = Method("/lens.v1.Sessions/Show", sessions_pb2.ShowSessionRequest, sessions_pb2.ShowSessionReply)
CREATE_SESSION = Method("/lens.v1.Sessions/Create", sessions_pb2.CreateSessionRequest, sessions_pb2.CreateSessionReply)
RENAME_SESSION = Method("/lens.v1.Sessions/Rename", sessions_pb2.RenameSessionRequest, sessions_pb2.RenameSessionReply)
DELETE_SESSION = Method("/lens.v1.Sessions/Delete", sessions_pb2.DeleteSessionRequest, sessions_pb2.DeleteSessionReply)
SHARE_SESSION = Method("/lens.v1.Sessions/Share", sessions_pb2.ShareSessionRequest, sessions_pb2.GrantsReply)
UNSHARE_SESSION = Method("/lens.v1.Sessions/Unshare", sessions_pb2.ShareSessionRequest, sessions_pb2.GrantsReply)
LIST_GRANTS = Method("/lens.v1.Sessions/ListGrants", sessions_pb2.ListGrantsRequest, sessions_pb2.GrantsReply)
SET_NOTE = Method("/lens.v1.Sessions/SetNote", sessions_pb2.SetNoteRequest, sessions_pb2.SetNoteReply)
SEARCH_SESSIONS = Method(
    "/lens.v1.Sessions/Search", sessions_pb2.SearchSessionsRequest, sessions_pb2.SearchSessionsReply
)
EXPORT_SESSION = Method("/lens.v1.Sessions/Export", sessions_pb2.ExportSessionRequest, sessions_pb2.ExportEvent)
IMPORT_SESSION = Method("/lens.v1.Sessions/Import", sessions_pb2.ImportMessage, sessions_pb2.ImportEvent)
REPLAY_SESSION = Method("/lens.v1.Sessions/Replay", sessions_pb2.ReplaySessionRequest, sessions_pb2.ReplayEvent)

# Pages for eyes.
ATTENTION_PAGE = Method("/lens.v1.Reports/AttentionPage", reports_pb2.AttentionPageRequest, reports_pb2.PageChunk)
SESSION_REPORT = Method("/lens.v1.Reports/SessionReport", reports_pb2.SessionReportRequest, reports_pb2.PageChunk)

# What is stored. The administrator's, but for one's own usage.
STORE_USAGE = Method("/lens.v1.Store/Usage", store_pb2.StoreUsageRequest, store_pb2.StoreUsageReply)
PURGE = Method("/lens.v1.Store/Purge", store_pb2.PurgeRequest, store_pb2.PurgeReply)
REASSIGN = Method("/lens.v1.Store/Reassign", store_pb2.ReassignRequest, store_pb2.StoredAccount)
CHECK_STORE = Method("/lens.v1.Store/Check", store_pb2.CheckStoreRequest, store_pb2.CheckStoreReply)
BACKUP = Method("/lens.v1.Store/Backup", store_pb2.BackupRequest, store_pb2.BackupEvent)
