"""How the package's programs begin and end: usage errors, messages on standard error, exit codes of sysexits."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from typing import NoReturn

from lensd.errors import LensError, StatusCode

BAD_USAGE = 64
_EXIT_CODES = {
    StatusCode.INVALID_ARGUMENT: 65,
    StatusCode.NOT_FOUND: 65,
    StatusCode.OUT_OF_RANGE: 65,
    StatusCode.UNAVAILABLE: 69,
    StatusCode.RESOURCE_EXHAUSTED: 75,
    StatusCode.DEADLINE_EXCEEDED: 75,
    StatusCode.ABORTED: 75,
    StatusCode.PERMISSION_DENIED: 77,
    StatusCode.UNAUTHENTICATED: 77,
}


class Parser(argparse.ArgumentParser):
    """Argument parsing that ends with 64 on bad usage, as `lensctl` does."""

    def error(self, message: str) -> NoReturn:
        """Says what is wrong with the command line, with the usage below."""
        self.exit(BAD_USAGE, f"{self.prog}: {message}\n{self.format_usage()}")


def finish(name: str, program: Callable[[], int]) -> NoReturn:
    """Runs a program and ends the process: 130 after Ctrl-C, for a `LensError` as its status says.

    With `--json` on the command line the error is on standard output too, as lensctl has it.
    """
    try:
        code = program()
        sys.stdout.flush()
    except LensError as error:
        code = _EXIT_CODES.get(error.code, 1)
        print(f"{name}: {error}", file=sys.stderr)
        if "--json" in sys.argv:
            answer = {"error": {"code": error.code.name, "message": error.message}}
            print(json.dumps(answer, ensure_ascii=False), flush=True)
    except KeyboardInterrupt:
        code = 130
    except BrokenPipeError:
        # Whoever read has seen enough; nothing may be written when Python flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 141
    sys.exit(code)
