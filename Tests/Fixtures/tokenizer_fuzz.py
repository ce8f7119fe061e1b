"""Random strings against tokenizers of many kinds, encoded and decoded by the `tokenizers` library.

Writes `tokenizer/fuzz.json`: `[{"name", "tokenizer", "special", "cases": [{"text", "ids", "decoded"}]}]`, where
`tokenizer` is the text of a tokenizer.json, `special` has the ids of texts with what the post-processor adds, `decoded`
is left out where it is the text, and a case without a text is one of decoding. The tokenizers are those of families
(`tokenizer_families.py`) and variants of GPT-2's that differ in what makes ids differ: added tokens with every flag,
vocabularies that lack bytes, unknown tokens, merges in random order, prefix spaces.

A long run, compared with lensd's own tokenizer as it goes:
    python Tests/Fixtures/tokenizer_fuzz.py --against .build/release/lens-bench --count 1000000 --seed 1
"""

from __future__ import annotations

import argparse
import copy
import json
import random
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from bpe import END_OF_TEXT
from strings import PIECES, all_strings
from tokenizer_families import FAMILIES, family, library_code

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


# Characters between which families split, or which normalising changes.
CASED = "aA\u00e9\u00c9\u01c5\u02b0\u4e00\u0301\u0903\u05d0\u00df\u017f'sStTlLrReEdDmMvV /1\n!"
MARKS = (
    "aeouE\u00e9\u1ea5\u0301\u0300\u0323\u0327\u0345\u0334\u0338\u030a\u0b47\u0b3e\u0b57\u09c7\u09be\u1100\u1112"
    "\u1161\u1175\u11a8\u11c2\uac00\ud788\uac01\u212b\u2126\uf900\ufb01\ufdfa\u00bd\u2460\uff21\u3300\u0f73\u0f71\u0f80"
    "\u0344\u0958\u2adc\U0001d15e\U0001d165\U00011131\U00011127\U00011938\u0898\u1e9b\u3099\u304b"
)
SPACED = " \n\r\t\u00a0\u3000\u2028 \n\r /a1!\u2581'"
LIMITS = (0x80, 0x250, 0x3000, 0x10000, 0x20000, 0x110000)


def strings(count: int, seed: int, contents: list[str]) -> Iterator[str]:
    """Random strings of several kinds, about equally many of each.

    `contents` are the tokenizer's added tokens.
    """
    choose = random.Random(seed)
    pieces = [*PIECES, *contents, *contents, "\u2581", "the", " \u2581", "ll", "re", "aaaa", "<0x41>", "\u20ac", "2024"]
    letters = "aeiouthnsr '.,!012\n"
    known = [*all_strings(), library_code()] if count > 1000 else all_strings()
    for index in range(count):
        length = choose.randint(1, 24)
        match index % 8:
            case 0 | 1:
                yield "".join(choose.choices(pieces, k=length))
            case 2:
                yield "".join(choose.choices(letters, k=2 * length))
            case 3:
                limit = LIMITS[index // 8 % len(LIMITS)]
                codes = [int(choose.random() * limit) for _ in range(length)]
                yield "".join(chr(code) for code in codes if not 0xD800 <= code < 0xE000)
            case 4:
                yield "".join(choose.choices(CASED, k=length))
            case 5:
                yield "".join(choose.choices(MARKS, k=length // 2 + 1))
            case 6:
                yield "".join(choose.choices(SPACED, k=length))
            case _:
                text = known[int(choose.random() * len(known))]
                start = int(choose.random() * (len(text) + 1))
                yield text[start : start + 2 * length] + choose.choice(pieces) + text[max(0, start - length) : start]


def tokenizers(count: int, seed: int) -> Iterator[tuple[str, str]]:
    """Names and texts of tokenizer.json files."""
    for name in FAMILIES:
        yield name, json.dumps(family(name), ensure_ascii=False, separators=(",", ":"))
    made = variants(json.loads(BASE.read_text(encoding="utf-8")), np.random.default_rng(seed))
    if count > 1000:
        made["large"] = json.loads((ROOT / "tokenizer" / "tokenizer.json").read_text(encoding="utf-8"))
    for name, fields in made.items():
        yield name, json.dumps(fields, ensure_ascii=False, separators=(",", ":"))


def contents(text: str) -> list[str]:
    """The added tokens of a tokenizer.json."""
    return [token["content"] for token in json.loads(text)["added_tokens"]]


def decodable(tokenizer: Tokenizer, count: int, seed: int) -> list[list[int]]:
    """Random ids, those of bytes more often than chance has them."""
    choose = random.Random(seed)
    size = tokenizer.get_vocab_size()
    low = [tokenizer.token_to_id(f"<0x{byte:02X}>") for byte in range(256)]
    often = [number for number in low if number is not None] or list(range(min(size, 260)))
    lists = []
    for index in range(count):
        length = choose.randint(1, 12)
        lists.append([choose.choice(often) if choose.random() < index % 3 / 2 else choose.randrange(size)
                      for _ in range(length)])
    return lists


def write_fixture(path: Path, count: int, seed: int) -> None:
    """Some cases of every tokenizer, for tests that have no Python."""
    blocks = []
    for number, (name, text) in enumerate(tokenizers(count, seed)):
        tokenizer = Tokenizer.from_str(text)
        cases = []
        for string in strings(count, seed * 1000 + number, contents(text)):
            ids = tokenizer.encode(string, add_special_tokens=False).ids
            decoded = tokenizer.decode(ids, skip_special_tokens=False)
            cases.append({"text": string, "ids": ids} | ({} if decoded == string else {"decoded": decoded}))
        for ids in decodable(tokenizer, count // 4, seed):
            cases.append({"ids": ids, "decoded": tokenizer.decode(ids, skip_special_tokens=False)})
        special = {string: tokenizer.encode(string).ids for string in ("", "Tom saw", "  a ")}
        head = json.dumps({"name": name, "tokenizer": text, "special": special}, separators=(",", ":"))[:-1]
        lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
        blocks.append(f'{head},"cases":[\n{lines}\n]}}')
    path.write_text("[\n" + ",\n".join(blocks) + "\n]\n", encoding="ascii")


class Pipe:
    """lensd's tokenizer behind a pipe."""

    def __init__(self, program: str, text: str) -> None:
        self.file = tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8")  # noqa: SIM115 - open while asked
        self.file.write(text)
        self.file.flush()
        self.process = subprocess.Popen(
            [*program.split(), self.file.name], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def ask(self, requests: list[tuple[bytes, bytes]]) -> Iterator[tuple[list[int], str]]:
        """The ids (of texts) and the decoded text of each request."""
        sent = b"".join(kind + struct.pack("<I", len(body)) + body for kind, body in requests)
        assert self.process.stdin and self.process.stdout
        writer = threading.Thread(target=lambda: (self.process.stdin.write(sent), self.process.stdin.close()))
        writer.start()
        answer = self.process.stdout.read()
        writer.join()
        position = 0
        for kind, _ in requests:
            ids: list[int] = []
            if kind == b"t":
                (count,) = struct.unpack_from("<I", answer, position)
                ids = list(struct.unpack_from(f"<{count}i", answer, position + 4))
                position += 4 + 4 * count
            (length,) = struct.unpack_from("<I", answer, position)
            yield ids, answer[position + 4 : position + 4 + length].decode()
            position += 4 + length
        assert self.process.wait() == 0


def compare(program: str, name: str, text: str, count: int, seed: int, *, control: bool = False) -> int:
    """Encodes and decodes by both and returns the number of differences.

    `control` gives lensd the merges in another order, which must make some.
    """
    tokenizer = Tokenizer.from_str(text)
    fields = json.loads(text)
    if control:
        fields["model"]["merges"].reverse()
    ours = json.dumps(fields)
    differences = 0
    batch = 100_000
    same = 0
    for first in range(0, count, batch):
        size = min(batch, count - first)
        texts = list(strings(size, seed * 1_000_003 + first + len(name), contents(text)))
        encoded = [one.ids for one in tokenizer.encode_batch_fast(texts, add_special_tokens=False)]
        decoded = tokenizer.decode_batch(encoded, skip_special_tokens=False)
        lists = decodable(tokenizer, size // 10, seed + first)
        wanted = [*zip(encoded, decoded, strict=True),
                  *(([], one) for one in tokenizer.decode_batch(lists, skip_special_tokens=False))]
        requests = [(b"t", one.encode()) for one in texts]
        requests += [(b"i", struct.pack(f"<{len(ids)}i", *ids)) for ids in lists]
        for index, (found, expected) in enumerate(zip(Pipe(program, ours).ask(requests), wanted, strict=True)):
            if index < size:
                same += texts[index] == expected[1]
            if found[0] != expected[0] or found[1] != expected[1]:
                differences += 1
                if differences <= 5:
                    what = ascii(texts[index]) if index < size else str(lists[index - size])
                    print(f"{name}: {what}\n  library {expected[0]} {ascii(expected[1])}\n"
                          f"  lensd   {found[0]} {ascii(found[1])}")
    print(f"{name}: {count} strings and {count // 10} lists of ids, {differences} differences; "
          f"{same} strings decode to themselves", flush=True)
    return differences


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=96, help="strings per tokenizer")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=ROOT / "tokenizer" / "fuzz.json")
    parser.add_argument("--against", help="compare with this lens-bench instead of writing a file")
    parser.add_argument("--control", action="store_true", help="give lensd another tokenizer, which must show")
    parser.add_argument("--only", nargs="*", help="tokenizers by name")
    arguments = parser.parse_args()
    if not arguments.against:
        write_fixture(arguments.output, arguments.count, arguments.seed)
        return 0
    differences = 0
    program = arguments.against if " " in arguments.against else f"{arguments.against} tokenizer"
    for name, text in tokenizers(arguments.count, arguments.seed):
        if not arguments.only or name in arguments.only:
            differences += compare(program, name, text, arguments.count, arguments.seed, control=arguments.control)
    print(f"{differences} differences in all")
    return min(differences, 1)


if __name__ == "__main__":
    sys.exit(main())
