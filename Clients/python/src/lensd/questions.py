"""Questions to a daemon, written once: the blocking client asks them, asyncio's awaits them.

A question is a generator: it gives the calls that it needs one after the other, gets what they answered, and returns
the answer.

    @question
    def head_scores(self, input: Input) -> Question[HeadScores]:
        reply = yield from unary(methods.SCORE_HEADS, self._scores_request(input))
        return HeadScores.of(reply)

On `lensd.Model` the method returns the `HeadScores`, on `lensd.aio.Model` it is awaited.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator, Iterator
from dataclasses import dataclass
from functools import wraps
from inspect import signature
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, Protocol, TypeAlias, TypeVar, cast, overload

from google.protobuf.message import Message

from lensd.call_state import Receiver
from lensd.channel import Channel
from lensd.methods import Method, Reply, Request

if TYPE_CHECKING:
    import lensd.aio.channel

Answer = TypeVar("Answer")
Given = TypeVar("Given", covariant=True)
Options = ParamSpec("Options")


class Step(Protocol):
    """A call that a question needs."""

    def made(self, channel: Channel) -> Any:
        """Makes it and gives what it answered. Raises what it ended with."""

    async def awaited(self, channel: lensd.aio.channel.Channel) -> Any:
        """The same from a task."""


Question: TypeAlias = Generator[Step, Any, Answer]


def unary(method: Method[Request, Reply], request: Request) -> Question[Reply]:
    """A call with one reply."""
    reply: Reply = yield _Unary(method, request)
    return reply


def whole(
    method: Method[Request, Reply], request: Request, on_each: Callable[[Reply], object] | None = None
) -> Question[list[Reply]]:
    """A call with many replies, all of one try; `on_each` is called with each as it comes."""
    replies: list[Reply] = yield _Whole(method, request, on_each)
    return replies


def delivery(method: Method[Request, Reply], request: Request, receiver: Receiver) -> Question[None]:
    """A call whose replies go to `receiver` as they come."""
    yield _Delivery(method, request, receiver)


def asked(question: Question[Answer], channel: Channel) -> Answer:
    """The answer. Raises what the question does, and what its calls ended with."""
    try:
        step = next(question)
        while True:
            try:
                reply = step.made(channel)
            except BaseException as error:
                step = question.throw(error)
            else:
                step = question.send(reply)
    except StopIteration as end:
        answer: Answer = end.value
        return answer


async def awaited(question: Question[Answer], channel: lensd.aio.channel.Channel) -> Answer:
    """The answer, awaited."""
    try:
        step = next(question)
        while True:
            try:
                reply = await step.awaited(channel)
            except BaseException as error:
                step = question.throw(error)
            else:
                step = question.send(reply)
    except StopIteration as end:
        answer: Answer = end.value
        return answer


class Asking:
    """What has methods that are questions, and makes their calls."""

    _channel: Channel

    def _answer(self, question: Question[Answer]) -> Answer:
        return asked(question, self._channel)


class Awaiting:
    """What has methods that are questions, whose answers are awaited."""

    _channel: lensd.aio.channel.Channel

    def _answer(self, question: Question[Answer]) -> Coroutine[Any, Any, Answer]:
        return awaited(question, self._channel)


class Asked(Protocol[Options, Given]):
    """A method that asks a question: what it gives depends on which client's object it is called on."""

    @overload
    def __get__(self, of: None, owner: Any = None) -> Callable[Concatenate[Any, Options], Any]: ...
    @overload
    def __get__(self, of: Asking, owner: Any = None) -> Callable[Options, Given]: ...
    @overload
    def __get__(self, of: Awaiting, owner: Any = None) -> Callable[Options, Coroutine[Any, Any, Given]]: ...


def question(make: Callable[Concatenate[Any, Options], Question[Answer]]) -> Asked[Options, Answer]:
    """Makes a method of what asks and of what awaits, such as both clients' models, from one that makes a question."""

    @wraps(make)
    def ask(self: Any, *arguments: Options.args, **options: Options.kwargs) -> Any:
        return self._answer(make(self, *arguments, **options))

    # `help` shows what is given, not how.
    shown = signature(make)
    answer = str(shown.return_annotation).removeprefix("Question[").removesuffix("]")
    ask.__signature__ = shown.replace(return_annotation=answer)  # type: ignore[attr-defined]
    return cast("Asked[Options, Answer]", ask)


@dataclass(frozen=True)
class _Unary(Generic[Request, Reply]):
    method: Method[Request, Reply]
    request: Request

    def made(self, channel: Channel) -> Reply:
        return channel.unary(self.method, self.request)

    async def awaited(self, channel: lensd.aio.channel.Channel) -> Reply:
        return await channel.unary(self.method, self.request)


@dataclass(frozen=True)
class _Whole(Generic[Request, Reply]):
    method: Method[Request, Reply]
    request: Request
    on_each: Callable[[Reply], object] | None

    def made(self, channel: Channel) -> list[Reply]:
        with channel.stream(self.method, self.request) as stream:
            return stream.whole(lambda replies: list(self._told(replies)))

    async def awaited(self, channel: lensd.aio.channel.Channel) -> list[Reply]:
        async with channel.stream(self.method, self.request) as stream:
            return await stream.whole(self.on_each)

    def _told(self, replies: Iterator[Reply]) -> Iterator[Reply]:
        for reply in replies:
            if self.on_each is not None:
                self.on_each(reply)
            yield reply


@dataclass(frozen=True)
class _Delivery:
    method: Method[Any, Any]
    request: Message
    receiver: Receiver

    def made(self, channel: Channel) -> None:
        channel.deliver(self.method, self.request, self.receiver)

    async def awaited(self, channel: lensd.aio.channel.Channel) -> None:
        await channel.deliver(self.method, self.request, self.receiver)
