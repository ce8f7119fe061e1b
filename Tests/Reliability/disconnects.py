"""Clients that go away in the middle of a frame, sent or received: nothing of them stays in the daemon."""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Mapping
from multiprocessing.connection import Connection

from google.protobuf.message import Message
from lensd._proto.common_pb2 import Prompt, SliceRange, TextPrompt, TokenPrompt
from lensd._proto.daemon_pb2 import DaemonStatusReply, DaemonStatusRequest
from lensd._proto.generation_pb2 import GenerateRequest, GenerationOptions
from lensd._proto.gradients_pb2 import GradientMessage, GradientRequest, GradientTerm, LossTerm
from lensd._proto.hooks_pb2 import HookedRunMessage, HookedRunRequest
from lensd._proto.inference_pb2 import PassSource, QueryRequest
from lensd._proto.interventions_pb2 import ACTION_ZERO, Indices, Intervention
from lensd._proto.reports_pb2 import AttentionPageRequest
from lensd._proto.run_pb2 import RunRequest
from lensd._proto.sweeps_pb2 import SWEEP_AXIS_HEAD, SweepRequest

from lies import lying
from record import Trial
from subject import Resources, Subject, folder
from users import FIRST_UID, User
from wire import HELLO, HungUp, Wire, start

GOAL = "disconnects at random bytes, 50,000: file descriptors, threads and memory back to the baseline"
CLIENTS = 3
# Clients report after so many disconnects.
BATCH = 100
# What the daemon makes once and keeps is made in these first ones.
WARM_UP_SHARE = 0.1
SETTLE_SECONDS = 15.0
# What the allocator may keep of what was given back, in bytes.
MEMORY_SLACK = 16 << 20


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--count", type=int, default=50_000, help="disconnects (%(default)s)")


def run(options: argparse.Namespace) -> Trial:
    """Disconnects so often."""
    return _disconnect(options.count, options.seed, {})


def controls(options: argparse.Namespace) -> dict[str, Trial]:
    return {"a kernel that keeps one in fifty closed sockets": _disconnect(1000, options.seed, lying("keep"), 1.0)}


def _disconnect(count: int, seed: int, env: Mapping[str, str], settle_seconds: float = SETTLE_SECONDS) -> Trial:
    trial = Trial()
    with folder() as path:
        daemon = Subject(path)
        clients: list[User] = []
        try:
            daemon.begin(env=env)
            for index in range(CLIENTS):
                clients.append(User(FIRST_UID + index, _go_away, str(daemon.socket), seed * 1000 + index))
            _until(trial, clients, int(count * WARM_UP_SHARE))
            baseline = _settled(daemon, None, settle_seconds)
            begun = time.monotonic()
            _until(trial, clients, count)
            trial.figures["disconnects per second"] = round(trial.counts["disconnects"] / (time.monotonic() - begun))
            after = _settled(daemon, baseline, settle_seconds)
            _compare(trial, daemon, baseline, after)
        finally:
            for client in clients:
                client.end()
            daemon.end()
    return trial


def _until(trial: Trial, clients: list[User], count: int) -> None:
    while trial.counts.get("disconnects", 0) < count:
        for client in clients:
            client.tell("go")
        for client in clients:
            trial.take(client.hear())


def _settled(daemon: Subject, baseline: Resources | None, seconds: float) -> Resources:
    """What the daemon holds once it is back at the baseline, or when it had time enough; without one, once it rests."""
    give_up_at = time.monotonic() + seconds
    last = daemon.resources()
    while time.monotonic() < give_up_at:
        time.sleep(0.3)
        now = daemon.resources()
        is_quiet = now.descriptors == last.descriptors if baseline is None else _is_back(now, baseline)
        if is_quiet and _status(daemon).connections == 1:
            return now
        last = now
    return last


def _is_back(now: Resources, baseline: Resources) -> bool:
    return (
        now.descriptors <= baseline.descriptors
        and now.threads <= baseline.threads
        and now.resident_bytes <= baseline.resident_bytes + MEMORY_SLACK
    )


def _compare(trial: Trial, daemon: Subject, baseline: Resources, after: Resources) -> None:
    for what, before, now, slack in (
        ("descriptors", baseline.descriptors, after.descriptors, 0),
        ("threads", baseline.threads, after.threads, 0),
        ("resident KiB", baseline.resident_bytes >> 10, after.resident_bytes >> 10, MEMORY_SLACK >> 10),
    ):
        trial.figures[f"{what} at the baseline"] = before
        trial.figures[f"{what} afterwards"] = now
        trial.expect(now <= before + slack, f"{before} {what} at the baseline and {now} afterwards")
    status = _status(daemon)
    trial.expect(status.connections == 1, f"the daemon counts {status.connections} connections; there is one")
    trial.expect(status.queued_jobs == 0, f"{status.queued_jobs} jobs wait, and nobody waits for them")
    trial.expect(status.running_jobs == 0, f"{status.running_jobs} jobs run, and nobody waits for them")


def _status(daemon: Subject) -> DaemonStatusReply:
    with Wire(daemon.socket) as wire:
        messages, _ = wire.call("/lens.v1.Daemon/Status", DaemonStatusRequest())
        return DaemonStatusReply.FromString(messages[0])


# MARK: the clients' side


def _go_away(pipe: Connection, socket: str, seed: int) -> None:
    chance = random.Random(seed)
    calls = _calls()
    while True:
        pipe.recv()
        trial = Trial()
        for _ in range(BATCH):
            data = b"".join(start(call_id, *chance.choice(calls)) for call_id in range(1, chance.randint(2, 5)))
            try:
                with Wire(socket, greet=False) as wire:
                    if chance.random() < 0.5:
                        whole = HELLO + data
                        wire.write(whole[: chance.randint(0, len(whole))])
                        trial.count("while sending")
                    else:
                        wire.write(HELLO + data)
                        wire.read_bytes(int(2 ** chance.uniform(0, 18)))
                        trial.count("while receiving")
            except HungUp as error:
                trial.violated(f"the daemon hung up on a good client: {error}")
            trial.count("disconnects")
        pipe.send(trial)


def _calls() -> list[tuple[str, Message]]:
    """Of every kind: short, long, streams, such as wait for their client."""
    short = [Prompt(tokens=TokenPrompt(ids=range(1, 9)))]
    long = [Prompt(tokens=TokenPrompt(ids=range(1, 120)))]
    zero = Intervention(hook=b"z", action=ACTION_ZERO, layers=Indices(range=SliceRange(step=1)))
    endless = GenerationOptions(max_new_tokens=100, temperature=1)
    hooked = HookedRunRequest(run=RunRequest(prompts=short, unrecorded=True), hooks=[b"z0", b"resid_post0"])
    loss = GradientTerm(weight=1, loss=LossTerm())
    gradient = GradientRequest(prompts=short, terms=[loss], wanted=[b"z0"], stops=[b"z0"])
    return [
        ("/lens.v1.Daemon/Status", DaemonStatusRequest()),
        ("/lens.v1.Inference/Run", RunRequest(prompts=short, unrecorded=True)),
        ("/lens.v1.Inference/Run", RunRequest(prompts=long * 3, unrecorded=True, per_token_loss=True, top_count=50)),
        ("/lens.v1.Inference/Query", QueryRequest(prompts=PassSource(prompts=long), hook=b"pattern0")),
        ("/lens.v1.Inference/Sweep", SweepRequest(prompts=long, unrecorded=True, edits=[zero], axes=[SWEEP_AXIS_HEAD])),
        ("/lens.v1.Inference/Generate", GenerateRequest(prompts=short, unrecorded=True, options=endless)),
        ("/lens.v1.Inference/RunHooked", HookedRunMessage(start=hooked)),
        ("/lens.v1.Inference/Gradient", GradientMessage(start=gradient)),
        (
            "/lens.v1.Reports/AttentionPage",
            AttentionPageRequest(prompt=Prompt(text=TextPrompt(text=b"Once upon a time")), with_ablation=True),
        ),
    ]
