"""Which calls are tried again after a failure, when, and for how long."""

from __future__ import annotations

import os
import random
import time
from dataclasses import dataclass
from enum import Enum
from functools import cache

from google.protobuf import descriptor_pool
from google.protobuf.descriptor_pb2 import MethodOptions

from lensd.errors import InvalidArgument, LensError, StatusCode

# How long a call may take that does not say.
UNARY_SECONDS = 60.0
REQUEST_ID_BYTES = 16
# What ends a daemon so often may be the call itself.
MOST_LOSSES = 8


@dataclass(frozen=True)
class Retry:
    """How a client tries again what failed because its daemon went away, restarts or is busy.

    While no daemon answers it tries for `seconds`: first after `first_delay` seconds, then after twice as long each
    time and at most `max_delay`, each time by chance between half of that and all of it. A daemon that is busy and says
    when to come back is asked again for as long as the call may take, in all at most a minute where it may take any
    time. Only what is safe is tried again: calls that read or compute, and calls that write under a request id, which
    the daemon carries out once. Calls with hook functions, and those that change models, are not.
    """

    seconds: float = 10.0
    first_delay: float = 0.05
    max_delay: float = 1.0

    def __post_init__(self) -> None:
        if self.seconds < 0 or not 0 < self.first_delay <= self.max_delay:
            raise InvalidArgument(f"a retry has seconds >= 0 and 0 < first_delay <= max_delay; received {self}")

    def delay(self, failures: int) -> float:
        """Seconds to wait after so many failures in a row, at least one."""
        longest = min(self.max_delay, self.first_delay * 2.0 ** min(failures - 1, 32))
        return longest * random.uniform(0.5, 1.0)


DEFAULT_RETRY = Retry()


class Safety(Enum):
    """What may be done where nobody knows whether a call was carried out: the method's `idempotency_level`."""

    # Try again: it only reads, or computes what is not recorded.
    ALWAYS = MethodOptions.NO_SIDE_EFFECTS
    # Try again with the request id of the first try: what was done is not done again.
    BY_REQUEST_ID = MethodOptions.IDEMPOTENT
    # Tell the user.
    NEVER = MethodOptions.IDEMPOTENCY_UNKNOWN


@cache
def safety_of(method: str) -> Safety:
    """What the .proto says of a method such as `/lens.v1.Inference/Run`; `NEVER` for one that it does not know."""
    service, _, name = method.removeprefix("/").partition("/")
    try:
        found = descriptor_pool.Default().FindServiceByName(service).methods_by_name[name]
    except KeyError:
        return Safety.NEVER
    return Safety(found.GetOptions().idempotency_level)


class Tries:
    """The tries of one call: what each is sent with, and how long to wait before the next. It never waits itself."""

    def __init__(self, retry: Retry | None, method: str, timeout: float | None, is_stream: bool) -> None:
        """`timeout` is in seconds, `None` for the method's own."""
        self.method = method
        self.is_stream = is_stream
        self.safety = safety_of(method)
        # The same for every try.
        self.request_id = os.urandom(REQUEST_ID_BYTES) if self.safety is Safety.BY_REQUEST_ID else b""
        self._retry = retry
        self._timeout = timeout
        now = time.monotonic()
        self._deadline = None if timeout is None else now + timeout
        self._busy_until = now + (UNARY_SECONDS if timeout is None else timeout)
        self._began_at = now
        # Of the failures in a row: how many, and since when.
        self._failures = 0
        self._failing_since = now
        # Of all tries.
        self._losses = 0

    def begin(self) -> float | None:
        """A try begins. Returns the seconds that are left of the call's timeout, `None` where it has none."""
        self._began_at = time.monotonic()
        if self._deadline is None or not self._failures:
            return self._timeout
        return max(0.001, self._deadline - self._began_at)

    def delay_after(self, error: LensError, was_sent: bool) -> float:
        """Seconds to wait before the next try. Raises the error where there is to be none, and says why.

        `was_sent` is false where the daemon cannot have heard of the call.
        """
        if self._retry is None or error.retry_after is None or error.code not in _TRANSIENT:
            raise error
        if was_sent and self.safety is Safety.NEVER:
            is_unsure = error.code == StatusCode.UNAVAILABLE
            raise _amended(error, "; it may have been carried out, so it was not tried again") if is_unsure else error
        now = time.monotonic()
        if not self._failures or (was_sent and now - self._began_at > self._retry.seconds):
            # The daemon was there all the while: another failure, not more of the same.
            self._failures, self._failing_since = 0, now
        self._failures += 1
        if was_sent and error.code == StatusCode.UNAVAILABLE:
            self._losses += 1
            if self._losses == MOST_LOSSES:
                raise _amended(error, f"; {MOST_LOSSES} times during this call")
        delay = max(error.retry_after, self._retry.delay(self._failures))
        give_up_at = self._busy_until
        if error.code == StatusCode.UNAVAILABLE:
            give_up_at = self._failing_since + self._retry.seconds
            if self._deadline is not None:
                give_up_at = min(give_up_at, self._deadline)
        if now + delay > give_up_at:
            waited = now - self._failing_since
            raise _amended(error, f"; tried {self._failures} times in {waited:.1f} s" if self._failures > 1 else "")
        return delay


_TRANSIENT = (StatusCode.UNAVAILABLE, StatusCode.RESOURCE_EXHAUSTED)


def _amended(error: LensError, more: str) -> LensError:
    return type(error)(error.message + more, error.retry_after)
