"""The life of a run with hook functions: who waits for whom, what a client leaves behind."""

from __future__ import annotations

import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import MODELS, Daemon
from reference import ROOT, assert_close, assert_same_loss, sequence

import lensd
from lensd._proto.hooks_pb2 import (
    HookAnswer,
    HookedRunEvent,
    HookedRunMessage,
    HookedRunRequest,
    HookReplacement,
    HookUnchanged,
    TensorShape,
)
from lensd._proto.run_pb2 import RunRequest
from lensd.channel import Exchange
from lensd.methods import RUN_HOOKED
from lensd.prompts import token_prompt

SEQ7 = sequence(MODELS["local"], "seq7")
SEQ24 = sequence(MODELS["local"], "seq24")
Z = "blocks.1.attn.hook_z"


@pytest.fixture(scope="module")
def tales() -> Iterator[Daemon]:
    """A daemon with the embedded model, whose activations are large enough to be seen."""
    with tempfile.TemporaryDirectory(prefix="lensd-test-") as folder:
        running = Daemon(Path(folder), {"tales": ROOT / "Models" / "tinytales-1l"})
        yield running
        running.stop()


# Six prompts of 256 tokens: a pattern of 24 MiB, and what else a pass holds.
LARGE = [[(7 * position + 31 * prompt) % 1000 for position in range(256)] for prompt in range(6)]


def seconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def test_others_are_answered_while_a_function_sleeps(daemon: Daemon) -> None:
    with lensd.connect(daemon.socket) as sleeping, lensd.connect(daemon.socket) as other:
        model = other.model("local")
        usual = statistics.median(seconds(lambda: model(SEQ24, return_type="loss")) for _ in range(50))
        parked, awake = threading.Event(), threading.Event()

        def sleep(value: Any, hook: Any) -> None:
            parked.set()
            time.sleep(2)
            awake.set()

        with ThreadPoolExecutor(1) as pool:
            run = pool.submit(sleeping.model("local").run_with_hooks, SEQ7, "loss", [(Z, sleep)])
            assert parked.wait(10)
            times = []
            while not awake.is_set():
                times.append(seconds(lambda: model(SEQ24, return_type="loss")))
            assert_same_loss(run.result(10), model(SEQ7, return_type="loss"))
    # On a busy machine all of them are slower; none waits for the sleeper.
    assert len(times) > 20
    assert statistics.median(times) < 3 * usual + 0.01
    assert max(times) < 1


def test_a_function_may_take_longer_than_the_timeout(daemon: Daemon) -> None:
    with lensd.connect(daemon.socket, timeout=0.5) as client:
        model = client.model("local")
        slow = model.run_with_hooks(SEQ7, "loss", [(Z, lambda value, hook: time.sleep(0.8))])
        assert_same_loss(slow, model(SEQ7, return_type="loss"))


def test_a_function_may_call_the_daemon(client: lensd.Client) -> None:
    model, other = client.model("local"), client.model("local")

    def patch(value: Any, hook: Any) -> Any:
        _, cache = other.run_with_cache(list(reversed(SEQ7)), return_type=None, names_filter="z1")
        return cache["z1"]

    patched = model.run_with_hooks(SEQ7, fwd_hooks=[(Z, patch)])
    assert np.abs(patched - model(SEQ7)).max() > 1e-3


def test_many_hooked_runs_at_once(client: lensd.Client) -> None:
    model = client.model("local")

    def scaled(factor: float) -> Any:
        return model.run_with_hooks(SEQ7, fwd_hooks=[(Z, lambda value, hook: value * factor)])

    factors = [index / 8 for index in range(24)]
    expected = [scaled(factor) for factor in factors]
    with ThreadPoolExecutor(8) as pool:
        for logits, alone in zip(pool.map(scaled, factors), expected, strict=True):
            assert_close(logits, alone)


def test_large_activations_go_both_ways(tales: Daemon) -> None:
    with lensd.connect(tales.socket) as client:
        model = client.model()
        shapes = []

        def zero_head(value: Any, hook: Any) -> None:
            shapes.append((value.shape, value.nbytes))
            value[:, 3] = 0

        prompts = LARGE[:4]
        logits = model.run_with_hooks(prompts, fwd_hooks=[("pattern0", zero_head)])
        assert shapes == [((4, 16, 256, 256), 16 << 20)]
        assert_close(logits, model.run_with_interventions(prompts, [lensd.zero("pattern0", head=3)]))


def test_prompts_that_fit_no_pass_are_refused(tales: Daemon) -> None:
    refusal = "at most 1536 tokens in all for this model; received 1792"
    with lensd.connect(tales.socket) as client, pytest.raises(lensd.InvalidArgument, match=refusal):
        client.model().run_with_hooks([*LARGE, LARGE[0]], "loss", [("z0", lambda value, hook: None)])


def park(socket: str) -> subprocess.Popen[str]:
    """A client of its own process whose function never returns; it is parked when this does."""
    script = f"""
import signal, time, lensd
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in what a shell starts in the background
def sleep(value, hook):
    print("parked", value.nbytes, flush=True)
    time.sleep(600)
lensd.connect({socket!r}).model().run_with_hooks({LARGE!r}, "loss", [("pattern0", sleep)])
"""
    client = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert client.stdout is not None
    assert client.stdout.readline() == f"parked {24 << 20}\n"
    return client


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGINT])
def test_a_client_that_goes_in_a_function_leaves_nothing(tales: Daemon, ending: signal.Signals) -> None:
    def resident() -> float:
        return watcher.status().resident_bytes / (1 << 20)

    def becomes(is_so: Callable[[], bool], patience: float = 3) -> bool:
        give_up_at = time.monotonic() + patience
        while not is_so():
            if time.monotonic() > give_up_at:
                return False
            time.sleep(0.02)
        return True

    with lensd.connect(tales.socket) as watcher:
        model = watcher.model()
        loss = model(LARGE, return_type="loss")
        # What the engine's thread used for that goes back when it has had nothing to do for a while.
        time.sleep(3)
        before = resident()
        client = park(tales.socket)
        with client:
            held = resident() - before
            client.send_signal(ending)
            assert client.wait(10) != 0
        # The pass held its pattern of 24 MiB and more; hardly anything of it is left, at once.
        assert held > 24
        assert becomes(lambda: resident() - before < 8), f"{resident() - before:.0f} of {held:.0f} MiB are left"
        assert becomes(lambda: watcher.status().connections == 1)
        assert_same_loss(model(LARGE, return_type="loss"), loss)
    hooked = [line for line in tales.log().splitlines() if "RunHooked" in line]
    assert "status=OK" not in hooked[-1]


def test_a_daemon_that_goes_in_a_function_is_unavailable(own_daemon: Daemon) -> None:
    with lensd.connect(own_daemon.socket) as client:
        model = client.model("local")
        called = []

        def kill(value: Any, hook: Any) -> None:
            own_daemon.kill()
            called.append(hook.name)

        with pytest.raises(lensd.Unavailable):
            model.run_with_hooks(SEQ7, fwd_hooks=[("z0", kill), ("z1", kill)])
        assert called == ["blocks.0.attn.hook_z"]
        own_daemon.restart()
        assert model.run_with_hooks(SEQ7, "loss", [("z0", lambda value, hook: None)]).shape == ()


# Clients that break the rules.

Talk = Exchange[HookedRunMessage, HookedRunEvent]


def starting(*hooks: bytes, model: bytes = b"local") -> HookedRunMessage:
    run = RunRequest(model=model, prompts=[token_prompt(SEQ7)], unrecorded=True)
    return HookedRunMessage(start=HookedRunRequest(run=run, hooks=hooks))


def answer(**fields: Any) -> HookedRunMessage:
    return HookedRunMessage(answer=HookAnswer(**fields))


def start_again(talk: Talk) -> None:
    talk.send(starting(b"z1"))


def hang_up(talk: Talk) -> None:
    talk.end_stream()


def values_alone(talk: Talk) -> None:
    talk.send(answer(values=b"1234"))


def other_shape(talk: Talk) -> None:
    talk.send(answer(replacement=HookReplacement(shapes=[TensorShape(sizes=[7, 4, 2**50])])))


def too_much(talk: Talk) -> None:
    talk.send(answer(replacement=HookReplacement(shapes=[TensorShape(sizes=[7, 4, 8])])))
    talk.send(answer(values=bytes(7 * 4 * 8 * 4 + 1)))


def something_else(talk: Talk) -> None:
    talk.send(answer(replacement=HookReplacement(shapes=[TensorShape(sizes=[7, 4, 8])])))
    talk.send(answer(unchanged=HookUnchanged()))


@pytest.mark.parametrize(
    ("first", "then", "error", "message"),
    [
        (answer(unchanged=HookUnchanged()), None, lensd.InvalidArgument, "begins with a start"),
        (starting(b"no such"), None, lensd.NotFound, "near names"),
        (starting(b"z1", model=b"none"), None, lensd.NotFound, "none"),
        (starting(b"z1"), start_again, lensd.InvalidArgument, "one start"),
        (starting(b"z1"), hang_up, lensd.InvalidArgument, "sends no more"),
        (starting(b"z1"), values_alone, lensd.InvalidArgument, "received values"),
        (starting(b"z1"), other_shape, lensd.InvalidArgument, r"\[7, 4, 8\] in sequence 0; received \[7, 4, 1125"),
        (starting(b"z1"), too_much, lensd.InvalidArgument, "received 897 at once"),
        (starting(b"z1"), something_else, lensd.InvalidArgument, "lacks 896 bytes"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_what_no_client_of_ours_says_is_refused(
    client: lensd.Client,
    first: HookedRunMessage,
    then: Callable[[Talk], None] | None,
    error: type[lensd.LensError],
    message: str,
) -> None:
    def converse() -> None:
        with client.channel.exchange(RUN_HOOKED, first) as talk:
            for event in talk:
                if then is not None and event.hook.WhichOneof("event") == "values":
                    then(talk)

    with pytest.raises(error, match=message):
        converse()
    assert client.status().threads > 0


# Typed edits beside functions.


def test_every_edit_goes_with_functions(client: lensd.Client) -> None:
    model = client.model("local")
    prompts = [SEQ7, list(reversed(SEQ7))]
    _, cache = model.run_with_cache(SEQ24[:7], return_type=None, names_filter=[])
    edits = [
        lensd.patch("z0", cache, prompt=0),
        lensd.swap("resid_mid1", 1),
        lensd.project("resid_post1", np.arange(1, 33)),
        lensd.mask("pattern2", source=0),
    ]
    expected = model.run_with_interventions(prompts, edits)
    names: list[str] = []

    def look(value: Any, hook: Any) -> None:
        names.append(hook.name)

    with model.hooks(interventions=edits, fwd_hooks=[(lambda name: True, look)]):
        logits = model(prompts)
    assert_close(logits, expected)
    assert len(names) > 50
    # What a function left cannot be taken from: the daemon could not compute it again.
    with model.hooks(fwd_hooks=[(Z, lambda value, hook: value * 0)]):
        _, left = model.run_with_cache(SEQ7, return_type=None, names_filter=["z1"])
    with pytest.raises(lensd.LensError, match="hook function"):
        model.run_with_interventions(SEQ7, [lensd.patch("z1", left)])
