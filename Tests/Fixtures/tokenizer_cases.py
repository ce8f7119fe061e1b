"""Tokenizer fixtures: encodings, decodings and the character classes of the splitting rule."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers

from bpe import END_OF_TEXT, train_large_tokenizer
from manifest import write_lines
from strings import all_strings

CHECKPOINT = "gpt-neo-1l-16h"
BOS_CHECKPOINT = "gpt-neo-1l-untied"


def write_tokenizer_cases(root: Path) -> None:
    """Writes everything below `tokenizer/`; the checkpoints must be there already."""
    folder = root / "tokenizer"
    folder.mkdir(exist_ok=True)
    write_large_tokenizer(folder / "tokenizer.json")
    tokenizers = {
        "checkpoint": Tokenizer.from_file(str(root / CHECKPOINT / "tokenizer.json")),
        "large": Tokenizer.from_file(str(folder / "tokenizer.json")),
    }
    strings = all_strings()
    write_lines(folder / "strings.json", [encoding_case(text, tokenizers) for text in strings])
    write_lines(folder / "decode.json", decoding_cases(tokenizers))
    template = Tokenizer.from_file(str(root / BOS_CHECKPOINT / "tokenizer.json"))
    write_lines(folder / "bos.json", [template_case(text, template) for text in strings[:40]])
    write_lines(
        folder / "classes.json",
        [{"class": name, "ranges": ranges} for name, ranges in character_classes().items()],
    )
    write_lines(folder / "normalization.json", normalization_sums())


def write_large_tokenizer(path: Path) -> None:
    """Writes the larger tokenizer as GPT-2's own tokenizer.json is written.

    Merges are strings "a b" (newer files have pairs), `use_regex` is left to its default, and
    `<|endoftext|>` stands in the vocabulary as well as among the added tokens.
    """
    tokenizer = train_large_tokenizer()
    fields = json.loads(tokenizer.to_str())
    fields["model"]["merges"] = [" ".join(pair) for pair in fields["model"]["merges"]]
    fields["model"]["vocab"][END_OF_TEXT] = tokenizer.token_to_id(END_OF_TEXT)
    for part in ("pre_tokenizer", "post_processor", "decoder"):
        del fields[part]["use_regex"]
    path.write_text(json.dumps(fields, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")
    reread = Tokenizer.from_file(str(path))
    for text in all_strings():
        assert reread.encode(text).ids == tokenizer.encode(text).ids, ascii(text)


def encoding_case(text: str, tokenizers: dict[str, Tokenizer]) -> dict[str, Any]:
    """The ids of a string, no special token added, and what they decode to."""
    ids = {
        name: tokenizer.encode(text, add_special_tokens=False).ids
        for name, tokenizer in tokenizers.items()
    }
    decoded = {
        name: tokenizer.decode(ids[name], skip_special_tokens=False)
        for name, tokenizer in tokenizers.items()
    }
    assert set(decoded.values()) == {text}, ascii(text)
    return {"text": text, "ids": ids, "decoded": text}


def template_case(text: str, tokenizer: Tokenizer) -> dict[str, Any]:
    """The ids of a string with a tokenizer that adds BOS itself, with and without that."""
    return {
        "text": text,
        "ids": tokenizer.encode(text, add_special_tokens=False).ids,
        "special_ids": tokenizer.encode(text, add_special_tokens=True).ids,
    }


def decoding_cases(tokenizers: dict[str, Tokenizer]) -> list[dict[str, Any]]:
    """Ids and their text, broken UTF-8 included: single tokens, random ids, random bytes."""
    generator = np.random.default_rng(8)
    cases = []
    for name, tokenizer in tokenizers.items():
        size = tokenizer.get_vocab_size()
        sequences = [[token] for token in range(min(size, 520))]
        for index in range(120):
            limit = size if index % 2 else 257
            length = int(generator.integers(2, 12))
            sequences.append([int(token) for token in generator.integers(limit, size=length)])
        for ids in sequences:
            text = tokenizer.decode(ids, skip_special_tokens=False)
            cases.append({"tokenizer": name, "ids": ids, "text": text})
    return cases


def character_classes() -> dict[str, list[list[int]]]:
    r"""Inclusive code point ranges of \p{L}, \p{N} and \s as the `tokenizers` library sees them.

    Found by asking: after a letter a letter goes on with the piece, and so for the other classes.
    Every character in no list is of the fourth class. Surrogates are left out.
    """
    splitter = pre_tokenizers.ByteLevel(add_prefix_space=False)
    probes = {"letter": "a", "number": "1", "other": "!"}
    ranges: dict[str, list[list[int]]] = {"letter": [], "number": [], "space": []}
    for code in range(0x110000):
        if 0xD800 <= code < 0xE000:
            continue
        kind = "space"
        for name, probe in probes.items():
            if len(splitter.pre_tokenize_str(probe + chr(code))) == 1:
                kind = name
                break
        if kind == "other":
            continue
        if kind == "space":
            assert len(splitter.pre_tokenize_str(" " + chr(code))) == 1, hex(code)
        add_code(ranges[kind], code)
    every = "".join(chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000)
    splitters = {
        name: pre_tokenizers.Split(Regex(f"{pattern}+"), "removed", invert=True)
        for name, pattern in {
            "uppercase": r"[\p{Lu}\p{Lt}]", "lowercase": r"\p{Ll}", "other letter": r"[\p{Lm}\p{Lo}]", "mark": r"\p{M}",
        }.items()
    }
    for name, splitter in splitters.items():
        ranges[name] = []
        for piece, _ in splitter.pre_tokenize_str(every):
            for character in piece:
                add_code(ranges[name], ord(character))
    return ranges


def add_code(ranges: list[list[int]], code: int) -> None:
    """Appends a code point that is above all others."""
    if ranges and ranges[-1][1] == code - 1:
        ranges[-1][1] = code
    else:
        ranges.append([code, code])


def normalization_sums() -> list[dict[str, Any]]:
    """For each form and each 4096 code points: a sum over what each becomes by itself, a line each.

    The sum starts as 0 and becomes, with each byte, itself times 1099511628211 plus the byte, modulo 2^64.
    """
    forms = {
        "NFC": normalizers.NFC(), "NFD": normalizers.NFD(), "NFKC": normalizers.NFKC(), "NFKD": normalizers.NFKD()
    }
    records = []
    for name, normalizer in forms.items():
        for first in range(0, 0x110000, 4096):
            codes = [code for code in range(first, first + 4096) if not 0xD800 <= code < 0xE000]
            if not codes:
                continue
            total = 0
            for byte in normalizer.normalize_str("\n".join(map(chr, codes))).encode():
                total = (total * 1099511628211 + byte) % 2**64
            # As text: not every reader of JSON has integers of 64 bits.
            records.append({"form": name, "first": first, "sum": f"{total:016x}"})
    return records
