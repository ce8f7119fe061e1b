"""All heads of a model, each with what it is called, why, and what it does."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lensd._proto import heads_pb2, inference_pb2
from lensd.errors import Internal
from lensd.head_scores import HeadFinding
from lensd.page import AttentionPage

if TYPE_CHECKING:
    import pandas

Progress = Callable[[str, int, int], object]


@dataclass(frozen=True)
class TokenPair:
    """A token that attends to another, in many places of a corpus."""

    destination: str
    source: str
    # Attention beyond what position explains, the mean over the places where it is at least 0.02.
    weight: float
    places: int


@dataclass(frozen=True)
class HeadProfile:
    """One head of an atlas."""

    layer: int
    head: int
    # What it is called, strongest first.
    kinds: tuple[HeadFinding, ...]
    # Shares of attention and the like by name, as in `HeadScores`.
    scores: dict[str, float]
    # What explains how far the pattern is from even attention: position, tokens beyond it, what is left; each 0…1.
    position: float
    tokens: float
    # On random tokens that come twice: attention to the first occurrence, and to what followed it; None: not measured.
    repeat_duplicate: float | None
    repeat_induction: float | None
    # Mean attention to the first position, then to the query's own, the one before and so on.
    by_distance: tuple[float, ...]
    pairs: tuple[TokenPair, ...]
    # With the head ablated, in nats; NaN where nothing was.
    loss: float
    delta: float
    standard_error: float
    # Eigenvalue copying score of the OV circuit, -1…1; NaN where it was not computed.
    copying: float

    @property
    def context(self) -> float:
        """What neither position nor tokens explain, 0…1."""
        return max(1 - self.position - self.tokens, 0.0)

    def __repr__(self) -> str:
        kinds = ", ".join(f"{kind} {kind.score:.2f}" for kind in self.kinds) or "no kind"
        delta = "" if math.isnan(self.delta) else f", Δloss {self.delta:+.4f}"
        return f"<L{self.layer}H{self.head}: {kinds}{delta}>"


@dataclass(frozen=True, repr=False)
class HeadAtlas:
    """What every head does over a corpus; `atlas[layer, head]`, or in a loop.

    It shows itself as a table. `page` has a card per head: the last expression of a notebook cell shows it too, and
    `page.save(path)` writes it.
    """

    model: str
    fingerprint: str
    # Whether the prompts are the daemon's own stories.
    built_in_corpus: bool
    prompts: int
    tokens: int
    predictions: int
    # In nats; NaN where nothing was ablated.
    baseline: float
    # In the order of layers and heads.
    heads: tuple[HeadProfile, ...]
    page: AttentionPage

    def __getitem__(self, place: tuple[int, int]) -> HeadProfile:
        for head in self.heads:
            if (head.layer, head.head) == tuple(place):
                return head
        raise IndexError(f"expected the layer and head of one of {len(self.heads)} heads; received {place}")

    def __iter__(self) -> Iterator[HeadProfile]:
        return iter(self.heads)

    def __len__(self) -> int:
        return len(self.heads)

    def of_kind(self, kind: str) -> tuple[HeadProfile, ...]:
        """The heads that are called by a word such as "previous" or "semantic"."""
        return tuple(head for head in self.heads if any(finding.kind == kind for finding in head.kinds))

    def __repr__(self) -> str:
        lines = [f"HeadAtlas of {self.model}: {len(self.heads)} heads over {self.tokens} tokens"]
        return "\n".join(lines + [f"  {head!r}" for head in self.heads])

    def to_pandas(self) -> pandas.DataFrame:
        """A row per head: its kinds, scores, change of the loss, copying. Needs the extra `lensd[pandas]`."""
        from lensd.views.atlas_view import atlas_frame

        return atlas_frame(self)

    def plot(self, ax: Any = None) -> Any:
        """Draws what ablating each head does to the loss as bars and returns matplotlib's axes. Needs `lensd[plot]`."""
        from lensd.views.atlas_view import plot_atlas

        return plot_atlas(self, ax)

    def _repr_html_(self) -> str:
        from lensd.views.atlas_view import atlas_html

        return atlas_html(self)


def tell_phase(event: heads_pb2.HeadAtlasEvent, progress: Progress | None) -> None:
    """Calls `progress` with (phase, done, total), where an event says how much is done."""
    if progress is not None and event.HasField("progress"):
        progress(event.progress.phase.decode(), event.progress.done, event.progress.total)


def read_atlas(events: Iterable[heads_pb2.HeadAtlasEvent]) -> HeadAtlas:
    """Puts an atlas together. Raises `Internal` where its events end too early."""
    header: heads_pb2.HeadAtlasHeader | None = None
    heads: list[HeadProfile] = []
    page: list[bytes] = []
    for event in events:
        which = event.WhichOneof("event")
        if which == "header":
            header = event.header
        elif which == "heads":
            heads += [_profile(head) for head in event.heads.heads]
        elif which == "page":
            page.append(event.page)
    if header is None:
        raise Internal("the daemon ended the atlas without a result")
    return HeadAtlas(
        model=header.model.name.decode() + ("@raw" if header.model.raw else ""),
        fingerprint=header.model.fingerprint.decode(),
        built_in_corpus=header.built_in_corpus,
        prompts=header.prompt_count,
        tokens=header.token_count,
        predictions=header.prediction_count,
        baseline=header.baseline_loss,
        heads=tuple(heads),
        page=AttentionPage(b"".join(page).decode()),
    )


def _profile(message: heads_pb2.HeadProfile) -> HeadProfile:
    scores = message.scores
    measured = message.HasField("repeats")
    return HeadProfile(
        layer=scores.layer,
        head=scores.head,
        kinds=tuple(HeadFinding.of(kind) for kind in scores.kinds),
        scores=_numbers(scores),
        position=scores.position,
        tokens=message.tokens,
        repeat_duplicate=message.repeats.duplicate if measured else None,
        repeat_induction=message.repeats.induction if measured else None,
        by_distance=tuple(message.by_distance),
        pairs=tuple(
            TokenPair(
                pair.destination.text.decode(errors="replace"),
                pair.source.text.decode(errors="replace"),
                pair.weight,
                pair.places,
            )
            for pair in message.pairs
        ),
        loss=message.loss,
        delta=message.delta,
        standard_error=message.standard_error,
        copying=message.copying,
    )


def _numbers(scores: inference_pb2.HeadScores) -> dict[str, float]:
    names = (field.name for field in scores.DESCRIPTOR.fields)
    return {name: getattr(scores, name) for name in names if name not in ("layer", "head", "kinds")}
