"""A private daemon and the `lensctl explore` that serves its live page."""

import json
import pathlib
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
LENSD, LENSCTL = (ROOT / ".build" / "release" / name for name in ("lensd", "lensctl"))


class ExploreServer:
    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        self.socket = folder / "lensd.sock"
        self.daemon = None
        self.start_daemon()
        command = [LENSCTL, "--socket", self.socket, "--json", "explore", "--no-browser"]
        self.server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        said = json.loads(self.server.stdout.readline())
        #: Good for one browser, once.
        self.address = said["address"]
        self.origin = f"http://127.0.0.1:{said['port']}/"

    def start_daemon(self) -> None:
        # Into a file: a pipe that nobody reads is full after some hundred calls, and the daemon waits for its log.
        log_file = self.folder / "log"
        command = [LENSD, "--socket", self.socket, "--state", self.folder / "state"]
        with log_file.open("wb") as log:
            self.daemon = subprocess.Popen(command, stdout=log, stderr=log)
        give_up_at = time.monotonic() + 30
        while " ready" not in log_file.read_text(errors="replace"):
            if self.daemon.poll() is not None or time.monotonic() > give_up_at:
                raise RuntimeError(f"lensd did not become ready: {log_file.read_text(errors='replace')}")
            time.sleep(0.01)

    def stop_daemon(self) -> None:
        if self.daemon:
            self.daemon.terminate()
            self.daemon.communicate(timeout=30)
            self.daemon = None

    def save(self, file: pathlib.Path, *arguments: str) -> None:
        """Writes a page as the shell does, without a server."""
        command = [LENSCTL, "--socket", self.socket, "explore", *arguments, "--save", file]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=60)

    def stop(self) -> None:
        self.server.terminate()
        self.server.communicate(timeout=30)
        self.stop_daemon()
