"""Long texts take a processor for long, and nobody else waits for them."""

from __future__ import annotations

import contextlib
import threading
import time

import lensd

from daemon import Daemon

# One word, which takes longest: some tenths of a second.
LONG = "ab" * 200_000


def test_others_do_not_wait_for_long_texts(daemon: Daemon) -> None:
    is_over = threading.Event()

    def encode() -> None:
        with daemon.connect() as client:
            model = client.model()
            while not is_over.is_set():
                with contextlib.suppress(lensd.LensError):
                    model.to_tokens(LONG)

    threads = [threading.Thread(target=encode) for _ in range(4)]
    for thread in threads:
        thread.start()
    waits = []
    with daemon.connect() as client:
        time.sleep(0.5)
        for _ in range(30):
            began = time.perf_counter()
            client.status()
            waits.append(time.perf_counter() - began)
    is_over.set()
    for thread in threads:
        thread.join(60)
    # Where the threads that serve all calls are taken, each of these takes as long as a text.
    assert sorted(waits)[len(waits) // 2] < 0.05, waits
