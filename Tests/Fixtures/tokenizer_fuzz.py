"""Random tokenizers against random strings, encoded by the `tokenizers` library.

Writes `tokenizer/fuzz.json`: `[{"name", "tokenizer", "cases": [{"text", "ids"}]}]`, where `tokenizer` is the text of a
tokenizer.json. The tokenizers differ in what makes ids differ: added tokens with every flag, vocabularies that lack
bytes, unknown tokens, merges in random order, prefix spaces, no splitting.

A longer run, compared by the same Swift test:
    python Tests/Fixtures/tokenizer_fuzz.py --count 20000 --seed 1 --output /tmp/fuzz.json
    LENS_TOKENIZER_FUZZ=/tmp/fuzz.json swift test -c release --skip-build --filter TokenizerFuzzTests
"""

from __future__ import annotations

import argparse
import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from bpe import END_OF_TEXT
from strings import PIECES, all_strings

ROOT = Path(__file__).parent
BASE = ROOT / "gpt-neo-1l-16h" / "tokenizer.json"

# (content, single_word, lstrip, rstrip, normalized)
ADDED = (
    ("<a", False, False, False, False),
    ("<ab>", False, True, False, False),
    ("b>c", False, False, True, True),
    ("[x]", False, True, True, False),
    ("the", True, False, False, True),
    ("Tom", True, True, True, False),
    ("\u00e9", False, False, False, True),
    ("\u3042", True, False, True, False),
    ("  ", False, False, False, True),
    ("'ll", False, False, True, False),
    ("0", True, False, False, False),
)


def variants(base: dict[str, Any], generator: np.random.Generator) -> dict[str, dict[str, Any]]:
    """Tokenizers by name, made from one."""
    made = {name: copy.deepcopy(base) for name in (
        "plain", "prefix space", "no regex", "added tokens", "added tokens, prefix space", "lacking bytes",
        "unknown", "fused unknown", "random merges", "shuffled merges",
    )}
    for name in ("prefix space", "added tokens, prefix space"):
        made[name]["pre_tokenizer"]["add_prefix_space"] = True
    made["no regex"]["pre_tokenizer"]["use_regex"] = False
    for name in ("added tokens", "added tokens, prefix space"):
        add_tokens(made[name])
    for name in ("lacking bytes", "unknown", "fused unknown"):
        drop_tokens(made[name], generator)
    for name in ("unknown", "fused unknown"):
        made[name]["model"]["unk_token"] = END_OF_TEXT
        made[name]["model"]["fuse_unk"] = name == "fused unknown"
    random_merges(made["random merges"], generator)
    generator.shuffle(made["shuffled merges"]["model"]["merges"])
    return made


def add_tokens(fields: dict[str, Any]) -> None:
    """Appends the added tokens; some are in the vocabulary already."""
    vocabulary = fields["model"]["vocab"]
    number = len(vocabulary)
    for content, single_word, lstrip, rstrip, normalized in ADDED:
        known = content in vocabulary
        fields["added_tokens"].append({
            "id": vocabulary[content] if known else number, "content": content, "single_word": single_word,
            "lstrip": lstrip, "rstrip": rstrip, "normalized": normalized, "special": lstrip,
        })
        number += 0 if known else 1


def drop_tokens(fields: dict[str, Any], generator: np.random.Generator) -> None:
    """Takes a third of the single characters away, and every merge that needs them."""
    model = fields["model"]
    singles = [token for token in model["vocab"] if len(token) == 1]
    gone = {singles[i] for i in generator.choice(len(singles), len(singles) // 3, replace=False)}
    kept = [token for token in model["vocab"] if token == END_OF_TEXT or not gone & set(token)]
    model["vocab"] = {token: number for number, token in enumerate(kept)}
    model["merges"] = [pair for pair in model["merges"] if not gone & set("".join(pair))]


def random_merges(fields: dict[str, Any], generator: np.random.Generator) -> None:
    """Merges that no training would find: of any two tokens, several ways to the same token, in any order."""
    model = fields["model"]
    vocabulary = {token: number for token, number in model["vocab"].items() if len(token) == 1 or token == END_OF_TEXT}
    vocabulary = {token: number for number, token in enumerate(vocabulary)}
    common = [token for token in "\u0120aethoinsr'012.!,\u010a" if token in vocabulary]
    merges = []
    for _ in range(400):
        left, right = (common[i] for i in generator.integers(len(common), size=2))
        if len(left + right) > 9 or [left, right] in merges:
            continue
        if left + right not in vocabulary:
            vocabulary[left + right] = len(vocabulary)
            common.append(left + right)
        merges.append([left, right])
    generator.shuffle(merges)
    model["vocab"], model["merges"] = vocabulary, merges


def strings(count: int, generator: np.random.Generator) -> list[str]:
    """Random strings of several kinds, about equally many of each."""
    pieces = [*PIECES, *(content for content, *_ in ADDED), "<ab>c", "Tom1", " [x] ", "ll", "re", "aaaa", "ee"]
    letters = "aeiouthnsr '.,!012\n"
    known = all_strings()
    limits = (0x80, 0x250, 0x3000, 0x10000, 0x20000, 0x110000)
    made = []
    for index in range(count):
        length = int(generator.integers(1, 24))
        match index % 4:
            case 0:
                made.append("".join(pieces[i] for i in generator.integers(len(pieces), size=length)))
            case 1:
                made.append("".join(letters[i] for i in generator.integers(len(letters), size=2 * length)))
            case 2:
                codes = generator.integers(limits[index // 4 % len(limits)], size=length)
                made.append("".join(chr(c) for c in codes if not 0xD800 <= c < 0xE000))
            case _:
                text = known[int(generator.integers(len(known)))]
                start = int(generator.integers(len(text) + 1))
                piece = pieces[int(generator.integers(len(pieces)))]
                made.append(text[start : start + length] + piece + text[max(0, start - length) : start])
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=140, help="strings per tokenizer")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=ROOT / "tokenizer" / "fuzz.json")
    arguments = parser.parse_args()
    generator = np.random.default_rng(arguments.seed)
    made = variants(json.loads(BASE.read_text(encoding="utf-8")), generator)
    if arguments.count > 1000:
        made["large"] = json.loads((ROOT / "tokenizer" / "tokenizer.json").read_text(encoding="utf-8"))
    blocks = []
    for name, fields in made.items():
        text = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
        tokenizer = Tokenizer.from_str(text)
        cases = [
            json.dumps(
                {"text": string, "ids": tokenizer.encode(string, add_special_tokens=False).ids}, separators=(",", ":")
            )
            for string in strings(arguments.count, generator)
        ]
        head = json.dumps({"name": name, "tokenizer": text}, separators=(",", ":"))[:-1]
        blocks.append(head + ',"cases":[\n' + ",\n".join(cases) + "\n]}")
    arguments.output.write_text("[\n" + ",\n".join(blocks) + "\n]\n", encoding="ascii")


if __name__ == "__main__":
    main()
