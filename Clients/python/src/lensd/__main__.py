"""`python -m lensd …` is `lensctl …`, also where the environment's programs are not on the path."""

import os
import sys

from lensd.binaries import find
from lensd.command_line import finish


def main() -> int:
    """Becomes lensctl."""
    os.execv(find("lensctl"), ["lensctl", *sys.argv[1:]])


if __name__ == "__main__":
    finish("lensd", main)
