"""A model's shape and the choices of its forward pass under TransformerLens's names."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from lensd._proto.models_pb2 import ModelConfiguration, ModelDescription

_NO_CAP = -1.0  # TransformerLens's way to say that nothing is capped.


@dataclass(frozen=True)
class ModelConfig:
    """What `HookedTransformerConfig` says of the same model; constants hold for every model that lensd serves."""

    model_name: str
    original_architecture: str
    n_layers: int
    n_heads: int
    n_key_value_heads: int | None  # None where queries are not grouped.
    d_model: int
    d_head: int
    d_mlp: int | None  # None in attention-only models.
    n_ctx: int
    d_vocab: int
    d_vocab_out: int
    act_fn: str | None
    eps: float
    normalization_type: str | None  # "LNPre", "RMSPre" where the norms are folded into the weights.
    use_normalization_before_and_after: bool
    norms_after: bool  # ln1 and ln2 norm what is added to the residual stream (OLMo 2).
    final_rms: bool
    use_attn_scale: bool
    attn_scale: float  # What attention scores are divided by; 1 for GPT-Neo.
    scale_attn_by_inverse_layer_idx: bool
    attn_scores_soft_cap: float  # -1 for none.
    output_logits_soft_cap: float  # -1 for none.
    use_qk_norm: bool
    clip_qkv: float | None
    use_local_attn: bool
    attn_types: tuple[str, ...]  # "global" or "local", one per layer.
    window_size: int | None
    positional_embedding_type: str
    rotary_dim: int | None
    rotary_base: float | None
    rotary_adjacent_pairs: bool
    rotary_scaling: str | None  # "linear", "llama3", "yarn".
    rotary_scaling_factor: float
    post_embedding_ln: bool
    embed_scale: float  # What embeddings are multiplied with; TransformerLens multiplies W_E.
    attn_only: bool
    gated_mlp: bool
    parallel_attn_mlp: bool
    tie_word_embeddings: bool
    default_prepend_bos: bool
    processing: tuple[str, ...]  # The steps of weight processing that were done, by TransformerLens's names.
    attention_dir: str = "causal"
    device: str = "cpu"
    # Whether points that cost extra are in caches without a filter; the model's `set_use_…` methods say.
    use_attn_result: bool = False
    use_split_qkv_input: bool = False
    use_hook_mlp_in: bool = False
    use_attn_in: bool = False

    @classmethod
    def of(cls, description: ModelDescription, is_raw: bool) -> ModelConfig:
        """The configuration of a resident model in one of its two forms."""
        shape = description.configuration
        attn_types = tuple(each.decode() for each in shape.attn_types)
        rotary = shape.rotary if shape.HasField("rotary") else None
        scaling = rotary.scaling.decode() if rotary else "none"
        processing = () if is_raw else tuple(each.decode() for each in shape.processing_steps)
        return cls(
            model_name=description.name.decode(),
            original_architecture=shape.original_architecture.decode(),
            n_layers=shape.n_layers,
            n_heads=shape.n_heads,
            n_key_value_heads=shape.n_key_value_heads if shape.n_key_value_heads != shape.n_heads else None,
            d_model=shape.d_model,
            d_head=shape.d_head,
            d_mlp=None if shape.attn_only else shape.d_mlp,
            n_ctx=shape.n_ctx,
            d_vocab=shape.d_vocab,
            d_vocab_out=shape.d_vocab,
            act_fn=None if shape.attn_only else shape.act_fn.decode(),
            eps=shape.eps,
            normalization_type=_normalization(shape, is_folded="fold_ln" in processing),
            use_normalization_before_and_after=shape.norm_placement == b"before_and_after",
            norms_after=shape.norm_placement == b"after",
            final_rms=shape.final_rms,
            use_attn_scale=shape.attn_scale != 1,
            attn_scale=_divisor(shape),
            scale_attn_by_inverse_layer_idx=shape.scale_attn_by_inverse_layer_idx,
            attn_scores_soft_cap=shape.attn_scores_soft_cap or _NO_CAP,
            output_logits_soft_cap=shape.output_logits_soft_cap or _NO_CAP,
            use_qk_norm=shape.qk_norm == b"per_head",
            clip_qkv=shape.clip_qkv or None,
            use_local_attn="local" in attn_types,
            attn_types=attn_types,
            window_size=shape.window_size or None,
            positional_embedding_type=shape.positional_embedding_type.decode(),
            rotary_dim=rotary.dim if rotary else None,
            rotary_base=rotary.rotary_base if rotary else None,
            rotary_adjacent_pairs=rotary.adjacent_pairs if rotary else False,
            rotary_scaling=scaling if scaling != "none" else None,
            rotary_scaling_factor=rotary.factor if rotary and scaling != "none" else 1.0,
            post_embedding_ln=shape.post_embedding_ln,
            embed_scale=shape.embed_scale,
            attn_only=shape.attn_only,
            gated_mlp=shape.gated_mlp,
            parallel_attn_mlp=shape.parallel_attn_mlp,
            tie_word_embeddings=shape.tied_embedding,
            default_prepend_bos=shape.default_prepend_bos,
            processing=processing,
        )


def _normalization(shape: ModelConfiguration, is_folded: bool) -> str | None:
    name = shape.normalization_type.decode()
    return name + ("Pre" if is_folded else "") if name else None


def _divisor(shape: ModelConfiguration) -> float:
    # Exactly 1/sqrt(d_head) where it is that, which a float32 is not.
    usual = sqrt(shape.d_head)
    if not shape.attn_scale:
        return 1.0
    return usual if abs(shape.attn_scale * usual - 1) < 1e-6 else 1 / shape.attn_scale
