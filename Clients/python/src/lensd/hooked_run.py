"""A run with hook functions: one call that goes back and forth."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from lensd._proto.hooks_pb2 import HookAnswer, HookedRunMessage, HookedRunRequest
from lensd._proto.run_pb2 import RunReply, RunRequest
from lensd.activations import KeptPass, check_fingerprint
from lensd.arrays import Arrays
from lensd.channel import Channel
from lensd.errors import Internal
from lensd.hook_session import HookSession
from lensd.hooks import Calls, HookPoint
from lensd.methods import RUN_HOOKED


def run_hooked(
    channel: Channel,
    request: RunRequest,
    calls: Calls,
    points: Mapping[str, HookPoint],
    arrays: Arrays,
    fingerprint: str,
    session_of: Callable[..., HookSession] = HookSession,
) -> tuple[RunReply, KeptPass]:
    """Runs a request with functions called on the way; the activations that it keeps come with the result.

    `session_of` makes what calls the functions. What a function raises cancels the run and is raised as it is.
    """
    hooks = [name.encode() for name in calls]
    start = HookedRunMessage(start=HookedRunRequest(run=request, hooks=hooks))
    with channel.exchange(RUN_HOOKED, start) as exchange:

        def send(answer: HookAnswer) -> None:
            exchange.send(HookedRunMessage(answer=answer))

        session = session_of(calls, points, arrays, send, exchange.paused)
        reply = None
        for event in exchange:
            body = event.WhichOneof("event")
            if body == "hook":
                session.take(event.hook)
            elif body == "result":
                reply = event.result
            else:
                check_fingerprint(fingerprint, event.start.model.fingerprint)
    if reply is None:
        raise Internal("the daemon ended the run without a result")
    return reply, KeptPass(session.kept, arrays, reply.run_id.decode() or None)
