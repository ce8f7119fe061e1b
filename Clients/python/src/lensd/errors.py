"""One exception class per status code, all below `LensError`."""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar


class StatusCode(IntEnum):
    """How a call ended: gRPC's codes with gRPC's numbers and meanings."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


class LensError(Exception):
    """What went wrong with a call, in the daemon or on the way to it.

    `code` is the status code, `message` says what was expected and what came. `retry_after` is after how many seconds
    trying again can help; `None` where it cannot, or nobody knows.
    """

    code: ClassVar[StatusCode] = StatusCode.UNKNOWN

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after = retry_after

    def __str__(self) -> str:
        return self.message


class Cancelled(LensError):
    """The call was cancelled."""

    code = StatusCode.CANCELLED


class Unknown(LensError):
    """The daemon ended the call with a code that this client does not know."""

    code = StatusCode.UNKNOWN


class InvalidArgument(LensError, ValueError):
    """Something that was given is wrong, whatever the state of the daemon."""

    code = StatusCode.INVALID_ARGUMENT


class DeadlineExceeded(LensError):
    """The call took longer than it was allowed to."""

    code = StatusCode.DEADLINE_EXCEEDED


class NotFound(LensError, KeyError):
    """No such model, hook point, session or run. A `KeyError` too, so that `cache.get(name)` works."""

    code = StatusCode.NOT_FOUND


class AlreadyExists(LensError):
    """What was to be made is already there."""

    code = StatusCode.ALREADY_EXISTS


class PermissionDenied(LensError):
    """Only somebody else may do that."""

    code = StatusCode.PERMISSION_DENIED


class ResourceExhausted(LensError):
    """A queue, a quota, a limit or the disk is full."""

    code = StatusCode.RESOURCE_EXHAUSTED


class FailedPrecondition(LensError):
    """That cannot be done in the present state."""

    code = StatusCode.FAILED_PRECONDITION


class Aborted(LensError):
    """The call lost against another one; it may be tried again."""

    code = StatusCode.ABORTED


class OutOfRange(LensError):
    """Past the end of something."""

    code = StatusCode.OUT_OF_RANGE


class Unimplemented(LensError):
    """The daemon does not know this call; it may be older than this client."""

    code = StatusCode.UNIMPLEMENTED


class Internal(LensError):
    """The daemon or this client broke a rule of the protocol or of its own."""

    code = StatusCode.INTERNAL


class Unavailable(LensError):
    """No daemon answers, or it went away before the call ended."""

    code = StatusCode.UNAVAILABLE


class DataLoss(LensError):
    """Something stored is damaged."""

    code = StatusCode.DATA_LOSS


class Unauthenticated(LensError):
    """The daemon does not know who is calling."""

    code = StatusCode.UNAUTHENTICATED


_CLASSES: dict[int, type[LensError]] = {
    error.code: error
    for error in (
        Cancelled,
        Unknown,
        InvalidArgument,
        DeadlineExceeded,
        NotFound,
        AlreadyExists,
        PermissionDenied,
        ResourceExhausted,
        FailedPrecondition,
        Aborted,
        OutOfRange,
        Unimplemented,
        Internal,
        Unavailable,
        DataLoss,
        Unauthenticated,
    )
}


def error_for(code: int, message: str, retry_after: float | None = None) -> LensError:
    """The error of a status; `Unknown` names a code that this client does not know."""
    error = _CLASSES.get(code)
    return error(message, retry_after) if error else Unknown(f"status code {code}: {message}")
