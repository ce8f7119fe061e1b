"""What logits are the sum of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lensd._proto import analyses_pb2 as wire
from lensd.arrays import Array, Arrays
from lensd.plain_result import PlainResult, texts

if TYPE_CHECKING:
    import pandas
    import xarray


@dataclass(frozen=True)
class PromptAttribution(PlainResult):
    """What logits of one prompt are the sum of."""

    tokens: list[str]
    # Counted from the front.
    positions: list[int]
    # One per position; `wrong` is empty where the logit itself was split.
    answers: list[str]
    wrong: list[str]
    # [pos] float32: the logit, or the difference, before a soft cap.
    totals: Array
    # [pos, component] float32: but for accumulated streams they sum to the total.
    terms: Array
    # (layer, neuron, value), largest first, for each position.
    neurons: list[list[tuple[int, int, float]]]

    @classmethod
    def of(cls, prompt: wire.PromptAttribution, components: int, arrays: Arrays) -> PromptAttribution:
        """Arranges a prompt of a reply."""
        rows = len(prompt.positions)
        neurons = list(zip(prompt.neuron_layers, prompt.neurons, prompt.neuron_terms, strict=True))
        named = len(neurons) // max(rows, 1)
        return cls(
            tokens=texts(prompt.tokens),
            positions=list(prompt.positions),
            answers=texts(prompt.answers),
            wrong=texts(prompt.wrong),
            totals=arrays.shaped(prompt.totals, (rows,)),
            terms=arrays.shaped(prompt.terms, (rows, components)),
            neurons=[neurons[row * named : (row + 1) * named] for row in range(rows)],
        )


@dataclass(frozen=True, repr=False)
class LogitAttribution(PlainResult):
    """Logits, or differences of two, as sums over what was written into the residual stream."""

    # TransformerLens's labels: "embed", "0_attn_out", "L0H3", "0_mlp_out", …, "bias".
    components: list[str]
    prompts: list[PromptAttribution]

    @classmethod
    def of(cls, reply: wire.AttributeReply, arrays: Arrays) -> LogitAttribution:
        """Arranges a reply."""
        components = [part.label.decode() for part in reply.components]
        prompts = [PromptAttribution.of(prompt, len(components), arrays) for prompt in reply.prompts]
        return cls(components, prompts)

    def __getitem__(self, prompt: int) -> PromptAttribution:
        """One prompt's."""
        return self.prompts[prompt]

    def to_pandas(self) -> pandas.DataFrame:
        """A row per prompt, pos and component: with the answer, the wrong token ("" without one), and its value.

        The neurons that are named come behind the components as "L0N7". Needs the extra `lensd[pandas]`.
        """
        from lensd.views.attribution_view import attribution_frame

        return attribution_frame(self)

    def to_xarray(self, prompt: int = 0) -> xarray.DataArray:
        """A prompt's terms on the axes pos and component. Needs the extra `lensd[xarray]`."""
        from lensd.views.attribution_view import attribution_array

        return attribution_array(self, prompt)

    def plot(self, prompt: int = 0, ax: Any = None) -> Any:
        """Draws a prompt's terms and returns matplotlib's axes: of one position as bars, of several as a matrix.

        Needs the extra `lensd[plot]`.
        """
        from lensd.views.attribution_view import plot_attribution

        return plot_attribution(self, prompt, ax)

    def _repr_html_(self) -> str:
        from lensd.views.attribution_view import attribution_html

        return attribution_html(self)

    def __repr__(self) -> str:
        return f"LogitAttribution({len(self.prompts)} prompts by {len(self.components)} components)"
