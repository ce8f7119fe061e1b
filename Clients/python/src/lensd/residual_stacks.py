"""The residual stream in parts: the analysis methods of `ActivationCache`, under TransformerLens's names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

from lensd.arrays import Array, module_of
from lensd.axis_slice import Slice, SliceInput
from lensd.errors import FailedPrecondition, InvalidArgument, NotFound

Mode = Literal["all", "mlp", "attn"]


class ResidualStacks:
    """What the residual stream is made of, as stacks [component, batch, pos, d_model].

    Everywhere `layer` is the block whose input is meant: 0 … n_layers, the last of which, -1 and None mean the
    unembedding; `mlp_input` means the input of that block's MLP instead of its attention. `pos_slice` takes positions
    (an integer drops the axis); without the batch axis, stacks have none either. `return_labels` gives the components'
    names too. `apply_ln` divides by the layer norm's scale of that input, as it was in the pass, so that the components
    still add up to it.
    """

    has_batch_dim: bool
    _model: Any = None

    @property
    def model(self) -> Any:
        """The model of the pass. Raises `FailedPrecondition` where the cache has none."""
        if self._model is None:
            raise FailedPrecondition("this cache knows no model; the caches of run_with_cache do")
        return self._model

    # The stream as it grows.

    def accumulated_resid(
        self,
        layer: int | None = None,
        incl_mid: bool = False,
        apply_ln: bool = False,
        pos_slice: SliceInput = None,
        mlp_input: bool = False,
        return_labels: bool = False,
    ) -> Any:
        """The residual stream before each block up to an input, for the logit lens.

        `incl_mid` has it between attention and MLP too. At the unembedding `apply_ln` normalises every component by its
        own statistics, as if it were the last.
        """
        layer, taken = self._input(layer), Slice(pos_slice)
        names: list[tuple[str, str, int]] = []
        for block in range(min(layer + 1, self._layers)):
            names.append((f"{block}_pre", "resid_pre", block))
            if (incl_mid and block < layer) or (mlp_input and block == layer):
                names.append((f"{block}_mid", "resid_mid", block))
        if layer == self._layers:
            names.append(("final_post", "resid_post", layer - 1))
        stack = _stacked([taken.apply(self[name, block], -2) for _, name, block in names])
        if apply_ln:
            stack = self.apply_ln_to_stack(
                stack,
                layer,
                mlp_input,
                taken,
                has_batch_dim=self.has_batch_dim,
                recompute_ln=layer == self._layers,
            )
        return self._labelled(stack, [label for label, _, _ in names], return_labels)

    def decompose_resid(
        self,
        layer: int | None = None,
        mlp_input: bool = False,
        mode: Mode = "all",
        apply_ln: bool = False,
        pos_slice: SliceInput = None,
        incl_embeds: bool = True,
        return_labels: bool = False,
    ) -> Any:
        """What the embeddings, each attention and each MLP added to the stream before an input; their sum is it.

        `mode` leaves one kind of sublayer only.
        """
        if mode not in ("all", "mlp", "attn"):
            raise InvalidArgument(f'mode is "all", "mlp" or "attn"; received {mode!r}')
        layer, taken = self._input(layer), Slice(pos_slice)
        names = self._embeddings() if incl_embeds else []
        for block in range(layer):
            if mode != "mlp":
                names.append((f"{block}_attn_out", f"blocks.{block}.hook_attn_out"))
            if mode != "attn" and not self.model.cfg.attn_only:
                names.append((f"{block}_mlp_out", f"blocks.{block}.hook_mlp_out"))
        if mlp_input and mode != "mlp":
            names.append((f"{layer}_attn_out", f"blocks.{layer}.hook_attn_out"))
        parts = [taken.apply(self[name], -2) for _, name in names]
        stack = _stacked(parts) if parts else self._none(taken)
        if apply_ln:
            stack = self.apply_ln_to_stack(stack, layer, mlp_input, taken)
        return self._labelled(stack, [label for label, _ in names], return_labels)

    # Heads and neurons.

    def compute_head_results(self) -> None:
        """Puts `hook_result` [batch, pos, head, d_model] of every layer into the cache, made here from `hook_z`."""
        for layer in range(self._layers):
            self._head_results(layer)

    def stack_head_results(
        self,
        layer: int | None = -1,
        return_labels: bool = False,
        incl_remainder: bool = False,
        pos_slice: SliceInput = None,
        apply_ln: bool = False,
    ) -> Any:
        """What each head of the blocks before an input added: "L0H0", …; then what is left, with `incl_remainder`."""
        layer, taken = self._input(layer), Slice(pos_slice)
        labels = [f"L{block}H{head}" for block in range(layer) for head in range(self.model.cfg.n_heads)]
        stack = self._joined([_first(taken.apply(self._head_results(at), -3)) for at in range(layer)], taken)
        if incl_remainder:
            labels.append("remainder")
            stack = _with(stack, self._stream(layer, taken) - stack.sum(0))
        if apply_ln:
            stack = self.apply_ln_to_stack(stack, layer, pos_slice=taken)
        return self._labelled(stack, labels, return_labels)

    def get_neuron_results(
        self,
        layer: int,
        neuron_slice: SliceInput = None,
        pos_slice: SliceInput = None,
        project_output_onto: Array | None = None,
    ) -> Array:
        """What each neuron of a block adds to the stream, [batch, pos, neuron, d_model].

        `project_output_onto` [d_model] or [d_model, output] gives its products with directions instead of the last
        axis, without making the whole.
        """
        neurons = Slice(neuron_slice)
        written = neurons.apply(self.model.parameter(f"blocks.{layer}.mlp.W_out"), 0)
        activations = neurons.apply(Slice(pos_slice).apply(self["post", layer, "mlp"], -2), -1)
        if project_output_onto is not None:
            written = written @ project_output_onto
            if project_output_onto.ndim == 1:
                return activations * written
        return activations[..., None] * written

    def stack_neuron_results(
        self,
        layer: int | None,
        pos_slice: SliceInput = None,
        neuron_slice: SliceInput = None,
        return_labels: bool = False,
        incl_remainder: bool = False,
        apply_ln: bool = False,
        project_output_onto: Array | None = None,
    ) -> Any:
        """What each neuron of the blocks before an input added: "L0N0", ….

        That is as many times the stream as there are neurons; with `project_output_onto` [d_model] or
        [d_model, output] only the products with these directions are made.
        """
        layer, taken, neurons = self._input(layer), Slice(pos_slice), Slice.unwrap(neuron_slice)
        readout = self._readout(project_output_onto, layer, False, taken, apply_ln)
        labels = [f"L{block}N{neuron}" for block in range(layer) for neuron in neurons.indices(self.model.cfg.d_mlp)]
        stack = self._neurons(layer, neurons, taken, readout)
        if incl_remainder:
            labels.append("remainder")
            stack = _with(stack, readout.of(self._stream(layer, taken)) - stack.sum(0))
        return self._labelled(readout.finished(stack), labels, return_labels)

    def get_full_resid_decomposition(
        self,
        layer: int | None = None,
        mlp_input: bool = False,
        expand_neurons: bool = True,
        apply_ln: bool = False,
        pos_slice: SliceInput = None,
        return_labels: bool = False,
        project_output_onto: Array | None = None,
    ) -> Any:
        """The stream before an input in its smallest parts, which add up to it.

        In this order: heads, neurons (or MLPs, without `expand_neurons`), "embed", "pos_embed", "bias" (all biases that
        were added). `project_output_onto` as in `stack_neuron_results`.
        """
        layer, taken = self._input(layer), Slice(pos_slice)
        readout = self._readout(project_output_onto, layer, mlp_input, taken, apply_ln)
        heads, labels = self.stack_head_results(layer + mlp_input, return_labels=True, pos_slice=taken)
        parts = [readout.of(heads)]
        if layer and not self.model.cfg.attn_only:
            if expand_neurons:
                parts.append(self._neurons(layer, Slice(), taken, readout))
                labels += [
                    f"L{block}N{neuron}" for block in range(layer) for neuron in range(self.model.cfg.d_mlp or 0)
                ]
            else:
                outputs, names = self.decompose_resid(
                    layer, mode="mlp", pos_slice=taken, incl_embeds=False, return_labels=True
                )
                parts.append(readout.of(outputs))
                labels += names
        for label, name in self._embeddings():
            labels.append(label)
            parts.append(readout.of(taken.apply(self[name], -2)[None]))
        labels.append("bias")
        bias = readout.of(self.model.accumulated_bias(layer, mlp_input, include_mlp_biases=expand_neurons))
        shape = (1, *parts[0].shape[1:-1], bias.shape[-1])
        parts.append(module_of(bias).broadcast_to(bias, shape))
        stack = module_of(bias).concatenate(parts, 0)
        return self._labelled(readout.finished(stack), labels, return_labels)

    def stack_activation(self, activation_name: str, layer: int | None = -1, sublayer_type: str | None = None) -> Array:
        """One activation of every block before an input, [layer, …]."""
        return _stacked([self[activation_name, block, sublayer_type] for block in range(self._input(layer))])

    # Towards the output.

    def apply_ln_to_stack(
        self,
        residual_stack: Array,
        layer: int | None = None,
        mlp_input: bool = False,
        pos_slice: SliceInput = None,
        batch_slice: SliceInput = None,
        has_batch_dim: bool = True,
        recompute_ln: bool = False,
    ) -> Array:
        """A stack as an input's layer norm sees it: centred (unless it is an RMS norm) and divided by its scale.

        `pos_slice` and `batch_slice` are taken of the scale, `batch_slice` of the stack too. `recompute_ln` applies the
        final norm to each component by itself instead, at the unembedding.
        """
        if self.model.cfg.normalization_type is None:
            return residual_stack
        layer, prompts = self._input(layer), Slice(batch_slice)
        if has_batch_dim:
            residual_stack = prompts.apply(residual_stack, 1)
        if recompute_ln and layer == self._layers:
            return self.model.ln_final(residual_stack)
        return self._centred(residual_stack) / self._scale(layer, mlp_input, Slice(pos_slice), prompts)

    def logit_attrs(
        self,
        residual_stack: Array,
        tokens: Any,
        incorrect_tokens: Any = None,
        pos_slice: SliceInput = None,
        batch_slice: SliceInput = None,
        has_batch_dim: bool = True,
    ) -> Array:
        """What each component of a stack adds to the logit of `tokens`, [component, batch, pos].

        With `incorrect_tokens` to the difference of the two. Tokens are a text of one token, an id, or ids [batch] or
        [batch, pos]; the stack is one of the whole stream, before the final norm, whose scale is applied here.
        """
        directions = self.model.tokens_to_residual_directions(tokens)
        if incorrect_tokens is not None:
            others = self.model.tokens_to_residual_directions(incorrect_tokens)
            if others.shape != directions.shape:
                raise InvalidArgument(
                    f"tokens and incorrect_tokens have one shape; received {list(directions.shape[:-1])} and "
                    f"{list(others.shape[:-1])}"
                )
            directions = directions - others
        stack = self.apply_ln_to_stack(
            residual_stack, -1, pos_slice=pos_slice, batch_slice=batch_slice, has_batch_dim=has_batch_dim
        )
        return (stack * directions).sum(-1)

    # Pieces.

    def __getitem__(self, key: Any) -> Array:
        raise NotImplementedError

    def __contains__(self, key: object) -> bool:
        raise NotImplementedError

    def keep(self, name: str, value: Array) -> None:
        """Puts an activation into the cache, with its batch axis where the cache has one."""
        raise NotImplementedError

    @property
    def _layers(self) -> int:
        return int(self.model.cfg.n_layers)

    def _input(self, layer: int | None) -> int:
        if layer is None or layer == -1:
            return self._layers
        if not 0 <= layer <= self._layers:
            raise InvalidArgument(f"layer is 0 to {self._layers}, or -1; received {layer}")
        return layer

    def _embeddings(self) -> list[tuple[str, str]]:
        return [(name, f"hook_{name}") for name in ("embed", "pos_embed") if f"hook_{name}" in self]

    def _head_results(self, layer: int) -> Array:
        """[batch, pos, head, d_model]. One that came with the pass is taken as it is, for it may have been edited."""
        name = f"blocks.{layer}.attn.hook_result"
        if name not in self:
            weights = self.model.parameter(f"blocks.{layer}.attn.W_O")
            z = self["z", layer, "attn"]
            self.keep(name, module_of(z).einsum("...hd,hdm->...hm", z, weights))
        return self[name]

    def _neurons(self, layer: int, neurons: Slice, taken: Slice, readout: _Readout) -> Array:
        results = [self.get_neuron_results(at, neurons, taken, readout.directions) for at in range(layer)]
        return self._joined([_first(each) for each in results], taken, readout)

    def _joined(self, parts: Sequence[Array], taken: Slice, readout: _Readout | None = None) -> Array:
        if parts:
            return module_of(parts[0]).concatenate(parts, 0)
        nothing = self._none(taken)
        return nothing if readout is None else readout.of(nothing)

    def _none(self, taken: Slice) -> Array:
        """A stack of no components."""
        return taken.apply(self["hook_embed"], -2)[None][:0]

    def _stream(self, layer: int, taken: Slice) -> Array:
        """The whole stream before a block's attention."""
        name = ("resid_pre", 0) if layer == 0 else ("resid_post", layer - 1)
        return taken.apply(self[name], -2)

    def _readout(self, directions: Array | None, layer: int, mlp_input: bool, taken: Slice, apply_ln: bool) -> _Readout:
        has_norm = apply_ln and self.model.cfg.normalization_type is not None
        scale = self._scale(layer, mlp_input, taken, Slice()) if has_norm else None
        return _Readout(directions, scale, self._centred if has_norm else _as_it_is)

    def _centred(self, stack: Array) -> Array:
        if str(self.model.cfg.normalization_type).startswith("LN"):
            return stack - stack.mean(-1)[..., None]
        return stack

    def _scale(self, layer: int, mlp_input: bool, taken: Slice, prompts: Slice) -> Array:
        if layer == self._layers and mlp_input:
            raise InvalidArgument(f"there is no MLP at layer {layer}, the unembedding")
        name = (
            "ln_final.hook_scale" if layer == self._layers else f"blocks.{layer}.ln{2 if mlp_input else 1}.hook_scale"
        )
        try:
            scale = taken.apply(self[name], -2)
        except NotFound as error:
            raise NotFound(f"layer norm's scale is not in this cache: {error}") from error
        return prompts.apply(scale) if self.has_batch_dim else scale

    @staticmethod
    def _labelled(stack: Array, labels: list[str], return_labels: bool) -> Any:
        return (stack, labels) if return_labels else stack


class _Readout:
    """Products with directions of the stream, as they are behind a layer norm whose scale is known.

    With a fixed scale the norm is linear, so that centring goes into the directions: what is made is no larger than
    what is asked for.
    """

    def __init__(self, directions: Array | None, scale: Array | None, centred: Callable[[Array], Array]) -> None:
        self._squeezes = directions is not None and directions.ndim == 1
        self._scale = scale
        self._centred = centred
        self.directions = directions
        if directions is not None:
            columns = directions[:, None] if self._squeezes else directions
            self.directions = centred(columns.swapaxes(0, 1)).swapaxes(0, 1)

    def of(self, stack: Array) -> Array:
        return stack if self.directions is None else stack @ self.directions

    def finished(self, stack: Array) -> Array:
        if self.directions is None:
            stack = self._centred(stack)
        if self._scale is not None:
            stack = stack / self._scale
        return stack[..., 0] if self._squeezes else stack


def _stacked(parts: Sequence[Array]) -> Array:
    if not parts:
        raise InvalidArgument("there is nothing before layer 0 to stack")
    return module_of(parts[0]).stack(list(parts), 0)


def _first(results: Array) -> Array:
    """[..., component, d_model] with the components' axis in front."""
    return module_of(results).moveaxis(results, -2, 0)


def _with(stack: Array, part: Array) -> Array:
    return module_of(stack).concatenate([stack, part[None]], 0)


def _as_it_is(stack: Array) -> Array:
    return stack
