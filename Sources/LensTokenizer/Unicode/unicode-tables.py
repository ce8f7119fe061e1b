#!/usr/bin/env python3
"""Asks the `tokenizers` library what characters are and writes UnicodeTables.swift: unicode-tables.py [--check]

Its parts know different versions of Unicode: the pattern engine one, the matcher of added tokens and the digits others,
normalisation one that is years older. Ids must be the library's, not those of the Swift runtime's tables, so every
character is asked for. Takes a minute.
"""

from __future__ import annotations

import sys
import textwrap
import unicodedata
from importlib.metadata import version
from pathlib import Path

from tokenizers import Regex, normalizers, pre_tokenizers

OUTPUT = Path(__file__).with_name("UnicodeTables.swift")
CODES = [code for code in range(0x110000) if not 0xD800 <= code < 0xE000]
EVERYTHING = "".join(map(chr, CODES))
SEPARATOR = "\n"
# The bits of CharacterClass.
PATTERNS = {
    r"[\p{Lu}\p{Lt}]": 0x01, r"\p{Ll}": 0x02, r"[\p{Lm}\p{Lo}]": 0x04, r"\p{M}": 0x08, r"\p{N}": 0x10, r"\s": 0x20,
}
WORD, PUNCTUATION, DIGIT = 0x40, 0x80, 0x100


def matching(splitter: pre_tokenizers.PreTokenizer) -> set[int]:
    """The characters that a splitter leaves of all."""
    return {ord(char) for piece, _ in splitter.pre_tokenize_str(EVERYTHING) for char in piece}


def character_classes() -> list[int]:
    """The class bits of every code point."""
    classes = [0] * 0x110000
    for pattern, bit in PATTERNS.items():
        for code in matching(pre_tokenizers.Split(Regex(pattern + "+"), "removed", invert=True)):
            classes[code] |= bit
    for code in set(CODES) - matching(pre_tokenizers.Punctuation("removed")):
        classes[code] |= PUNCTUATION
    # A character of a word stays with the letter behind it, a digit is alone between letters.
    for piece, _ in pre_tokenizers.Whitespace().pre_tokenize_str(" ".join(chr(code) + "a" for code in CODES)):
        if len(piece) == 2:
            classes[ord(piece[0])] |= WORD
    splitter = pre_tokenizers.Digits(individual_digits=True)
    for piece, _ in splitter.pre_tokenize_str("".join("a" + chr(code) for code in CODES)):
        if len(piece) == 1 and piece != "a":
            classes[ord(piece)] |= DIGIT
    return classes


def ranges(values: list[int]) -> list[int]:
    """`gap, length, value` for every run of one value that is not 0."""
    numbers: list[int] = []
    done = start = 0
    for code in range(1, len(values) + 1):
        if code == len(values) or values[code] != values[start]:
            if values[start]:
                numbers += [start - done, code - start, values[start]]
                done = code
            start = code
    return numbers


def normalized(normalizer: normalizers.Normalizer, strings: list[str]) -> list[str]:
    """Each string normalised by itself; none may hold the separator."""
    result: list[str] = []
    for first in range(0, len(strings), 20000):
        part = strings[first : first + 20000]
        result += normalizer.normalize_str(SEPARATOR.join(part)).split(SEPARATOR)
    assert len(result) == len(strings)
    return result


def decompositions(normalizer: normalizers.Normalizer, besides: dict[str, str]) -> dict[str, str]:
    """What single characters become, without Hangul and without what `besides` says the same of."""
    characters = [chr(code) for code in CODES if chr(code) != SEPARATOR and not 0xAC00 <= code < 0xD7A4]
    found = {c: text for c, text in zip(characters, normalized(normalizer, characters), strict=True) if text != c}
    return {c: text for c, text in found.items() if besides.get(c) != text}


def combining_classes(canonical: dict[str, str]) -> list[int]:
    """The canonical combining class of every code point: the library must reorder what Python says that is ordered."""
    characters = [chr(code) for code in CODES if unicodedata.combining(chr(code)) and chr(code) not in canonical]
    classes = [0] * 0x110000
    # Between a mark of the highest class and one of the lowest, every other moves.
    after = normalized(normalizers.NFD(), ["a\u0345" + c for c in characters])
    before = normalized(normalizers.NFD(), ["a" + c + "\u0334" for c in characters])
    for c, one, two in zip(characters, after, before, strict=True):
        if one == "a" + c + "\u0345" or two == "a\u0334" + c:
            classes[ord(c)] = unicodedata.combining(c)
    known = [c for c in characters if classes[ord(c)]]
    examples = {classes[ord(c)]: c for c in reversed(known)}
    for number, example in examples.items():
        for c, text in zip(known, normalized(normalizers.NFD(), ["a" + example + c for c in known]), strict=True):
            assert text == ("a" + c + example if classes[ord(c)] < number else "a" + example + c), hex(ord(c))
    return classes


def compositions() -> list[int]:
    """`first, second, composed` of the pairs that the library composes."""
    pairs = {}
    for code in CODES:
        parts = unicodedata.decomposition(chr(code)).split()
        if len(parts) == 2 and not parts[0].startswith("<"):
            pairs["".join(chr(int(part, 16)) for part in parts)] = chr(code)
    composed = zip(pairs, normalized(normalizers.NFC(), list(pairs)), strict=True)
    return [ord(c) for pair, text in composed if len(text) == 1 for c in pair + text]


def mapping(table: dict[str, str]) -> list[int]:
    """`gap, length, characters…` for every entry."""
    numbers: list[int] = []
    done = 0
    for c, text in sorted(table.items()):
        numbers += [ord(c) - done, len(text), *map(ord, text)]
        done = ord(c)
    return numbers


def main() -> int:
    canonical = decompositions(normalizers.NFD(), {})
    tables = {
        "classes": ("`gap, length, bits of CharacterClass` of runs of characters.", ranges(character_classes())),
        "combiningClasses": ("`gap, length, class` of runs of characters.", ranges(combining_classes(canonical))),
        "canonical": ("`step, count, characters…`: full canonical decompositions, without Hangul.", mapping(canonical)),
        "compatibility": (
            "`step, count, characters…`: full compatibility decompositions that differ from those.",
            mapping(decompositions(normalizers.NFKD(), canonical)),
        ),
        "compositions": ("`first, second, composed`.", compositions()),
    }
    text = (
        f"// Generated by unicode-tables.py from tokenizers {version('tokenizers')}; do not edit.\n\n"
        "/// What the library knows of characters: numbers in hexadecimal, read when they are first needed.\n"
        "///\n/// In text, since the compiler takes minutes over array literals of this size.\n"
        "enum UnicodeTables {\n"
    )
    for name, (what, numbers) in tables.items():
        lines = textwrap.wrap(" ".join(f"{number:x}" for number in numbers), 109)
        body = "\n".join(f"        {line} \\" for line in lines).removesuffix("\\").rstrip()
        text += f'    /// {what}\n    static let {name}: StaticString = """\n{body}\n        """\n\n'
    text = text.rstrip() + "\n}\n"
    if "--check" in sys.argv:
        return int(OUTPUT.read_text() != text)
    OUTPUT.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
