"""`transformer_lens.HookedTransformer`: a served model with the manners of TransformerLens."""  # noqa: N999

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any, Literal

import torch

from lensd.activations import ActivationSource
from lensd.axis_slice import Slice, SliceInput
from lensd.cache import NamesFilter
from lensd.described_model import Output, ReturnType
from lensd.errors import FailedPrecondition, Unimplemented
from lensd.hooks import Direction, HookPoint, Hooks
from lensd.interventions import Intervention
from lensd.methods import DESCRIBE
from lensd.model import Model
from lensd.padded import Lengths
from lensd.prompts import Input
from lensd.sliced_source import cut
from lensd.transformer_lens.ActivationCache import ActivationCache
from lensd.transformer_lens.HookedTransformerConfig import HookedTransformerConfig
from lensd.transformer_lens.served import check_left_out, is_processed, served


class HookedTransformer(Model):
    """A `lensd.Model` that takes TransformerLens's options and gives torch tensors, its caches outside torch's graph.

    Options that ask for what the daemon does not do (another device, left padding, attention masks) raise
    `Unimplemented` and say what to do instead.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """Not for a configuration: raises `Unimplemented`, naming the ways to a model."""
        if len(arguments) < 2:
            raise Unimplemented(
                "models are served: HookedTransformer.from_pretrained(NAME); one made of a configuration becomes a "
                "served one by lensd.save_model"
            )
        super().__init__(*arguments, **options)
        self.cfg: HookedTransformerConfig = HookedTransformerConfig.of_served(self.cfg)

    @classmethod
    def from_pretrained(
        cls,
        model_name: str,
        fold_ln: bool = True,
        center_writing_weights: bool = True,
        center_unembed: bool = True,
        refactor_factored_attn_matrices: bool = False,
        *,
        fold_value_biases: bool = True,
        default_prepend_bos: bool | None = None,
        **options: Any,
    ) -> HookedTransformer:
        """A served model by the daemon's name or any of TransformerLens's for it, from the daemon that `connect` finds.

        With all steps of weight processing, or with none. Raises `NotFound` that says what is served.
        """
        check_left_out({**options, "refactor_factored_attn_matrices": refactor_factored_attn_matrices or None})
        steps = (fold_ln, center_writing_weights, center_unembed, fold_value_biases)
        model = served(cls, model_name, is_raw=not is_processed(*steps))
        if default_prepend_bos is not None:
            setattr(model.cfg, "default_prepend_bos", default_prepend_bos)  # noqa: B010
        return model

    @classmethod
    def from_pretrained_no_processing(cls, model_name: str, **options: Any) -> HookedTransformer:
        """A served model with the checkpoint's own weights."""
        steps = ("fold_ln", "center_writing_weights", "center_unembed", "fold_value_biases")
        return cls.from_pretrained(model_name, **{**dict.fromkeys(steps, False), **options})

    # Passes.

    def __call__(
        self,
        input: Input,
        return_type: ReturnType = "logits",
        loss_per_token: bool = False,
        prepend_bos: bool | None = None,
        padding_side: str | None = None,
        start_at_layer: int | None = None,
        tokens: Input | None = None,
        stop_at_layer: int | None = None,
        **options: Any,
    ) -> Any:
        """As `lensd.Model`'s."""
        check_left_out({**options, "padding_side": padding_side})
        return super().__call__(
            input,
            return_type,
            loss_per_token,
            self._bos(prepend_bos),
            start_at_layer=start_at_layer,
            stop_at_layer=stop_at_layer,
            tokens=tokens,
        )

    def forward(self, *arguments: Any, **options: Any) -> Any:
        """A call."""
        return self(*arguments, **options)

    def run_with_cache(
        self,
        input: Input,
        return_type: ReturnType = "logits",
        loss_per_token: bool = False,
        prepend_bos: bool | None = None,
        *,
        names_filter: NamesFilter = None,
        remove_batch_dim: bool = False,
        incl_bwd: bool = False,
        pos_slice: SliceInput = None,
        return_cache_object: bool = True,
        start_at_layer: int | None = None,
        stop_at_layer: int | None = None,
        tokens: Input | None = None,
        interventions: Iterable[Intervention] = (),
        **options: Any,
    ) -> tuple[Any, Any]:
        """As `lensd.Model`'s."""
        check_left_out(options)
        return super().run_with_cache(
            input,
            return_type,
            loss_per_token,
            self._bos(prepend_bos),
            names_filter=names_filter,
            remove_batch_dim=remove_batch_dim,
            incl_bwd=incl_bwd,
            pos_slice=pos_slice,
            return_cache_object=return_cache_object,
            start_at_layer=start_at_layer,
            stop_at_layer=stop_at_layer,
            tokens=tokens,
            interventions=interventions,
        )

    def run_with_hooks(
        self,
        *arguments: Any,
        fwd_hooks: Hooks = (),
        bwd_hooks: Hooks = (),
        reset_hooks_end: bool = True,
        clear_contexts: bool = False,
        **options: Any,
    ) -> Any:
        """As `lensd.Model`'s; backward hooks of the pass hold for a later `.backward()` all the same."""
        with self.hooks(fwd_hooks, bwd_hooks, reset_hooks_end, clear_contexts):
            return self(*arguments, **options)

    def generate(  # type: ignore[override]
        self,
        input: Input = "",
        max_new_tokens: int = 10,
        stop_at_eos: bool = True,
        eos_token_id: int | Sequence[int] | None = None,
        do_sample: bool = True,
        top_k: int | None = None,
        top_p: float | None = None,
        temperature: float = 1.0,
        freq_penalty: float = 0.0,
        use_past_kv_cache: bool = True,
        prepend_bos: bool | None = None,
        padding_side: str | None = None,
        return_type: Any = "input",
        verbose: bool = False,
        *,
        seed: int | None = None,
        **options: Any,
    ) -> Any:
        """As `lensd.Model`'s. Without a `seed` torch gives one, so that `torch.manual_seed` repeats the text."""
        check_left_out({**options, "padding_side": padding_side, "use_past_kv_cache": use_past_kv_cache})
        return super().generate(
            input,
            max_new_tokens,
            stop_at_eos,
            eos_token_id,
            do_sample,
            top_k,
            top_p,
            temperature,
            freq_penalty,
            self._bos(prepend_bos),
            "str" if return_type == "str" else return_type,
            verbose,
            seed=int(torch.randint(1 << 31, ())) if seed is None else seed,
        )

    # Tokens.

    def to_tokens(  # type: ignore[override]
        self,
        input: str | Sequence[str],
        prepend_bos: bool | None = None,
        padding_side: str | None = None,
        move_to_device: bool = True,
        truncate: bool = True,
    ) -> torch.Tensor:
        """As `lensd.Model`'s."""
        check_left_out({"padding_side": padding_side, "move_to_device": move_to_device})
        tokens: torch.Tensor = super().to_tokens(input, self._bos(prepend_bos), truncate)
        return tokens

    def to_str_tokens(
        self, input: Input, prepend_bos: bool | None = None, padding_side: str | None = None
    ) -> list[str] | list[list[str]]:
        """As `lensd.Model`'s."""
        check_left_out({"padding_side": padding_side})
        return super().to_str_tokens(input, self._bos(prepend_bos))

    def get_token_position(
        self,
        single_token: str | int,
        input: Input,
        mode: Any = "first",
        prepend_bos: bool | None = None,
        padding_side: str | None = None,
    ) -> int:
        """As `lensd.Model`'s."""
        check_left_out({"padding_side": padding_side})
        return super().get_token_position(single_token, input, mode, self._bos(prepend_bos))

    # Weights, as a torch module has them.

    def named_parameters(self) -> Iterator[tuple[str, torch.Tensor]]:
        """Every parameter with its name, fetched one by one; they are copies, and changing them changes no model."""
        return ((name, self.parameter(name)) for name in self.parameter_names)

    def parameters(self) -> Iterator[torch.Tensor]:
        """Every parameter."""
        return (value for _, value in self.named_parameters())

    def state_dict(self) -> dict[str, torch.Tensor]:
        """All parameters by their names; `lensd.save_model` makes a folder of them."""
        return dict(self.named_parameters())

    def tl_named_parameters(self) -> Iterator[tuple[str, torch.Tensor]]:
        """`named_parameters`, under TransformerBridge's name."""
        return self.named_parameters()

    def tl_parameters(self) -> dict[str, torch.Tensor]:
        """`state_dict`, under TransformerBridge's name."""
        return self.state_dict()

    def eval(self) -> HookedTransformer:
        """Itself: served models are not trained."""
        return self

    def train(self, mode: bool = True) -> HookedTransformer:
        """Itself; there is no dropout to turn on. Raises `Unimplemented` for training."""
        if mode:
            raise Unimplemented("served models are not trained: train in TransformerLens and serve lensd.save_model's")
        return self

    def requires_grad_(self, requires_grad: bool = True) -> HookedTransformer:
        """Itself. Raises `Unimplemented` for gradients of weights."""
        if requires_grad:
            raise Unimplemented("gradients are of activations and of what hook functions use, not of served weights")
        return self

    def to(self, device_or_dtype: Any, print_details: bool = True) -> HookedTransformer:
        """Itself. Raises `Unimplemented` for another device than the CPU or another type than float32."""
        del print_details
        check_left_out({"dtype" if isinstance(device_or_dtype, torch.dtype) else "device": device_or_dtype})
        return self

    @property
    def n_params_total(self) -> int:
        """The number of the checkpoint's parameters."""
        return self.parameter_count

    def remove_all_hook_fns(
        self, direction: Direction | Literal["both"] = "both", including_permanent: bool = False
    ) -> None:
        """`reset_hooks`, leaving the points' `ctx`."""
        self.reset_hooks(False, direction, including_permanent)

    def add_caching_hooks(
        self,
        names_filter: NamesFilter = None,
        incl_bwd: bool = False,
        device: Any = None,
        remove_batch_dim: bool = False,
        cache: dict[str, torch.Tensor] | None = None,
    ) -> dict[str, torch.Tensor]:
        """Adds hooks that put activations into a dictionary in every pass, until `reset_hooks`; the dictionary."""
        cache, forward, backward = self.get_caching_hooks(names_filter, incl_bwd, device, remove_batch_dim, cache)
        for hooks, direction in ((forward, "fwd"), (backward, "bwd")):
            for name, hook in hooks:
                self.add_hook(name, hook, "fwd" if direction == "fwd" else "bwd")
        return cache

    def get_caching_hooks(
        self,
        names_filter: NamesFilter = None,
        incl_bwd: bool = False,
        device: Any = None,
        remove_batch_dim: bool = False,
        cache: dict[str, torch.Tensor] | None = None,
        pos_slice: SliceInput = None,
    ) -> tuple[dict[str, torch.Tensor], list[tuple[str, Any]], list[tuple[str, Any]]]:
        """A dictionary, and the hooks that put activations (and gradients, under `NAME_grad`) into it."""
        check_left_out({"device": device})
        kept: dict[str, torch.Tensor] = {} if cache is None else cache
        positions = Slice.unwrap(pos_slice)

        def save(value: torch.Tensor, hook: HookPoint, suffix: str) -> None:
            values = cut(value.detach(), hook.name, Slice(), positions).clone()
            kept[hook.name + suffix] = values[0] if remove_batch_dim else values

        names = self.hook_names.selected(names_filter)
        forward = [(name, partial(save, suffix="")) for name in names]
        return kept, forward, [(name, partial(save, suffix="_grad")) for name in names] if incl_bwd else []

    def cpu(self) -> HookedTransformer:
        """Itself."""
        return self

    def cuda(self, device: Any = None) -> HookedTransformer:
        """Raises `Unimplemented`."""
        return self.to("cuda" if device is None else device)

    def _bos(self, prepend_bos: bool | None) -> bool:
        return self.cfg.default_prepend_bos if prepend_bos is None else prepend_bos

    def _cache(
        self, source: ActivationSource, names_filter: NamesFilter, lengths: Lengths, gradients: Any
    ) -> ActivationCache:
        # TransformerLens's caches are detached.
        source = getattr(source, "unattached", source)
        return ActivationCache.fetching(source, self.hook_names, names_filter, lengths, gradients, model=self)

    def _become_processed(self) -> None:
        """From now on the model with weight processing."""
        if self._hooks.calls() or self._hooks.calls("bwd"):
            raise FailedPrecondition("enable_compatibility_mode comes before hooks: reset_hooks() first")
        description = self._channel.unary(DESCRIBE, self._describe_request()).model
        processed = type(self)(self._channel, self._arrays, description, False, self.session)
        self.__dict__.update(processed.__dict__)


__all__ = ["HookedTransformer", "Output"]
