"""A fault that is planted where the time of answers is judged: the daemon stands still now and then."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from subject import Subject


@contextmanager
def standing_still(daemon: Subject, seconds: float, every: float) -> Iterator[None]:
    """Within the block the daemon is stopped for so long, again and again."""
    is_over = threading.Event()

    def pulse() -> None:
        assert daemon.process is not None
        while not is_over.wait(every):
            daemon.process.send_signal(signal.SIGSTOP)
            time.sleep(seconds)
            daemon.process.send_signal(signal.SIGCONT)

    thread = threading.Thread(target=pulse)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()
