"""Text to tokens: lensd against the `tokenizers` library on one thread, in turn, on the same tokenizer.json.

The vocabularies are trained here on Python's documentation (English) and standard library (code), 32000 tokens each,
with the components of each family; what is measured is the same documentation and code in one piece, and the
documentation line by line. Prints both speeds and their ratio, medians of some runs.
"""

from __future__ import annotations

import argparse
import json
import os

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["RAYON_NUM_THREADS"] = "1"

import statistics
import struct
import subprocess
import sys
import time
from pathlib import Path

from tokenizers import Tokenizer

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "Fixtures"))

from tokenizer_families import library_code, library_prose, write_large  # noqa: E402

FAMILIES = ["gpt2", "neox", "llama3", "qwen2", "bloom", "phi2", "llama2", "mistral", "gemma"]


class Lensd:
    """lensd's tokenizer behind a pipe, which says how long each encoding takes."""

    def __init__(self, program: str, file: Path) -> None:
        self.process = subprocess.Popen(
            [program, "tokenizer", str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def seconds(self, text: str) -> float:
        assert self.process.stdin and self.process.stdout
        body = text.encode()
        self.process.stdin.write(b"s" + struct.pack("<I", len(body)) + body)
        self.process.stdin.flush()
        (nanoseconds,) = struct.unpack("<Q", self.process.stdout.read(8))
        return nanoseconds / 1e9

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()


def library_seconds(tokenizer: Tokenizer, texts: list[str]) -> float:
    start = time.perf_counter()
    for text in texts:
        # Without offsets, which lensd does not make either.
        tokenizer.encode_batch_fast([text], add_special_tokens=False)
    return time.perf_counter() - start


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=".build/release/lens-bench")
    parser.add_argument("--folder", type=Path, default=Path(".build/tokenizers"), help="where vocabularies are kept")
    parser.add_argument("--families", nargs="*", default=FAMILIES)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    write_large(arguments.folder, arguments.families)
    prose, code = library_prose()[:400_000], library_code()[:400_000]
    works = {"English": [prose], "code": [code], "English, lines": prose[:100_000].splitlines()}
    figures = []
    print(f"{'tokenizer':<12}{'text':<16}{'lensd':>12}{'library':>12}{'ratio':>8}")
    for family in arguments.families:
        file = arguments.folder / f"{family}.json"
        tokenizer = Tokenizer.from_file(str(file))
        lensd = Lensd(arguments.program, file)
        for work, texts in works.items():
            megabytes = sum(len(text.encode()) for text in texts) / 1e6
            pairs = [
                (sum(map(lensd.seconds, texts)), library_seconds(tokenizer, texts)) for _ in range(arguments.repeats)
            ]
            ours, theirs = (megabytes / statistics.median(times) for times in zip(*pairs, strict=True))
            figures.append({"tokenizer": family, "text": work, "lensd": ours, "library": theirs})
            print(f"{family:<12}{work:<16}{ours:>7.1f} MB/s{theirs:>7.1f} MB/s{ours / theirs:>8.1f}", flush=True)
        lensd.close()
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n")
    return int(any(figure["lensd"] < figure["library"] for figure in figures))


if __name__ == "__main__":
    sys.exit(main())
