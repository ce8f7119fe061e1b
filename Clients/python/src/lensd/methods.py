"""The methods that the client calls, each with what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from google.protobuf.message import Message

from lensd._proto import (
    analyses_pb2,
    daemon_pb2,
    generation_pb2,
    heads_pb2,
    inference_pb2,
    models_pb2,
    reports_pb2,
    run_pb2,
    sessions_pb2,
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


STATUS = Method("/lens.v1.Daemon/Status", daemon_pb2.DaemonStatusRequest, daemon_pb2.DaemonStatusReply)
USAGE = Method("/lens.v1.Daemon/Usage", daemon_pb2.UsageRequest, daemon_pb2.UsageReply)

LIST_MODELS = Method("/lens.v1.Models/List", models_pb2.ListModelsRequest, models_pb2.ListModelsReply)
DESCRIBE = Method("/lens.v1.Models/Describe", models_pb2.DescribeModelRequest, models_pb2.DescribeModelReply)
LOAD = Method("/lens.v1.Models/Load", models_pb2.LoadModelRequest, models_pb2.LoadModelEvent)
UNLOAD = Method("/lens.v1.Models/Unload", models_pb2.UnloadModelRequest, models_pb2.UnloadModelReply)
RENAME = Method("/lens.v1.Models/Rename", models_pb2.RenameModelRequest, models_pb2.RenameModelReply)

TOKENIZE = Method("/lens.v1.Inference/Tokenize", inference_pb2.TokenizeRequest, inference_pb2.TokenizeReply)
RUN = Method("/lens.v1.Inference/Run", run_pb2.RunRequest, run_pb2.RunReply)
QUERY = Method("/lens.v1.Inference/Query", inference_pb2.QueryRequest, inference_pb2.QueryEvent)
SWEEP = Method("/lens.v1.Inference/Sweep", sweeps_pb2.SweepRequest, sweeps_pb2.SweepEvent)
GENERATE = Method("/lens.v1.Inference/Generate", generation_pb2.GenerateRequest, generation_pb2.GenerateEvent)
SCORE_HEADS = Method("/lens.v1.Inference/ScoreHeads", inference_pb2.ScoreHeadsRequest, inference_pb2.ScoreHeadsReply)

SPLIT_SCORE = Method("/lens.v1.Analyses/SplitScore", analyses_pb2.SplitScoreRequest, analyses_pb2.SplitScoreReply)
LOGIT_LENS = Method("/lens.v1.Analyses/LogitLens", analyses_pb2.LogitLensRequest, analyses_pb2.LogitLensReply)
ATTRIBUTE = Method("/lens.v1.Analyses/Attribute", analyses_pb2.AttributeRequest, analyses_pb2.AttributeReply)
REDUCE = Method("/lens.v1.Analyses/Reduce", analyses_pb2.ReduceRequest, analyses_pb2.ReduceReply)
DETECT_HEADS = Method("/lens.v1.Analyses/DetectHeads", analyses_pb2.DetectHeadsRequest, analyses_pb2.DetectHeadsReply)
SCORE_INDUCTION = Method(
    "/lens.v1.Analyses/ScoreInduction", analyses_pb2.ScoreInductionRequest, analyses_pb2.ScoreInductionReply
)

HEAD_ATLAS = Method("/lens.v1.Heads/Atlas", heads_pb2.HeadAtlasRequest, heads_pb2.HeadAtlasEvent)

LIST_PARAMETERS = Method(
    "/lens.v1.Weights/ListParameters", weights_pb2.ListParametersRequest, weights_pb2.ListParametersReply
)
PARAMETER = Method("/lens.v1.Weights/Parameter", weights_pb2.ParameterRequest, weights_pb2.WeightEvent)
CIRCUITS = Method("/lens.v1.Weights/Circuits", weights_pb2.CircuitRequest, weights_pb2.CircuitEvent)
COMPOSITION_SCORES = Method(
    "/lens.v1.Weights/CompositionScores", weights_pb2.CompositionRequest, weights_pb2.WeightEvent
)

LIST_SESSIONS = Method("/lens.v1.Sessions/List", sessions_pb2.ListSessionsRequest, sessions_pb2.ListSessionsReply)
SHOW_SESSION = Method("/lens.v1.Sessions/Show", sessions_pb2.ShowSessionRequest, sessions_pb2.ShowSessionReply)
DELETE_SESSION = Method("/lens.v1.Sessions/Delete", sessions_pb2.DeleteSessionRequest, sessions_pb2.DeleteSessionReply)

ATTENTION_PAGE = Method("/lens.v1.Reports/AttentionPage", reports_pb2.AttentionPageRequest, reports_pb2.PageChunk)
