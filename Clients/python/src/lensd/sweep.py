"""What ablating head after head did to the loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lensd._proto.inference_pb2 import SweepReply
from lensd.arrays import Array, Arrays

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class Sweep:
    """A head-by-head ablation. Losses are in nats, float64; `delta` is `loss - baseline`."""

    model: str
    fingerprint: str
    kind: str
    hook: str
    # The tokens of each prompt as they were run.
    str_tokens: list[list[str]]
    # Mean over all predictions of all prompts, [].
    baseline: Array
    # [layer, head] with that one head ablated.
    loss: Array
    delta: Array
    # Of delta, paired over the predictions; NaN with fewer than two.
    standard_error: Array
    # Of each prompt alone: [prompt] and [prompt, layer, head].
    prompt_baselines: Array
    prompt_deltas: Array
    # The sweep's id in the session; None where it was not recorded.
    run_id: str | None

    @classmethod
    def of(cls, reply: SweepReply, kind: str, shape: tuple[int, int], arrays: Arrays) -> Sweep:
        """Arranges a reply by layer and head; `shape` is (layers, heads). Heads without a result are NaN."""
        prompts = len(reply.tokens)
        loss, delta, error = (np.full(shape, np.nan) for _ in range(3))
        prompt_deltas = np.full((prompts, *shape), np.nan)
        for effect in reply.heads:
            at = effect.layer, effect.head
            loss[at], delta[at], error[at] = effect.loss, effect.delta, effect.standard_error
            prompt_deltas[:, effect.layer, effect.head] = effect.prompt_deltas
        return cls(
            model=reply.model.name.decode() + ("@raw" if reply.model.raw else ""),
            fingerprint=reply.model.fingerprint.decode(),
            kind=kind,
            hook=reply.hook.decode(),
            str_tokens=[[token.text.decode() for token in prompt.tokens] for prompt in reply.tokens],
            baseline=arrays.array(np.array(reply.baseline_loss)),
            loss=arrays.array(loss),
            delta=arrays.array(delta),
            standard_error=arrays.array(error),
            prompt_baselines=arrays.array(np.array(reply.baseline_losses)),
            prompt_deltas=arrays.array(prompt_deltas),
            run_id=reply.run_id.decode() or None,
        )

    def ranking(self) -> list[tuple[int, int]]:
        """(layer, head) by what ablating them does to the loss, the largest rise first."""
        delta: npt.NDArray[np.float64] = np.asarray(self.delta)
        order = np.argsort(-delta, axis=None, kind="stable")
        return [(int(at) // delta.shape[1], int(at) % delta.shape[1]) for at in order]

    def to_pandas(self) -> pandas.DataFrame:
        """A row per head: layer, head, loss, delta, standard_error. Needs the extra `lensd[pandas]`."""
        import pandas

        layer, head = np.indices(np.shape(self.delta))
        columns = {
            "layer": layer,
            "head": head,
            "loss": self.loss,
            "delta": self.delta,
            "standard_error": self.standard_error,
        }
        return pandas.DataFrame({name: np.asarray(values).ravel() for name, values in columns.items()})

    def __repr__(self) -> str:
        layers, heads = np.shape(self.delta)
        layer, head = self.ranking()[0]
        return (
            f"Sweep({self.kind} ablation of {self.hook} on {self.model}, {layers} layers x {heads} heads: baseline "
            f"{float(self.baseline):.4f}, largest delta {float(self.delta[layer, head]):+.4f} by head {layer}.{head})"
        )
