"""Calls that write to a session, what was acknowledged of them, and the store as it stands on the disk."""

from __future__ import annotations

import random
import shutil
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from google.protobuf.message import Message
from lensd._proto.common_pb2 import Prompt, SliceRange, TokenPrompt
from lensd._proto.frame_pb2 import Status
from lensd._proto.generation_pb2 import GenerateEvent, GenerateRequest, GenerationOptions
from lensd._proto.interventions_pb2 import ACTION_ZERO, IndexList, Indices, Intervention
from lensd._proto.run_pb2 import RunReply, RunRequest
from lensd._proto.sessions_pb2 import ShowSessionReply, ShowSessionRequest
from lensd._proto.sweeps_pb2 import SWEEP_AXIS_HEAD, SWEEP_AXIS_LAYER, SweepEvent, SweepRequest
from lensd.errors import StatusCode

from wire import Wire

RUN = "/lens.v1.Inference/Run"
SWEEP = "/lens.v1.Inference/Sweep"
GENERATE = "/lens.v1.Inference/Generate"
SHOW = "/lens.v1.Sessions/Show"
DATABASE = "lensd.sqlite"
# The embedded model's vocabulary is larger.
TOKENS = 512


@dataclass(frozen=True)
class Write:
    """One call that is to be recorded, under its request id."""

    method: str
    request: bytes
    request_id: bytes


@dataclass(frozen=True)
class Answer:
    """What a write was answered with, as far as two answers to it must be equal."""

    run_id: str
    content: bytes


def some_write(chance: random.Random, session: str) -> Write:
    """Mostly runs, some with an edit; sweeps and generated texts."""
    kind = chance.random()
    fields = {
        "session": session.encode(),
        "prompts": [Prompt(tokens=TokenPrompt(ids=[chance.randrange(TOKENS) for _ in range(chance.randint(2, 24))]))],
    }
    request: Message
    if kind < 0.8:
        heads = Indices(list=IndexList(indices=[chance.randrange(16)]))
        edits = [Intervention(hook=b"blocks.0.attn.hook_z", action=ACTION_ZERO, heads=heads)] if kind < 0.3 else []
        method, request = RUN, RunRequest(**fields, interventions=edits, top_count=chance.randint(0, 3))
    elif kind < 0.9:
        edits = [Intervention(hook=b"z", action=ACTION_ZERO, layers=Indices(range=SliceRange(step=1)))]
        method, request = SWEEP, SweepRequest(**fields, edits=edits, axes=[SWEEP_AXIS_LAYER, SWEEP_AXIS_HEAD])
    else:
        options = GenerationOptions(max_new_tokens=3, temperature=1, seed=chance.getrandbits(60))
        method, request = GENERATE, GenerateRequest(**fields, options=options)
    return Write(method, request.SerializeToString(), chance.randbytes(16))


def send(wire: Wire, write: Write) -> tuple[Answer | None, Status]:
    """Makes the call; the answer where it was acknowledged."""
    messages, status = wire.call(write.method, write.request, write.request_id)
    if status.code != StatusCode.OK:
        return None, status
    return _answer(write.method, messages), status


def _answer(method: str, messages: list[bytes]) -> Answer:
    if method == RUN:
        return Answer(RunReply.FromString(messages[0]).run_id.decode(), messages[0])
    if method == SWEEP:
        # Progress comes as the engine gets on, and not at all for a sweep that was recorded before.
        kept = [data for data in messages if SweepEvent.FromString(data).WhichOneof("event") != "progress"]
        header = SweepEvent.FromString(kept[0]).header
        return Answer(header.run_id.decode(), b"".join(kept))
    events = [GenerateEvent.FromString(data) for data in messages]
    # Tokens come in as many batches as there was time for; the results say them again.
    kept = [data for data, event in zip(messages, events, strict=True) if event.WhichOneof("event") != "tokens"]
    return Answer(events[-1].end.run_id.decode(), b"".join(kept))


def run_ids(wire: Wire, session: str) -> list[str]:
    """The runs of a session, oldest first; none where the session is absent."""
    ids: list[str] = []
    is_more = True
    while is_more:
        before = ids[-1].encode() if ids else b""
        messages, status = wire.call(SHOW, ShowSessionRequest(name=session.encode(), before=before))
        if status.code == StatusCode.NOT_FOUND:
            return []
        assert status.code == StatusCode.OK, status
        page = ShowSessionReply.FromString(messages[0])
        ids += [run.id.decode() for run in page.runs]
        is_more = page.more
    return ids[::-1]


def stored(state: Path, aside: Path) -> tuple[str, dict[tuple[int, bytes], list[str]]]:
    """Looks at a copy of the database, whose daemon is gone: SQLite's verdict, and the runs of each request id."""
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    for suffix in ("", "-wal", "-journal"):
        if (file := state / (DATABASE + suffix)).exists():
            shutil.copyfile(file, aside / file.name)
    if not (aside / DATABASE).exists():
        return "ok", {}
    database = sqlite3.connect(aside / DATABASE)
    try:
        verdict = "; ".join(row[0] for row in database.execute("PRAGMA integrity_check"))
        runs: dict[tuple[int, bytes], list[str]] = {}
        if database.execute("SELECT 1 FROM sqlite_master WHERE name = 'runs'").fetchone():
            # Owners are uids, or rows of their own that have them.
            uid = "owner"
            if database.execute("SELECT 1 FROM sqlite_master WHERE name = 'owners'").fetchone():
                uid = "(SELECT uid FROM owners WHERE owners.number = owner)"
            rows = database.execute(f"SELECT {uid}, request_id, hex(id) FROM runs ORDER BY runs.number")
            for owner, request_id, run_id in rows:
                runs.setdefault((owner, request_id), []).append(run_id.lower())
        return verdict, runs
    except sqlite3.DatabaseError as error:
        return str(error), {}
    finally:
        database.close()
