"""Why a head attends where it does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lensd._proto.analyses_pb2 import SplitScoreReply
from lensd.arrays import Array, Arrays
from lensd.plain_result import PlainResult, texts

if TYPE_CHECKING:
    import pandas
    import xarray


@dataclass(frozen=True, repr=False)
class ScoreSplit(PlainResult):
    """Why a head attends where it does: its scores as sums over parts of the query and parts of the key.

    A cell's terms sum to its score before a soft cap and without `position_bias` (ALiBi). Where a destination does
    not see a source the score is -inf and its terms are 0.
    """

    layer: int
    head: int
    tokens: list[str]
    # Counted from the front: the rows and columns of what follows.
    destinations: list[int]
    sources: list[int]
    # "embed" (the token), "pos_embed" (the position), "attn_out", "0_mlp_out", "L0H3", …, "bias"; "rest" is what edits
    # put into the residual stream.
    components: list[str]
    # [dest, source] float32, before the softmax, and behind it.
    scores: Array
    pattern: Array
    # [query component, key component, dest, source] float32
    terms: Array
    # [dest, source] float32; None for models without ALiBi.
    position_bias: Array | None
    soft_cap: float | None
    # Queries and keys are turned to their positions; the turn is part of every term.
    rotary: bool
    # The largest terms (query component, key component, value), where they were asked for.
    top: list[tuple[str, str, float]]

    @classmethod
    def of(cls, reply: SplitScoreReply, layer: int, head: int, arrays: Arrays) -> ScoreSplit:
        """Arranges a reply."""
        cells = (len(reply.destinations), len(reply.sources))
        parts = len(reply.components)
        return cls(
            layer=layer,
            head=head,
            tokens=texts(reply.tokens),
            destinations=list(reply.destinations),
            sources=list(reply.sources),
            components=[part.label.decode() for part in reply.components],
            scores=arrays.shaped(reply.scores, cells),
            pattern=arrays.shaped(reply.pattern, cells),
            terms=arrays.shaped(reply.terms, (parts, parts, *cells)),
            position_bias=arrays.shaped(reply.position_bias, cells) if reply.position_bias else None,
            soft_cap=reply.soft_cap or None,
            rotary=reply.rotary,
            top=[(pair.query.label.decode(), pair.key.label.decode(), pair.value) for pair in reply.top],
        )

    def __getitem__(self, pair: tuple[str, str]) -> Array:
        """The terms [dest, source] of a query component and a key component: `split["embed", "pos_embed"]`."""
        query, key = (self.components.index(name) for name in pair)
        return self.terms[query, key]

    def to_pandas(self) -> pandas.DataFrame:
        """A row per term of every cell that is seen: query, key, dest, source, value. Needs `lensd[pandas]`."""
        from lensd.views.split_view import split_frame

        return split_frame(self)

    def to_xarray(self) -> xarray.Dataset:
        """`scores`, `pattern` and `terms` on the axes query, key, dest, source. Needs the extra `lensd[xarray]`."""
        from lensd.views.split_view import split_dataset

        return split_dataset(self)

    def plot(self, pair: tuple[str, str] | None = None, ax: Any = None) -> Any:
        """Draws components by components, of one cell its terms, of several their mean size; returns matplotlib's axes.

        With a `pair` of them its terms, destinations by sources. Needs the extra `lensd[plot]`.
        """
        from lensd.views.split_view import plot_split

        return plot_split(self, pair, ax)

    def _repr_html_(self) -> str:
        from lensd.views.split_view import split_html

        return split_html(self)

    def __repr__(self) -> str:
        size = f"{len(self.destinations)} destinations x {len(self.sources)} sources"
        return f"ScoreSplit(L{self.layer}H{self.head}: {size} by {', '.join(self.components)})"
