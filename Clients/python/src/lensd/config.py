"""A model's shape under TransformerLens's names."""

from __future__ import annotations

from dataclasses import dataclass

from lensd._proto.models_pb2 import ModelDescription


@dataclass(frozen=True)
class ModelConfig:
    """What `HookedTransformerConfig` says of the same model; constants hold for every model that lensd serves."""

    model_name: str
    original_architecture: str
    n_layers: int
    n_heads: int
    d_model: int
    d_head: int
    d_mlp: int
    n_ctx: int
    d_vocab: int
    d_vocab_out: int
    act_fn: str
    eps: float
    normalization_type: str  # "LNPre" where the layer norms are folded into the weights, else "LN".
    use_attn_scale: bool
    attn_scale: float  # What attention scores are divided by; 1 for GPT-Neo.
    use_local_attn: bool
    attn_types: tuple[str, ...]  # "global" or "local", one per layer.
    window_size: int
    tie_word_embeddings: bool
    positional_embedding_type: str = "standard"
    attention_dir: str = "causal"
    default_prepend_bos: bool = True
    attn_only: bool = False
    gated_mlp: bool = False
    parallel_attn_mlp: bool = False
    n_key_value_heads: int | None = None
    device: str = "cpu"

    @classmethod
    def of(cls, description: ModelDescription, is_raw: bool) -> ModelConfig:
        """The configuration of a resident model in one of its two forms."""
        shape = description.configuration
        attn_types = tuple(each.decode() for each in shape.attn_types)
        return cls(
            model_name=description.name.decode(),
            original_architecture=shape.original_architecture.decode(),
            n_layers=shape.n_layers,
            n_heads=shape.n_heads,
            d_model=shape.d_model,
            d_head=shape.d_head,
            d_mlp=shape.d_mlp,
            n_ctx=shape.n_ctx,
            d_vocab=shape.d_vocab,
            d_vocab_out=shape.d_vocab,
            act_fn=shape.act_fn.decode(),
            eps=shape.eps,
            normalization_type="LN" if is_raw else "LNPre",
            use_attn_scale=shape.attn_scale != 1,
            attn_scale=1 / shape.attn_scale if shape.attn_scale else 1.0,
            use_local_attn="local" in attn_types,
            attn_types=attn_types,
            window_size=shape.window_size,
            tie_word_embeddings=shape.tied_embedding,
        )
