"""Writes the children's stories that tinytales-1l is trained on.

A story is one plot of `grammar/plots/` spelled out with the words of `grammar/words.toml`. A plot
is a list of *beats*, one after another; a beat is a list of alternatives, of which a story takes
one:

    # A comment; blank lines part the beats, `---` marks where a new paragraph may begin,
    # and a beat that begins with a line `?` is left out now and then.

    <oneday> {hero} could not find {his} {toy}.
    {hero} looked [under the bed|everywhere], but the {toy} was gone.

`{slot}` is drawn once per story, so names, objects and colours come back; `<symbol>` is drawn anew
at each use; `[a|b]` picks one of its parts. Everything follows from the seed. Whether a story is
held out depends on nothing but its text, so no held-out story can ever be trained on, whatever the
seed.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path

GRAMMAR = Path(__file__).parent / "grammar"

#: One story in this many is held out.
HELD_OUT_SHARE = 50

#: Word number r of a list has weight 1 / (r + ZIPF_SHIFT): common words first, rare ones too.
ZIPF_SHIFT = 8

#: How often a beat that begins with `?` is left out.
LEAVE_OUT = 0.5

PARAGRAPH = "---"
OPTIONAL = "?"
CHOICE = re.compile(r"\[([^\[\]]*)\]")
SYMBOL = re.compile(r"<(\w+)>")
SLOT = re.compile(r"\{(\w+?)(\d?)\}")
SENTENCE_START = re.compile(r'(^"?|[.!?] "?|\." |\s")([a-z])')

#: Spelling that depends on a neighbouring letter, put right once the words are in place.
SPELLING = (
    (re.compile(r"\b([Aa]) (?=(?!one\b|uni|use)[aeiou]|honest)"), r"\1n "),
    (re.compile(r"(?<=ch|sh)s\b"), "es"),
    (re.compile(r"(?<=[^aeiou\W])ys\b"), "ies"),
)

PRONOUNS = {
    "girl": {"he": "she", "him": "her", "his": "her", "himself": "herself"},
    "boy": {"he": "he", "him": "him", "his": "his", "himself": "himself"},
}
SIBLING = {"girl": "sister", "boy": "brother"}
KIN = {
    "girl": ["mom", "mom", "mom", "mommy", "grandma", "aunt"],
    "boy": ["dad", "dad", "daddy", "grandpa", "uncle"],
}
HURT_PARTS = ["hand", "finger", "knee", "arm", "foot", "head"]


@dataclass(frozen=True)
class Plot:
    """A plot's name, whether its people are animals, and its beats (`None`: a new paragraph)."""

    name: str
    animals: bool
    beats: tuple[tuple[str, ...] | None, ...]


@dataclass(frozen=True)
class Grammar:
    """Everything that stories are made of."""

    names: dict[str, list[str]]
    words: dict[str, list[str]]
    phrases: dict[str, list[str]]
    plots: list[Plot]


def read_plot(path: Path) -> Plot:
    """Reads one file of `grammar/plots/children` or `grammar/plots/animals`."""
    beats: list[tuple[str, ...] | None] = []
    text = "\n".join(line for line in path.read_text().splitlines() if not line.startswith("#"))
    for block in text.replace(PARAGRAPH, f"\n{PARAGRAPH}\n").split("\n\n"):
        lines = tuple(line.strip() for line in block.splitlines() if line.strip())
        if lines:
            beats.append(None if lines == (PARAGRAPH,) else lines)
    return Plot(path.stem, path.parent.name == "animals", tuple(beats))


@cache
def grammar() -> Grammar:
    """The grammar of this folder, read once."""
    table = tomllib.loads((GRAMMAR / "words.toml").read_text())
    return Grammar(
        names={kind: text.split() for kind, text in table["names"].items()},
        words={
            slot: [word.strip() for word in text.split("|") if word.strip()]
            for slot, text in table["words"].items()
        },
        phrases=table["phrases"],
        plots=[read_plot(path) for path in sorted(GRAMMAR.glob("plots/*/*.txt"))],
    )


class Teller:
    """Tells one story: a plot, a cast and the words that have been drawn so far."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._grammar = grammar()
        self._plot = rng.choice(self._grammar.plots)
        self._drawn: dict[str, str] = {}
        self._cast()

    def tell(self) -> str:
        """The whole story, without a final newline."""
        paragraph = self._rng.choice([" ", "\n\n"])
        parts: list[str] = []
        gap = ""
        for beat in self._plot.beats:
            if beat is None:
                gap = paragraph
            elif not (beat[0] == OPTIONAL and self._rng.random() < LEAVE_OUT):
                lines = [line for line in beat if line != OPTIONAL]
                words = self._expand(self._rng.choice(lines)).split()
                parts += [gap, capitalized(" ".join(words))]
                gap = " "
        text = "".join(parts).rstrip()
        for pattern, spelling in SPELLING:
            text = pattern.sub(spelling, text)
        return text

    def _cast(self) -> None:
        """Chooses who is in the story; their names and pronouns become slots."""
        rng, names = self._rng, self._grammar.names
        kinds = [rng.choice(["girl", "boy"]) for _ in range(3)]  # hero, friend, grown-up
        used: set[str] = set()
        for role, kind in zip(("hero", "friend", "pal"), (kinds[0], kinds[1], "boy"), strict=True):
            self._drawn[role] = self._pick(names["beast" if self._plot.animals else kind], used)
            used.add(self._drawn[role])
        self._drawn["petname"] = self._pick(names["beast"], used)

        hero, friend, kin = kinds
        kin_name = rng.choice(KIN[kin])
        self._drawn |= PRONOUNS[hero]
        self._drawn |= {"f" + word: form for word, form in PRONOUNS[friend].items()}
        self._drawn |= {"k" + word: form for word, form in PRONOUNS[kin].items()}
        self._drawn |= {
            "child": hero,
            "child2": friend,
            "sib": SIBLING[hero],
            "sib2": SIBLING[friend],
            "kinsib": rng.choice(["friend", "friend", "cousin", SIBLING[friend]]),
            "kin": kin_name,
            "Kin": kin_name.capitalize(),
            "hand": rng.choice(HURT_PARTS),
        }

    def _pick(self, words: list[str], used: set[str]) -> str:
        """One of `words` by the Zipf-like weights, never one that is in `used`."""
        weights = [0.0 if w in used else 1 / (r + ZIPF_SHIFT) for r, w in enumerate(words)]
        return self._rng.choices(words, weights)[0]

    def _slot(self, match: re.Match[str]) -> str:
        slot, number = match.groups()
        key = slot + number
        if key not in self._drawn:
            used = {w for k, w in self._drawn.items() if k.rstrip("23") == slot}
            self._drawn[key] = self._expand(self._pick(self._grammar.words[slot], used))
        return self._drawn[key]

    def _expand(self, text: str) -> str:
        """`text` with all its choices, symbols and slots replaced, from left to right."""
        while True:
            if match := CHOICE.search(text):
                part = self._rng.choice(match[1].split("|"))
            elif match := SYMBOL.search(text):
                part = self._rng.choice(self._grammar.phrases[match[1]])
            else:
                return SLOT.sub(self._slot, text)
            text = text[: match.start()] + part + text[match.end() :]


def capitalized(text: str) -> str:
    """`text` with a capital at the start of every sentence, also inside quotation marks."""
    return SENTENCE_START.sub(lambda match: match[1] + match[2].upper(), text)


def is_held_out(story: str) -> bool:
    """Whether a story belongs to the held-out part; decided by a hash of its text alone."""
    digest = hashlib.sha256(story.encode()).digest()
    return int.from_bytes(digest[:8], "big") % HELD_OUT_SHARE == 0


def stories(seed: int) -> Iterator[str]:
    """An endless stream of stories, no two of them equal."""
    rng = random.Random(seed)
    seen: set[bytes] = set()
    while True:
        story = Teller(rng).tell()
        key = hashlib.sha256(story.encode()).digest()[:12]
        if key not in seen:
            seen.add(key)
            yield story


def training_stories(seed: int) -> Iterator[str]:
    """The stream of `seed` without the held-out stories."""
    return (story for story in stories(seed) if not is_held_out(story))


def held_out_stories(seed: int) -> Iterator[str]:
    """Only the held-out stories of the stream of `seed`."""
    return (story for story in stories(seed) if is_held_out(story))


def main() -> None:
    parser = argparse.ArgumentParser(description="Write stories to standard output.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=3)
    parser.add_argument("--held-out", action="store_true", help="only stories that are held out")
    options = parser.parse_args()
    source = held_out_stories if options.held_out else training_stories
    for story in islice(source(options.seed), options.count):
        print(story, end="\n\n----\n\n")


if __name__ == "__main__":
    main()
