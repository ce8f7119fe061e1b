"""One typed stub per service of `lens.v1`: messages in, messages out."""

from __future__ import annotations

from dataclasses import dataclass

from lensd._proto import (
    daemon_pb2,
    generation_pb2,
    gradients_pb2,
    hooks_pb2,
    inference_pb2,
    models_pb2,
    reports_pb2,
    run_pb2,
    sessions_pb2,
    store_pb2,
    sweeps_pb2,
)
from lensd.call_state import Receiver
from lensd.channel import Channel, Exchange, Stream


@dataclass(frozen=True)
class DaemonStub:
    """The daemon itself."""

    channel: Channel

    def status(self, request: daemon_pb2.DaemonStatusRequest) -> daemon_pb2.DaemonStatusReply:
        """What is resident, memory, queue, versions."""
        return self.channel.unary("/lens.v1.Daemon/Status", request, daemon_pb2.DaemonStatusReply)

    def usage(self, request: daemon_pb2.UsageRequest) -> daemon_pb2.UsageReply:
        """How much every user has. The administrator's."""
        return self.channel.unary("/lens.v1.Daemon/Usage", request, daemon_pb2.UsageReply)

    def activity(self, request: daemon_pb2.ActivityRequest) -> daemon_pb2.ActivityReply:
        """What is being worked at: one's own calls, or for the administrator everybody's."""
        return self.channel.unary("/lens.v1.Daemon/Activity", request, daemon_pb2.ActivityReply)


@dataclass(frozen=True)
class ModelsStub:
    """Which models there are, and which of them are in memory."""

    channel: Channel

    def list(self, request: models_pb2.ListModelsRequest) -> models_pb2.ListModelsReply:
        """Every resident model with its shape and its hook points, and where each known one is."""
        return self.channel.unary("/lens.v1.Models/List", request, models_pb2.ListModelsReply)

    def describe(self, request: models_pb2.DescribeModelRequest) -> models_pb2.DescribeModelReply:
        """One model with the shapes of its hook points; it is loaded first where it is not resident."""
        return self.channel.unary("/lens.v1.Models/Describe", request, models_pb2.DescribeModelReply)

    def load(self, request: models_pb2.LoadModelRequest) -> Stream[models_pb2.LoadModelEvent]:
        """Reads a model into memory: progress, then the model. The administrator's."""
        return self.channel.stream("/lens.v1.Models/Load", request, models_pb2.LoadModelEvent)

    def unload(self, request: models_pb2.UnloadModelRequest) -> models_pb2.UnloadModelReply:
        """Takes a model out of memory. The administrator's."""
        return self.channel.unary("/lens.v1.Models/Unload", request, models_pb2.UnloadModelReply)

    def rename(self, request: models_pb2.RenameModelRequest) -> models_pb2.RenameModelReply:
        """Gives a model another name. The administrator's."""
        return self.channel.unary("/lens.v1.Models/Rename", request, models_pb2.RenameModelReply)


@dataclass(frozen=True)
class InferenceStub:
    """Tokens, passes, activations, sweeps."""

    channel: Channel

    def tokenize(self, request: inference_pb2.TokenizeRequest) -> inference_pb2.TokenizeReply:
        """The tokens of texts, the text of tokens."""
        return self.channel.unary("/lens.v1.Inference/Tokenize", request, inference_pb2.TokenizeReply)

    def run(self, request: run_pb2.RunRequest) -> run_pb2.RunReply:
        """One pass over prompts: losses and predictions."""
        return self.channel.unary("/lens.v1.Inference/Run", request, run_pb2.RunReply)

    def run_hooked(
        self, request: hooks_pb2.HookedRunMessage
    ) -> Exchange[hooks_pb2.HookedRunMessage, hooks_pb2.HookedRunEvent]:
        """One pass that parks where functions of the caller's want to look: a start, then an answer to each stop."""
        return self.channel.exchange("/lens.v1.Inference/RunHooked", request, hooks_pb2.HookedRunEvent)

    def gradient(
        self, request: gradients_pb2.GradientMessage
    ) -> Exchange[gradients_pb2.GradientMessage, gradients_pb2.GradientEvent]:
        """The way back through a pass: a start, the values that it announces, then an answer to each stop."""
        return self.channel.exchange("/lens.v1.Inference/Gradient", request, gradients_pb2.GradientEvent)

    def query(self, request: inference_pb2.QueryRequest) -> Stream[inference_pb2.QueryEvent]:
        """One activation: for each prompt a header, then its values in chunks."""
        return self.channel.stream("/lens.v1.Inference/Query", request, inference_pb2.QueryEvent)

    def fetch(self, request: inference_pb2.QueryRequest, receiver: Receiver) -> None:
        """The same, given to `receiver` as it comes, so that values are received where they belong."""
        self.channel.deliver("/lens.v1.Inference/Query", request, receiver)

    def sweep(self, request: sweeps_pb2.SweepRequest) -> Stream[sweeps_pb2.SweepEvent]:
        """Makes an edit in many places: progress, then a header and the values."""
        return self.channel.stream("/lens.v1.Inference/Sweep", request, sweeps_pb2.SweepEvent)

    def generate(self, request: generation_pb2.GenerateRequest) -> Stream[generation_pb2.GenerateEvent]:
        """Continues prompts: tokens as they come, a result for each prompt, the end."""
        return self.channel.stream("/lens.v1.Inference/Generate", request, generation_pb2.GenerateEvent)

    def generate_hooked(
        self, request: generation_pb2.HookedGenerateMessage
    ) -> Exchange[generation_pb2.HookedGenerateMessage, generation_pb2.HookedGenerateEvent]:
        """The same with functions of the caller's in every pass: a start, then an answer to each stop."""
        return self.channel.exchange("/lens.v1.Inference/GenerateHooked", request, generation_pb2.HookedGenerateEvent)

    def score_heads(self, request: inference_pb2.ScoreHeadsRequest) -> inference_pb2.ScoreHeadsReply:
        """How much each head's pattern looks like each of the simple kinds."""
        return self.channel.unary("/lens.v1.Inference/ScoreHeads", request, inference_pb2.ScoreHeadsReply)


@dataclass(frozen=True)
class SessionsStub:
    """Named workspaces of the calling user, and those that others share with him."""

    channel: Channel

    def list(self, request: sessions_pb2.ListSessionsRequest) -> sessions_pb2.ListSessionsReply:
        """Every session."""
        return self.channel.unary("/lens.v1.Sessions/List", request, sessions_pb2.ListSessionsReply)

    def show(self, request: sessions_pb2.ShowSessionRequest) -> sessions_pb2.ShowSessionReply:
        """One session with its runs, newest first."""
        return self.channel.unary("/lens.v1.Sessions/Show", request, sessions_pb2.ShowSessionReply)

    def create(self, request: sessions_pb2.CreateSessionRequest) -> sessions_pb2.CreateSessionReply:
        """Makes an empty session."""
        return self.channel.unary("/lens.v1.Sessions/Create", request, sessions_pb2.CreateSessionReply)

    def rename(self, request: sessions_pb2.RenameSessionRequest) -> sessions_pb2.RenameSessionReply:
        """Gives a session another name."""
        return self.channel.unary("/lens.v1.Sessions/Rename", request, sessions_pb2.RenameSessionReply)

    def share(self, request: sessions_pb2.ShareSessionRequest) -> sessions_pb2.GrantsReply:
        """Lets a user read a session; everybody who may."""
        return self.channel.unary("/lens.v1.Sessions/Share", request, sessions_pb2.GrantsReply)

    def unshare(self, request: sessions_pb2.ShareSessionRequest) -> sessions_pb2.GrantsReply:
        """Takes that back; everybody who still may."""
        return self.channel.unary("/lens.v1.Sessions/Unshare", request, sessions_pb2.GrantsReply)

    def list_grants(self, request: sessions_pb2.ListGrantsRequest) -> sessions_pb2.GrantsReply:
        """Everybody who may read a session."""
        return self.channel.unary("/lens.v1.Sessions/ListGrants", request, sessions_pb2.GrantsReply)

    def set_note(self, request: sessions_pb2.SetNoteRequest) -> sessions_pb2.SetNoteReply:
        """Writes the note of a session or a run."""
        return self.channel.unary("/lens.v1.Sessions/SetNote", request, sessions_pb2.SetNoteReply)

    def search(self, request: sessions_pb2.SearchSessionsRequest) -> sessions_pb2.SearchSessionsReply:
        """Sessions and runs by name, note and excerpt."""
        return self.channel.unary("/lens.v1.Sessions/Search", request, sessions_pb2.SearchSessionsReply)

    def export(self, request: sessions_pb2.ExportSessionRequest) -> Stream[sessions_pb2.ExportEvent]:
        """The session, then its runs' JSON in parts."""
        return self.channel.stream("/lens.v1.Sessions/Export", request, sessions_pb2.ExportEvent)

    def import_session(
        self, request: sessions_pb2.ImportMessage
    ) -> Exchange[sessions_pb2.ImportMessage, sessions_pb2.ImportEvent]:
        """Makes a session: a start, then parts of runs, each of which is answered."""
        return self.channel.exchange("/lens.v1.Sessions/Import", request, sessions_pb2.ImportEvent)

    def replay(self, request: sessions_pb2.ReplaySessionRequest) -> Stream[sessions_pb2.ReplayEvent]:
        """Runs a session's runs again: progress, and what became of each."""
        return self.channel.stream("/lens.v1.Sessions/Replay", request, sessions_pb2.ReplayEvent)

    def delete(self, request: sessions_pb2.DeleteSessionRequest) -> sessions_pb2.DeleteSessionReply:
        """Deletes a session with its runs."""
        return self.channel.unary("/lens.v1.Sessions/Delete", request, sessions_pb2.DeleteSessionReply)


@dataclass(frozen=True)
class ReportsStub:
    """Pages for eyes."""

    channel: Channel

    def attention_page(self, request: reports_pb2.AttentionPageRequest) -> Stream[reports_pb2.PageChunk]:
        """One self-contained HTML page, in chunks."""
        return self.channel.stream("/lens.v1.Reports/AttentionPage", request, reports_pb2.PageChunk)

    def session_report(self, request: reports_pb2.SessionReportRequest) -> Stream[reports_pb2.PageChunk]:
        """What stands in a session, as HTML or Markdown, in chunks."""
        return self.channel.stream("/lens.v1.Reports/SessionReport", request, reports_pb2.PageChunk)


@dataclass(frozen=True)
class StoreStub:
    """What all users keep. The administrator's."""

    channel: Channel

    def usage(self, request: store_pb2.StoreUsageRequest) -> store_pb2.StoreUsageReply:
        """What every account has, and may have."""
        return self.channel.unary("/lens.v1.Store/Usage", request, store_pb2.StoreUsageReply)

    def purge(self, request: store_pb2.PurgeRequest) -> store_pb2.PurgeReply:
        """Deletes everything of an account."""
        return self.channel.unary("/lens.v1.Store/Purge", request, store_pb2.PurgeReply)

    def reassign(self, request: store_pb2.ReassignRequest) -> store_pb2.StoredAccount:
        """Gives what an account left to the account that a uid has now."""
        return self.channel.unary("/lens.v1.Store/Reassign", request, store_pb2.StoredAccount)

    def check(self, request: store_pb2.CheckStoreRequest) -> store_pb2.CheckStoreReply:
        """Looks through every page and every reference."""
        return self.channel.unary("/lens.v1.Store/Check", request, store_pb2.CheckStoreReply)

    def backup(self, request: store_pb2.BackupRequest) -> Stream[store_pb2.BackupEvent]:
        """A copy of the whole store as it is at one moment: its size, then its bytes."""
        return self.channel.stream("/lens.v1.Store/Backup", request, store_pb2.BackupEvent)


class Stubs:
    """The stubs of every service on one channel."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.daemon = DaemonStub(channel)
        self.models = ModelsStub(channel)
        self.inference = InferenceStub(channel)
        self.sessions = SessionsStub(channel)
        self.reports = ReportsStub(channel)
        self.store = StoreStub(channel)
