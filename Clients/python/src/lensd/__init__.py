"""Look inside the language models that a lensd daemon keeps resident, under TransformerLens's names.

>>> import lensd
>>> model = lensd.connect().model()
>>> logits, cache = model.run_with_cache("Once upon a time")
>>> cache["pattern", 0].shape, model.ablate_heads("Once upon a time").ranking()[0]
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from lensd._version import __version__
from lensd.errors import (
    Aborted,
    AlreadyExists,
    Cancelled,
    DataLoss,
    DeadlineExceeded,
    FailedPrecondition,
    Internal,
    InvalidArgument,
    LensError,
    NotFound,
    OutOfRange,
    PermissionDenied,
    ResourceExhausted,
    StatusCode,
    Unauthenticated,
    Unavailable,
    Unimplemented,
    Unknown,
)
from lensd.hook_names import get_act_name
from lensd.interventions import Intervention, add, mask, mean, patch, project, scale, set_to, swap, zero

if TYPE_CHECKING:
    from lensd import aio, corpus, head_detector, metrics, patching
    from lensd.cache import ActivationCache
    from lensd.circuits import CircuitEntry, HeadCircuit, HeadCircuits
    from lensd.client import Client, DaemonStatus, connect
    from lensd.composition import CompositionScores, HeadPair
    from lensd.config import ModelConfig
    from lensd.described_model import Output
    from lensd.description import Description, HookShape, ProcessingStep
    from lensd.detected_heads import DetectedHeads
    from lensd.factored_matrix import FactoredMatrix
    from lensd.generation import Generation, GenerationStream
    from lensd.generation_news import GeneratedToken
    from lensd.gradients import Gradients
    from lensd.head_atlas import HeadAtlas, HeadProfile
    from lensd.head_scores import HeadFinding, HeadScores
    from lensd.hooks import HookPoint
    from lensd.induction_scores import InductionScores
    from lensd.logit_attribution import LogitAttribution
    from lensd.logit_lens import LogitLens
    from lensd.model import Model
    from lensd.model_states import ModelState
    from lensd.objectives import Objective, log_prob, logit, logit_diff, loss
    from lensd.padded import PaddedArray
    from lensd.page import AttentionPage
    from lensd.reductions import Reductions
    from lensd.repositories import repository
    from lensd.retry import Retry
    from lensd.run import Prediction, Run
    from lensd.saving import save_model
    from lensd.score_split import ScoreSplit
    from lensd.session_info import Findings, Grant, ReplayedRun, RunInfo, SessionInfo
    from lensd.sessions import Session
    from lensd.sweep import Sweep
    from lensd.usage import SharedAmounts

__all__ = [
    "Aborted",
    "ActivationCache",
    "AlreadyExists",
    "AttentionPage",
    "Cancelled",
    "CircuitEntry",
    "Client",
    "CompositionScores",
    "DaemonStatus",
    "DataLoss",
    "DeadlineExceeded",
    "Description",
    "DetectedHeads",
    "FactoredMatrix",
    "FailedPrecondition",
    "Findings",
    "GeneratedToken",
    "Generation",
    "GenerationStream",
    "Gradients",
    "Grant",
    "HeadAtlas",
    "HeadCircuit",
    "HeadCircuits",
    "HeadFinding",
    "HeadPair",
    "HeadProfile",
    "HeadScores",
    "HookPoint",
    "HookShape",
    "InductionScores",
    "Internal",
    "Intervention",
    "InvalidArgument",
    "LensError",
    "LogitAttribution",
    "LogitLens",
    "Model",
    "ModelConfig",
    "ModelState",
    "NotFound",
    "Objective",
    "OutOfRange",
    "Output",
    "PaddedArray",
    "PermissionDenied",
    "Prediction",
    "ProcessingStep",
    "Reductions",
    "ReplayedRun",
    "ResourceExhausted",
    "Retry",
    "Run",
    "RunInfo",
    "ScoreSplit",
    "Session",
    "SessionInfo",
    "SharedAmounts",
    "StatusCode",
    "Sweep",
    "Unauthenticated",
    "Unavailable",
    "Unimplemented",
    "Unknown",
    "__version__",
    "add",
    "aio",
    "connect",
    "corpus",
    "get_act_name",
    "head_detector",
    "log_prob",
    "logit",
    "logit_diff",
    "loss",
    "mask",
    "mean",
    "metrics",
    "patch",
    "patching",
    "project",
    "repository",
    "save_model",
    "scale",
    "set_to",
    "swap",
    "zero",
]

# NumPy and protobuf are most of the import's time: what needs them comes with its first use.
_LAZY = {
    "ActivationCache": "lensd.cache",
    "AttentionPage": "lensd.page",
    "CircuitEntry": "lensd.circuits",
    "Client": "lensd.client",
    "CompositionScores": "lensd.composition",
    "DaemonStatus": "lensd.client",
    "Description": "lensd.description",
    "DetectedHeads": "lensd.detected_heads",
    "FactoredMatrix": "lensd.factored_matrix",
    "Findings": "lensd.session_info",
    "GeneratedToken": "lensd.generation_news",
    "Generation": "lensd.generation",
    "GenerationStream": "lensd.generation",
    "Gradients": "lensd.gradients",
    "Grant": "lensd.session_info",
    "HeadAtlas": "lensd.head_atlas",
    "HeadCircuit": "lensd.circuits",
    "HeadCircuits": "lensd.circuits",
    "HeadFinding": "lensd.head_scores",
    "HeadPair": "lensd.composition",
    "HeadProfile": "lensd.head_atlas",
    "HeadScores": "lensd.head_scores",
    "HookPoint": "lensd.hooks",
    "HookShape": "lensd.description",
    "InductionScores": "lensd.induction_scores",
    "LogitAttribution": "lensd.logit_attribution",
    "LogitLens": "lensd.logit_lens",
    "Model": "lensd.model",
    "ModelConfig": "lensd.config",
    "ModelState": "lensd.model_states",
    "Objective": "lensd.objectives",
    "Output": "lensd.described_model",
    "PaddedArray": "lensd.padded",
    "Prediction": "lensd.run",
    "ProcessingStep": "lensd.description",
    "Reductions": "lensd.reductions",
    "ReplayedRun": "lensd.session_info",
    "Retry": "lensd.retry",
    "Run": "lensd.run",
    "RunInfo": "lensd.session_info",
    "ScoreSplit": "lensd.score_split",
    "Session": "lensd.sessions",
    "SessionInfo": "lensd.session_info",
    "SharedAmounts": "lensd.usage",
    "Sweep": "lensd.sweep",
    "connect": "lensd.client",
    "log_prob": "lensd.objectives",
    "logit": "lensd.objectives",
    "logit_diff": "lensd.objectives",
    "loss": "lensd.objectives",
    "repository": "lensd.repositories",
    "save_model": "lensd.saving",
}
_LAZY_MODULES = ("aio", "corpus", "metrics", "patching", "head_detector")


def __getattr__(name: str) -> Any:
    if name in _LAZY_MODULES:
        return importlib.import_module(f"lensd.{name}")
    if name not in _LAZY:
        raise AttributeError(f"module 'lensd' has no attribute {name!r}")
    value = getattr(importlib.import_module(_LAZY[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
