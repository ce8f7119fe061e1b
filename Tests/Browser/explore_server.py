"""A private daemon and the `lensctl explore` that serves its live page."""

import json
import pathlib
import subprocess

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
        command = [LENSD, "--socket", self.socket, "--state", self.folder / "state"]
        self.daemon = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        for line in self.daemon.stderr:
            if "ready" in line:
                return
        raise RuntimeError("lensd ended before it was ready")

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
