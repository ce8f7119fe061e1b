"""Who may call what: every method, with what it says of whose things."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum

from google.protobuf.message import Message
from lensd._proto.analyses_pb2 import (
    REDUCTION_NORM,
    AnalyzedPass,
    AttributeRequest,
    DetectHeadsRequest,
    LogitLensRequest,
    ReduceRequest,
    Reduction,
    ScoreInductionRequest,
    SplitScoreRequest,
)
from lensd._proto.common_pb2 import Prompt, SliceRange, TextPrompt, TokenPrompt
from lensd._proto.daemon_pb2 import ActivityRequest, DaemonStatusRequest, UsageRequest
from lensd._proto.generation_pb2 import (
    GenerateRequest,
    GenerationOptions,
    HookedGenerateMessage,
    HookedGenerateRequest,
)
from lensd._proto.gradients_pb2 import GradientMessage, GradientRequest, GradientTerm, LossTerm
from lensd._proto.heads_pb2 import HeadAtlasRequest
from lensd._proto.hooks_pb2 import HookedRunMessage, HookedRunRequest
from lensd._proto.inference_pb2 import PassSource, QueryRequest, ScoreHeadsRequest, TokenizeRequest
from lensd._proto.interventions_pb2 import ACTION_PATCH, ACTION_ZERO, EditSource, Indices, Intervention
from lensd._proto.models_pb2 import (
    DescribeModelRequest,
    ListModelsRequest,
    LoadModelRequest,
    RenameModelRequest,
    UnloadModelRequest,
)
from lensd._proto.reports_pb2 import AttentionPageRequest, SessionReportRequest
from lensd._proto.run_pb2 import RunReply, RunRequest
from lensd._proto.sessions_pb2 import (
    CreateSessionRequest,
    DeleteSessionRequest,
    ExportSessionRequest,
    ImportMessage,
    ImportStart,
    ListGrantsRequest,
    ListSessionsRequest,
    RenameSessionRequest,
    ReplaySessionRequest,
    SearchSessionsRequest,
    SetNoteRequest,
    ShareSessionRequest,
    ShowSessionRequest,
)
from lensd._proto.store_pb2 import (
    BackupRequest,
    CheckStoreRequest,
    PurgeRequest,
    ReassignRequest,
    StoreUsageRequest,
)
from lensd._proto.sweeps_pb2 import SWEEP_AXIS_HEAD, SweepRequest
from lensd._proto.weights_pb2 import (
    CIRCUIT_KIND_OV,
    COMPOSITION_KIND_K,
    CircuitRequest,
    CompositionRequest,
    ListParametersRequest,
    ParameterRequest,
)

from users import FIRST_UID


class Rule(Enum):
    """Who is served; others get what an absent thing answers, or PERMISSION_DENIED for the administrator's calls."""

    EVERYBODY = "about nobody's things, or the caller's own"
    READS = "reads what is the owner's"
    OWNS = "changes what is the owner's"
    ADMINISTERS = "the administrator's"


@dataclass
class World:
    """What the owner has."""

    session: bytes
    text: bytes
    owner: int
    grantee: int
    run_id: bytes = b""
    prompt_length: int = 0

    def making(self) -> Iterator[tuple[str, Message]]:
        """The owner's calls that make it."""
        prompts = [Prompt(text=TextPrompt(text=self.text))]
        yield "/lens.v1.Inference/Run", RunRequest(session=self.session, prompts=prompts)
        yield "/lens.v1.Sessions/Share", ShareSessionRequest(name=self.session, user=b"%d" % self.grantee)

    @property
    def address(self) -> bytes:
        """What anybody calls the session by, its owner among them."""
        return b"%d/%s" % (self.owner, self.session)

    def take_run(self, message: bytes) -> None:
        """Learns what the run was answered with."""
        reply = RunReply.FromString(message)
        self.run_id = reply.run_id
        self.prompt_length = len(reply.prompts[0].tokens)

    @property
    def like(self) -> list[Prompt]:
        """A prompt of the same length as the owner's."""
        return [Prompt(tokens=TokenPrompt(ids=[1] * self.prompt_length))]

    @property
    def patch(self) -> list[Intervention]:
        """An edit that takes values from the owner's run."""
        return [Intervention(hook=b"z0", action=ACTION_PATCH, source=EditSource(run=self.run_id))]


@dataclass(frozen=True)
class Probe:
    """A method, asked for something that falls under a rule."""

    method: str
    what: str
    rule: Rule
    request: Callable[[World], Message]

    def __str__(self) -> str:
        return f"{self.method} ({self.what})"


PROMPTS = [Prompt(tokens=TokenPrompt(ids=[1, 2, 3]))]
GREEDY = GenerationOptions(max_new_tokens=2)
ZERO = Intervention(hook=b"z", action=ACTION_ZERO, layers=Indices(range=SliceRange(step=1)))
LOSS = [GradientTerm(weight=1, loss=LossTerm())]


def _hooked(run: RunRequest) -> HookedRunMessage:
    return HookedRunMessage(start=HookedRunRequest(run=run, hooks=[b"resid_post0"]))


def _hooked_text(generation: GenerateRequest) -> HookedGenerateMessage:
    return HookedGenerateMessage(start=HookedGenerateRequest(generation=generation, hooks=[b"resid_post0"]))


def _gradient(request: GradientRequest) -> GradientMessage:
    return GradientMessage(start=request)


DAEMON = "/lens.v1.Daemon/"
MODELS = "/lens.v1.Models/"
INFERENCE = "/lens.v1.Inference/"
WEIGHTS = "/lens.v1.Weights/"
SESSIONS = "/lens.v1.Sessions/"
REPORTS = "/lens.v1.Reports/"
ANALYSES = "/lens.v1.Analyses/"
STORE = "/lens.v1.Store/"
FROM_RUN = "from the owner's run"


NORMS = [Reduction(hook=b"resid_pre", kind=REDUCTION_NORM)]
# `pass` is a word of Python's.
OWN_PASS = {"pass": AnalyzedPass(prompts=PassSource(prompts=PROMPTS))}


def _pass(world: World) -> dict[str, AnalyzedPass]:
    return {"pass": AnalyzedPass(run=world.run_id)}


PROBES = [
    Probe(DAEMON + "Status", "status", Rule.EVERYBODY, lambda _: DaemonStatusRequest()),
    Probe(DAEMON + "Usage", "usage of all", Rule.ADMINISTERS, lambda _: UsageRequest()),
    Probe(DAEMON + "Activity", "own", Rule.EVERYBODY, lambda _: ActivityRequest()),
    Probe(DAEMON + "Activity", "of all", Rule.ADMINISTERS, lambda _: ActivityRequest(all=True)),
    Probe(MODELS + "List", "list", Rule.EVERYBODY, lambda _: ListModelsRequest()),
    Probe(MODELS + "Describe", "describe", Rule.EVERYBODY, lambda _: DescribeModelRequest()),
    Probe(MODELS + "Load", "load", Rule.ADMINISTERS, lambda _: LoadModelRequest(name=b"spare-0")),
    Probe(MODELS + "Unload", "unload", Rule.ADMINISTERS, lambda _: UnloadModelRequest(name=b"spare-1")),
    Probe(
        MODELS + "Rename",
        "rename",
        Rule.ADMINISTERS,
        lambda _: RenameModelRequest(name=b"spare-2", new_name=b"spare-3"),
    ),
    Probe(INFERENCE + "Tokenize", "own", Rule.EVERYBODY, lambda _: TokenizeRequest(prompts=PROMPTS)),
    Probe(INFERENCE + "Run", "own", Rule.EVERYBODY, lambda _: RunRequest(prompts=PROMPTS, unrecorded=True)),
    Probe(
        INFERENCE + "Run",
        "into a session of the name that the owner's has",
        Rule.EVERYBODY,
        lambda world: RunRequest(prompts=PROMPTS, session=world.session),
    ),
    Probe(
        INFERENCE + "Run",
        FROM_RUN,
        Rule.READS,
        lambda world: RunRequest(prompts=world.like, interventions=world.patch, unrecorded=True),
    ),
    Probe(
        INFERENCE + "RunHooked",
        "own",
        Rule.EVERYBODY,
        lambda _: _hooked(RunRequest(prompts=PROMPTS, unrecorded=True)),
    ),
    Probe(
        INFERENCE + "RunHooked",
        FROM_RUN,
        Rule.READS,
        lambda world: _hooked(RunRequest(prompts=world.like, interventions=world.patch, unrecorded=True)),
    ),
    Probe(
        INFERENCE + "Query",
        "own",
        Rule.EVERYBODY,
        lambda _: QueryRequest(prompts=PassSource(prompts=PROMPTS), hook=b"z0"),
    ),
    Probe(INFERENCE + "Query", "owner's run", Rule.READS, lambda world: QueryRequest(run=world.run_id, hook=b"z0")),
    Probe(
        INFERENCE + "Query",
        "a prefix of the owner's run",
        Rule.READS,
        lambda world: QueryRequest(run=world.run_id[:12], hook=b"z0"),
    ),
    Probe(
        INFERENCE + "Query",
        FROM_RUN,
        Rule.READS,
        lambda world: QueryRequest(
            prompts=PassSource(prompts=world.like, interventions=world.patch), hook=b"resid_post0"
        ),
    ),
    Probe(
        INFERENCE + "Sweep",
        "own",
        Rule.EVERYBODY,
        lambda _: SweepRequest(prompts=PROMPTS, unrecorded=True, edits=[ZERO], axes=[SWEEP_AXIS_HEAD]),
    ),
    Probe(
        INFERENCE + "Sweep",
        FROM_RUN,
        Rule.READS,
        lambda world: SweepRequest(prompts=world.like, unrecorded=True, edits=world.patch, axes=[SWEEP_AXIS_HEAD]),
    ),
    Probe(
        INFERENCE + "Generate",
        "own",
        Rule.EVERYBODY,
        lambda _: GenerateRequest(prompts=PROMPTS, unrecorded=True, options=GREEDY),
    ),
    Probe(
        INFERENCE + "GenerateHooked",
        "own",
        Rule.EVERYBODY,
        lambda _: _hooked_text(GenerateRequest(prompts=PROMPTS, unrecorded=True, options=GREEDY)),
    ),
    Probe(
        INFERENCE + "Gradient",
        "own",
        Rule.EVERYBODY,
        lambda _: _gradient(GradientRequest(prompts=PROMPTS, terms=LOSS, wanted=[b"z0"])),
    ),
    Probe(
        INFERENCE + "Gradient",
        FROM_RUN,
        Rule.READS,
        lambda world: _gradient(
            GradientRequest(prompts=world.like, interventions=world.patch, terms=LOSS, wanted=[b"resid_post0"])
        ),
    ),
    Probe(INFERENCE + "ScoreHeads", "own", Rule.EVERYBODY, lambda _: ScoreHeadsRequest(prompts=PROMPTS)),
    Probe(ANALYSES + "Attribute", "own", Rule.EVERYBODY, lambda _: AttributeRequest(**OWN_PASS)),
    Probe(ANALYSES + "Attribute", FROM_RUN, Rule.READS, lambda world: AttributeRequest(**_pass(world))),
    Probe(ANALYSES + "Reduce", "own", Rule.EVERYBODY, lambda _: ReduceRequest(reductions=NORMS, **OWN_PASS)),
    Probe(ANALYSES + "Reduce", FROM_RUN, Rule.READS, lambda world: ReduceRequest(reductions=NORMS, **_pass(world))),
    Probe(ANALYSES + "DetectHeads", "own", Rule.EVERYBODY, lambda _: DetectHeadsRequest(**OWN_PASS)),
    Probe(ANALYSES + "DetectHeads", FROM_RUN, Rule.READS, lambda world: DetectHeadsRequest(**_pass(world))),
    Probe(ANALYSES + "ScoreInduction", "own", Rule.EVERYBODY, lambda _: ScoreInductionRequest(length=2, batch=1)),
    Probe(ANALYSES + "SplitScore", "own", Rule.EVERYBODY, lambda _: SplitScoreRequest(**OWN_PASS)),
    Probe(ANALYSES + "SplitScore", FROM_RUN, Rule.READS, lambda world: SplitScoreRequest(**_pass(world))),
    Probe(ANALYSES + "LogitLens", "own", Rule.EVERYBODY, lambda _: LogitLensRequest(**OWN_PASS)),
    Probe(ANALYSES + "LogitLens", FROM_RUN, Rule.READS, lambda world: LogitLensRequest(**_pass(world))),
    Probe("/lens.v1.Heads/Atlas", "own", Rule.EVERYBODY, lambda _: HeadAtlasRequest(prompts=PROMPTS)),
    Probe(WEIGHTS + "ListParameters", "own", Rule.EVERYBODY, lambda _: ListParametersRequest()),
    Probe(WEIGHTS + "Parameter", "own", Rule.EVERYBODY, lambda _: ParameterRequest(name=b"W_E")),
    Probe(WEIGHTS + "Circuits", "own", Rule.EVERYBODY, lambda _: CircuitRequest(kind=CIRCUIT_KIND_OV, top_count=1)),
    Probe(WEIGHTS + "CompositionScores", "own", Rule.EVERYBODY, lambda _: CompositionRequest(kind=COMPOSITION_KIND_K)),
    Probe(SESSIONS + "List", "list", Rule.EVERYBODY, lambda _: ListSessionsRequest()),
    Probe(SESSIONS + "Show", "by address", Rule.READS, lambda world: ShowSessionRequest(name=world.address)),
    Probe(
        SESSIONS + "Show",
        "behind a run",
        Rule.READS,
        lambda world: ShowSessionRequest(name=world.address, before=world.run_id),
    ),
    Probe(
        INFERENCE + "Query",
        "last of the owner's session",
        Rule.READS,
        lambda world: QueryRequest(run=world.address + b":last", hook=b"z0"),
    ),
    Probe(
        SESSIONS + "Create",
        "own",
        Rule.EVERYBODY,
        lambda world: CreateSessionRequest(name=b"x" + world.session[9:]),
    ),
    Probe(
        SESSIONS + "Rename",
        "by address",
        Rule.OWNS,
        lambda world: RenameSessionRequest(name=world.address, new_name=b"renamed-" + world.session[7:]),
    ),
    Probe(SESSIONS + "Delete", "by address", Rule.OWNS, lambda world: DeleteSessionRequest(name=world.address)),
    Probe(
        SESSIONS + "Share",
        "by address",
        Rule.OWNS,
        lambda world: ShareSessionRequest(name=world.address, user=b"%d" % (world.grantee + 1)),
    ),
    Probe(
        SESSIONS + "Unshare",
        "by address",
        Rule.OWNS,
        lambda world: ShareSessionRequest(name=world.address, user=b"%d" % world.grantee),
    ),
    Probe(SESSIONS + "ListGrants", "by address", Rule.OWNS, lambda world: ListGrantsRequest(name=world.address)),
    Probe(
        SESSIONS + "SetNote",
        "on the session",
        Rule.OWNS,
        lambda world: SetNoteRequest(session=world.address, text=b"mine"),
    ),
    Probe(
        SESSIONS + "SetNote",
        "on the run by its id",
        Rule.OWNS,
        lambda world: SetNoteRequest(run=world.run_id, text=b"mine"),
    ),
    Probe(SESSIONS + "Search", "for a text", Rule.EVERYBODY, lambda _: SearchSessionsRequest(text=b"secret")),
    Probe(
        SESSIONS + "Search",
        "behind the owner's run",
        Rule.READS,
        lambda world: SearchSessionsRequest(text=b"secret", before=world.run_id),
    ),
    Probe(SESSIONS + "Export", "by address", Rule.READS, lambda world: ExportSessionRequest(name=world.address)),
    Probe(
        SESSIONS + "Export",
        "one run",
        Rule.READS,
        lambda world: ExportSessionRequest(name=world.address, runs=[world.run_id]),
    ),
    Probe(
        SESSIONS + "Import",
        "own",
        Rule.EVERYBODY,
        lambda world: ImportMessage(start=ImportStart(name=b"in" + world.session[9:])),
    ),
    Probe(SESSIONS + "Replay", "by address", Rule.READS, lambda world: ReplaySessionRequest(name=world.address)),
    Probe(
        REPORTS + "SessionReport", "by address", Rule.READS, lambda world: SessionReportRequest(session=world.address)
    ),
    Probe(REPORTS + "AttentionPage", "own", Rule.EVERYBODY, lambda _: AttentionPageRequest(prompt=PROMPTS[0])),
    Probe(STORE + "Usage", "usage", Rule.ADMINISTERS, lambda _: StoreUsageRequest()),
    Probe(
        STORE + "Reassign",
        "the owner's to the owner",
        Rule.ADMINISTERS,
        lambda _: ReassignRequest(uid=FIRST_UID, new_uid=FIRST_UID),
    ),
    Probe(STORE + "Purge", "the owner's", Rule.ADMINISTERS, lambda _: PurgeRequest(uid=FIRST_UID)),
    Probe(STORE + "Check", "check", Rule.ADMINISTERS, lambda _: CheckStoreRequest()),
    Probe(STORE + "Backup", "backup", Rule.ADMINISTERS, lambda _: BackupRequest()),
]
