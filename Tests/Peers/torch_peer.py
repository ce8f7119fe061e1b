"""What a competent user does with TransformerLens and plain torch: the work that lensd is timed against."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge
from transformers import GPTNeoForCausalLM


class TorchPeer:
    """One checkpoint in TransformerLens, and the same module in plain torch."""

    def __init__(self, folder: Path) -> None:
        self.bridge = TransformerBridge.boot_transformers(str(folder), device="cpu")
        self.module = GPTNeoForCausalLM.from_pretrained(folder).eval()
        self.config = self.module.config
        self.heads = self.config.num_heads
        self.width = self.config.hidden_size // self.heads

    @torch.inference_mode()
    def loss(self, tokens: Tensor) -> float:
        """The loss of one run."""
        return float(self.bridge(tokens, return_type="loss"))

    @torch.inference_mode()
    def last_logits(self, tokens: Tensor) -> Tensor:
        """The logits of the last position, as a user gets them."""
        return self.bridge(tokens, return_type="logits")[0, -1]

    def sweep_by_loop(self, tokens: Tensor, heads: list[tuple[int, int]]) -> list[float]:
        """One forward pass with a hook for each head."""

        def zero(z: Tensor, hook: object, head: int) -> Tensor:
            z[:, :, head, :] = 0
            return z

        return self._each(tokens, heads, zero, lambda hooks: float(self._run(tokens, hooks, "loss")))

    def difference_by_loop(self, tokens: Tensor, heads: list[tuple[int, int]], pair: tuple[int, int]) -> list[float]:
        """The same with the difference of two logits at the last position."""

        def zero(z: Tensor, hook: object, head: int) -> Tensor:
            z[:, :, head, :] = 0
            return z

        def difference(hooks: list[tuple[str, Callable[..., Tensor]]]) -> float:
            logits = self._run(tokens, hooks, "logits")[0, -1]
            return float(logits[pair[0]] - logits[pair[1]])

        return self._each(tokens, heads, zero, difference)

    @torch.inference_mode()
    def sweep_by_batch(self, tokens: Tensor, layer: int) -> list[float]:
        """All heads of a layer as one batch: row i has head i at zero."""

        def zero(z: Tensor, hook: object) -> Tensor:
            rows = torch.arange(self.heads)
            z[rows, :, rows, :] = 0
            return z

        batch = tokens.expand(self.heads, -1)
        logits = self._run(batch, [(f"blocks.{layer}.attn.hook_z", zero)], "logits")
        return self._losses(logits, tokens)

    @torch.inference_mode()
    def sweep_by_shared_prefix(self, tokens: Tensor) -> list[float]:
        """Written by hand: every layer's heads start from the one base pass, right behind their z."""
        transformer = self.module.transformer
        positions = torch.arange(tokens.shape[1])
        stream = transformer.wte(tokens) + transformer.wpe(positions)
        losses: list[float] = []
        for index, block in enumerate(transformer.h):
            z = self._z(block, stream)
            variants = z.expand(self.heads + 1, -1, -1).clone()
            for head in range(self.heads):
                variants[head, :, head * self.width : (head + 1) * self.width] = 0
            x = stream + block.attn.attention.out_proj(variants)
            x = x + block.mlp(block.ln_2(x))
            stream = x[self.heads :]
            x = x[: self.heads]
            for later in transformer.h[index + 1 :]:
                x = self._block(later, x)
            losses += self._losses(self.module.lm_head(transformer.ln_f(x)), tokens)
        return losses

    def _each(
        self,
        tokens: Tensor,
        heads: list[tuple[int, int]],
        hook: Callable[..., Tensor],
        metric: Callable[[list[tuple[str, Callable[..., Tensor]]]], float],
    ) -> list[float]:
        with torch.inference_mode():
            return [metric([(f"blocks.{layer}.attn.hook_z", partial(hook, head=head))]) for layer, head in heads]

    def _run(self, tokens: Tensor, hooks: list[tuple[str, Callable[..., Tensor]]], return_type: str) -> Tensor:
        return self.bridge.run_with_hooks(tokens, return_type=return_type, fwd_hooks=hooks)

    @staticmethod
    def _losses(logits: Tensor, tokens: Tensor) -> list[float]:
        targets = tokens[:, 1:].expand(logits.shape[0], -1)
        losses = F.cross_entropy(logits[:, :-1].transpose(1, 2), targets, reduction="none")
        return losses.mean(dim=1).tolist()

    def _z(self, block: torch.nn.Module, x: Tensor) -> Tensor:
        attention = block.attn.attention
        normed = block.ln_1(x)
        shape = (*x.shape[:2], self.heads, self.width)
        q, k, v = (
            project(normed).view(shape).transpose(1, 2)
            for project in (attention.q_proj, attention.k_proj, attention.v_proj)
        )
        z = F.scaled_dot_product_attention(q, k, v, is_causal=True, scale=1.0)
        return z.transpose(1, 2).reshape(x.shape[0], x.shape[1], -1)

    def _block(self, block: torch.nn.Module, x: Tensor) -> Tensor:
        x = x + block.attn.attention.out_proj(self._z(block, x))
        return x + block.mlp(block.ln_2(x))
