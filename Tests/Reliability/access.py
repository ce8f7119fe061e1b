"""Every call of every service, asked by owner, grantee, stranger and administrator."""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import random
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from multiprocessing.connection import Connection

import lensd._proto
from daemon import TINY
from google.protobuf.message import Message
from lensd._proto.frame_pb2 import CancelCall, ClientFrame, EndStream
from lensd._proto.sessions_pb2 import ShareSessionRequest
from lensd.errors import StatusCode
from lensd.framing import encode_frame

from access_table import PROBES, Probe, Rule, World
from lies import lying
from record import ROOT, Trial
from subject import Subject, folder
from users import FIRST_UID, User
from wire import Wire, start
from writes import RUN

GOAL = "every call × {owner, grantee, stranger, administrator}: as the rule book; strangers' ids answer as absent ones"
METHOD_TABLES = sorted((ROOT / "Sources" / "LensWire" / "Methods").glob("*.swift"))
PACKAGE = "/lens.v1."
UNSHARE = PACKAGE + "Sessions/Unshare"


class Role(Enum):
    OWNER = FIRST_UID
    GRANTEE = FIRST_UID + 1
    STRANGER = FIRST_UID + 2
    ADMINISTRATOR = 0


@dataclass(frozen=True)
class Reply:
    """All that a caller is told: the messages and the status."""

    messages: tuple[bytes, ...]
    code: StatusCode
    text: bytes


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=int, default=1, help="times through the table (%(default)s)")


def run(options: argparse.Namespace) -> Trial:
    """Asks everything, also of a daemon in which nobody has anything: that is what absent things answer like."""
    trial = Trial()
    for missing in sorted(methods() ^ {probe.method for probe in PROBES}):
        trial.violated(f"{missing} is not both a method and in the table of who may call what")
    for _ in range(options.rounds):
        _ask_everything(trial, options.seed, {})
    return trial


def controls(options: argparse.Namespace) -> dict[str, Trial]:
    trial = Trial()
    _ask_everything(trial, options.seed, lying("peer"))
    return {"a kernel that gives every peer the owner's uid": trial}


def methods() -> set[str]:
    """What the .proto files declare and what the Swift table serves; these are the same."""
    declared = set()
    for module in pkgutil.iter_modules(lensd._proto.__path__, "lensd._proto."):
        file = getattr(importlib.import_module(module.name), "DESCRIPTOR", None)
        for service in file.services_by_name.values() if file is not None else ():
            declared |= {f"{PACKAGE}{service.name}/{method.name}" for method in service.methods}
    served = set(re.findall(r'"(/lens\.v1\.\w+/\w+)"', "".join(file.read_text() for file in METHOD_TABLES)))
    assert declared == served, f"declared or served, not both: {sorted(declared ^ served)}"
    return declared


def _ask_everything(trial: Trial, seed: int, env: dict[str, str]) -> None:
    chance = random.Random(seed)
    with _daemon(env) as daemon, _daemon({}) as empty, _users() as users:
        for probe in PROBES:
            # Those who may change nothing come first.
            for role in sorted(Role, key=lambda role: _may(probe.rule, role)):
                world = _make_world(users[Role.OWNER], daemon, chance)
                request = probe.request(world)
                reply = _ask(users[role], daemon, probe, request)
                trial.count("calls")
                what = f"{probe} by the {role.name.lower()}"
                if _may(probe.rule, role):
                    trial.expect(
                        reply.code == StatusCode.OK, f"{what}: expected OK, received {reply.code.name}: {reply.text!r}"
                    )
                    _expect_no_secret(trial, what, probe, role, world, reply)
                elif probe.rule is Rule.ADMINISTERS or role is Role.GRANTEE:
                    # A grantee knows of the session and is told that it is not his to change.
                    trial.expect(
                        reply.code == StatusCode.PERMISSION_DENIED,
                        f"{what}: expected PERMISSION_DENIED, received {reply.code.name}: {reply.text!r}",
                    )
                else:
                    absent = _ask(users[role], empty, probe, request)
                    trial.count("replies compared with those for absent things")
                    trial.expect(
                        reply.code == StatusCode.NOT_FOUND and not reply.messages,
                        f"{what}: expected NOT_FOUND, received {reply.code.name}: {reply.text!r}",
                    )
                    trial.expect(reply == absent, f"{what}: {reply} differs from what an absent one answers: {absent}")
        _expect_revocation(trial, users, daemon, empty, chance)


def _expect_revocation(
    trial: Trial, users: dict[Role, User], daemon: Subject, empty: Subject, chance: random.Random
) -> None:
    """What is shared no longer is absent again, for its reader as for everybody."""
    world = _make_world(users[Role.OWNER], daemon, chance)
    unshare = ShareSessionRequest(name=world.session, user=b"%d" % world.grantee)
    _ask(users[Role.OWNER], daemon, Probe(UNSHARE, "own", Rule.OWNS, lambda _: unshare), unshare)
    for probe in PROBES:
        if probe.rule is Rule.READS:
            request = probe.request(world)
            reply = _ask(users[Role.GRANTEE], daemon, probe, request)
            absent = _ask(users[Role.GRANTEE], empty, probe, request)
            trial.count("replies compared with those for absent things")
            trial.expect(
                reply == absent and reply.code == StatusCode.NOT_FOUND, f"{probe} when it was unshared: {reply}"
            )


def _may(rule: Rule, role: Role) -> bool:
    match rule:
        case Rule.EVERYBODY:
            return True
        case Rule.READS:
            return role in (Role.OWNER, Role.GRANTEE)
        case Rule.OWNS:
            return role is Role.OWNER
        case Rule.ADMINISTERS:
            return role is Role.ADMINISTRATOR


def _expect_no_secret(trial: Trial, what: str, probe: Probe, role: Role, world: World, reply: Reply) -> None:
    """What is everybody's tells nobody of others' things."""
    if probe.rule is not Rule.EVERYBODY or role in (Role.OWNER, Role.GRANTEE):
        return
    told = b"".join(reply.messages) + reply.text
    for secret in (world.run_id, world.session, world.text):
        trial.expect(secret not in told, f"{what}: the reply holds another user's {secret!r}")


@contextmanager
def _daemon(env: dict[str, str]) -> Iterator[Subject]:
    with folder() as path:
        spare = [f"--model=spare-{number}={TINY}" for number in range(3)]
        daemon = Subject(path, f"--model=tinytales-1l={ROOT / 'Models' / 'tinytales-1l'}", *spare)
        try:
            yield daemon.begin(env=env)
        finally:
            daemon.end()


@contextmanager
def _users() -> Iterator[dict[Role, User]]:
    users: dict[Role, User] = {}
    try:
        for role in Role:
            users[role] = User(role.value, _answer_for)
        yield users
    finally:
        for user in users.values():
            user.end()


def _make_world(owner: User, daemon: Subject, chance: random.Random) -> World:
    """A session of the owner's with a run, shared with the grantee."""
    word = f"{chance.getrandbits(48):012x}"
    world = World(
        session=f"secret-{word}".encode(),
        text=f"secret {word}".encode(),
        owner=Role.OWNER.value,
        grantee=Role.GRANTEE.value,
    )
    for method, request in world.making():
        owner.tell((str(daemon.socket), method, request.SerializeToString()))
        reply: Reply = owner.hear()
        assert reply.code == StatusCode.OK, reply
        if method == RUN:
            world.take_run(reply.messages[0])
    return world


def _ask(user: User, daemon: Subject, probe: Probe, request: Message) -> Reply:
    user.tell((str(daemon.socket), probe.method, request.SerializeToString()))
    return user.hear()


# MARK: the users' side


def _answer_for(pipe: Connection) -> None:
    """Makes the calls that it is told of, with the uid that this process has."""
    while True:
        socket, method, request = pipe.recv()
        with Wire(socket) as wire:
            pipe.send(_call(wire, method, request))


def _call(wire: Wire, method: str, request: bytes) -> Reply:
    """Calls that go on for as long as the client answers are cancelled once the daemon serves them."""
    wire.write(start(1, method, request))
    if method.endswith("/Import"):
        wire.write(encode_frame(ClientFrame(call_id=1, end_stream=EndStream())))
    messages: list[bytes] = []
    is_cancelled = False
    while True:
        frame = wire.read()
        match frame.WhichOneof("body"):
            case "message":
                messages.append(frame.message)
                if method.endswith(("Hooked", "Gradient")) and not is_cancelled:
                    wire.write(encode_frame(ClientFrame(call_id=1, cancel=CancelCall())))
                    is_cancelled = True
            case "status":
                code = StatusCode(frame.status.code)
                if is_cancelled and code == StatusCode.CANCELLED:
                    code = StatusCode.OK
                return Reply(tuple(messages), code, frame.status.message)
