"""`kill -9` at random moments: what was acknowledged is there, equal and once; the database is sound."""

from __future__ import annotations

import argparse
import random
import time
from contextlib import suppress
from multiprocessing.connection import Connection

from lensd.errors import StatusCode

from diary import Diary
from lies import lying
from record import Trial
from subject import Subject, folder
from users import FIRST_UID, User
from wire import HungUp, Wire
from writes import Answer, Write, run_ids, send, some_write, stored

GOAL = "2,000 kills: 0 acknowledged writes lost, database sound every time, restart to ready within 2 s plus loading"
# A fresh state folder after so many kills, so that looking at it stays quick.
KILLS_PER_STATE = 50
# Enough for a planted fault to show.
CONTROL_KILLS = 3
# Between runs, so often something is done to sessions.
DIARY_SHARE = 0.3
# Of the kills so many come before the daemon is ready.
EARLY_SHARE = 0.15
LONGEST_EARLY = 0.15
LONGEST_LIFE = 0.3
READY_SECONDS = 2.0


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--count", type=int, default=2000, help="kills (%(default)s)")
    parser.add_argument("--users", type=int, default=3, help="users that write (%(default)s)")


def run(options: argparse.Namespace) -> Trial:
    """Kills so often."""
    trial = Trial()
    chance = random.Random(options.seed)
    starts: list[float] = []
    done = 0
    while done < options.count:
        kills = min(KILLS_PER_STATE, options.count - done)
        _kill_one_state(trial, chance, kills, options.users, starts, {})
        done += kills
    trial.time("restart to ready", starts)
    slow = sum(seconds > READY_SECONDS for seconds in starts)
    trial.expect(slow == 0, f"{slow} starts took more than {READY_SECONDS} s to be ready")
    return trial


def controls(options: argparse.Namespace) -> dict[str, Trial]:
    """Faults that are planted, and what was found of them."""
    found = {}
    for planted, env, forgets in (
        ("a log whose writes are acknowledged before they are made", lying("late"), False),
        ("clients that retry without their request ids", {}, True),
    ):
        trial = Trial()
        _kill_one_state(trial, random.Random(options.seed), CONTROL_KILLS, options.users, [], env, forgets)
        found[planted] = trial
    return found


def _kill_one_state(
    trial: Trial,
    chance: random.Random,
    kills: int,
    user_count: int,
    starts: list[float],
    env: dict[str, str],
    forgets: bool = False,
) -> None:
    with folder() as path:
        daemon = Subject(path)
        users = [
            User(FIRST_UID + index, _write_and_check, str(daemon.socket), chance.getrandbits(32), forgets)
            for index in range(user_count)
        ]
        acknowledged: dict[tuple[int, bytes], str] = {}
        try:
            for _ in range(kills):
                _live_once(trial, chance, daemon, users, acknowledged, starts, env)
                trial.count("kills")
                _look_at_disk(trial, daemon, acknowledged)
            daemon.begin()
            _let_live(trial, daemon, users, acknowledged, 0.0)
        finally:
            daemon.end()
            for user in users:
                user.end()


def _live_once(
    trial: Trial,
    chance: random.Random,
    daemon: Subject,
    users: list[User],
    acknowledged: dict[tuple[int, bytes], str],
    starts: list[float],
    env: dict[str, str],
) -> None:
    """Starts the daemon and kills it, early or in the middle of its users' calls."""
    begun = time.monotonic()
    daemon.launch(env=env)
    if chance.random() < EARLY_SHARE:
        time.sleep(chance.uniform(0, LONGEST_EARLY))
        daemon.kill()
        trial.count("kills before ready")
        return
    if not daemon.wait_ready():
        trial.violated(f"the daemon did not start again: {daemon.log()[-500:]}")
        return
    starts.append(time.monotonic() - begun)
    trial.expect("damaged" not in daemon.log(), f"the daemon found its database damaged: {daemon.log()[-500:]}")
    _let_live(trial, daemon, users, acknowledged, chance.uniform(0, LONGEST_LIFE))


def _let_live(
    trial: Trial, daemon: Subject, users: list[User], acknowledged: dict[tuple[int, bytes], str], seconds: float
) -> None:
    for user in users:
        user.tell("go")
    for user in users:
        user.hear()  # They have looked at what they had.
    time.sleep(seconds)
    daemon.kill()
    for user in users:
        told, found = user.hear()
        acknowledged.update({(user.uid, request_id): run_id for request_id, run_id in told})
        trial.take(found)


def _look_at_disk(trial: Trial, daemon: Subject, acknowledged: dict[tuple[int, bytes], str]) -> None:
    verdict, runs = stored(daemon.state, daemon.folder / "aside")
    trial.expect(verdict == "ok", f"integrity_check: {verdict}")
    trial.count("databases checked")
    for (uid, request_id), run_id in acknowledged.items():
        there = runs.get((uid, request_id), [])
        trial.expect(there == [run_id], f"acknowledged as {run_id} to uid {uid}; on the disk: {there or 'nothing'}")
    doubled = [ids for (_, request_id), ids in runs.items() if request_id is not None and len(ids) > 1]
    trial.expect(not doubled, f"recorded twice under one request id: {doubled[:3]}")


# MARK: the users' side


def _write_and_check(pipe: Connection, socket: str, seed: int, forgets: bool) -> None:
    """At each "go" looks at what was acknowledged before, then writes until the daemon is gone."""
    chance = random.Random(seed)
    session = "kills"
    diary = Diary()
    acknowledged: list[tuple[Write, Answer]] = []
    pending: list[Write] = []
    while True:
        pipe.recv()
        trial = Trial()
        news: list[tuple[bytes, str]] = []
        entries = diary.number
        is_told = False
        with suppress(HungUp), Wire(socket) as wire:
            if forgets:
                pending = [Write(each.method, each.request, b"") for each in pending]
            _retry(trial, wire, pending, acknowledged, news)
            _look_back(trial, chance, wire, session, acknowledged)
            diary.compare(trial, wire)
            pipe.send("looked")
            is_told = True
            while True:
                if chance.random() < DIARY_SHARE and (wrong := diary.write(wire, chance)):
                    trial.violated(wrong)
                pending = [some_write(chance, session)]
                _retry(trial, wire, pending, acknowledged, news)
        if not is_told:
            pipe.send("the daemon is gone")
        trial.count("acknowledged writes", len(news))
        trial.count("acknowledged changes of sessions", diary.number - entries)
        pipe.send((news, trial))


def _retry(
    trial: Trial,
    wire: Wire,
    pending: list[Write],
    acknowledged: list[tuple[Write, Answer]],
    news: list[tuple[bytes, str]],
) -> None:
    """Makes the call that is pending; it stays pending where the daemon goes away."""
    while pending:
        answer, status = send(wire, pending[0])
        if answer is None:
            trial.violated(f"{pending[0].method} ended with {status.code}: {status.message.decode()}")
        else:
            acknowledged.append((pending[0], answer))
            news.append((pending[0].request_id, answer.run_id))
        pending.pop(0)


def _look_back(
    trial: Trial, chance: random.Random, wire: Wire, session: str, acknowledged: list[tuple[Write, Answer]]
) -> None:
    """Every run is listed once, in order; some are asked for again under their request ids and are equal."""
    listed = run_ids(wire, session)
    wanted = [answer.run_id for _, answer in acknowledged]
    trial.expect(
        listed == wanted,
        f"{len(wanted)} runs were acknowledged and {len(listed)} are listed; missing "
        f"{[each for each in wanted if each not in listed][:3]}, unknown "
        f"{[each for each in listed if each not in wanted][:3]}",
    )
    trial.count("lists compared")
    kept = [each for each in acknowledged if each[0].request_id]
    for write, answer in chance.sample(kept, min(6, len(kept))) + kept[-3:]:
        again, status = send(wire, write)
        trial.expect(again == answer, f"run {answer.run_id} came back different: {StatusCode(status.code).name}")
        trial.count("answers compared")
