"""What TransformerLens makes of texts with and without `prepend_bos`, for the tokenizers of families.

Writes `tokenizer/prepend_bos.json`: `[{"family", "settings", "text", "with", "without"}]`, where `settings` is the
text of the tokenizer_config.json; `with` and `without` are HookedTransformer.to_tokens's ids. Only for texts
without padding.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"

from transformer_lens import HookedTransformer, HookedTransformerConfig
from transformers import AutoTokenizer

from manifest import write_lines
from tokenizer_families import family

# Family, architecture, and what its tokenizer_config.json says of special tokens.
SETTINGS: list[tuple[str, str, dict[str, Any]]] = [
    ("gpt2", "GPT2LMHeadModel", {"bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>"}),
    ("neox", "GPTNeoXForCausalLM", {"bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>"}),
    ("olmo2", "Olmo2ForCausalLM", {"bos_token": None, "eos_token": "<|endoftext|>"}),
    ("qwen2", "Qwen2ForCausalLM", {"bos_token": None, "eos_token": "<|im_end|>", "add_bos_token": False}),
    ("opt", "OPTForCausalLM", {"bos_token": "</s>", "eos_token": "</s>"}),
    ("bloom", "BloomForCausalLM", {"bos_token": "<s>", "eos_token": "</s>"}),
    ("llama3", "LlamaForCausalLM", {"bos_token": "<|begin_of_text|>", "eos_token": "<|end_of_text|>"}),
    ("llama2", "LlamaForCausalLM", {"bos_token": "<s>", "eos_token": "</s>", "add_bos_token": True, "legacy": True}),
    ("mistral", "MistralForCausalLM", {"bos_token": "<s>", "eos_token": "</s>", "legacy": False}),
    ("gemma", "GemmaForCausalLM", {"bos_token": "<bos>", "eos_token": "<eos>", "add_bos_token": True}),
]
TEXTS = ("Tom saw the ball.", " a space first", "x", "<s> within", "two\nlines  and <|endoftext|> there")


def cases(name: str, architecture: str, settings: dict[str, Any]) -> list[dict[str, Any]]:
    """What one tokenizer makes of the texts."""
    text = json.dumps(settings | {"tokenizer_class": "PreTrainedTokenizerFast", "padding_side": "right"})
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "tokenizer.json").write_text(json.dumps(family(name)), encoding="utf-8")
        (Path(folder) / "tokenizer_config.json").write_text(text, encoding="utf-8")
        tokenizer = AutoTokenizer.from_pretrained(folder)
        config = HookedTransformerConfig(
            n_layers=1, d_model=8, n_ctx=64, d_head=8, act_fn="relu", d_vocab=len(tokenizer) + 8, device="cpu",
            original_architecture=architecture,
        )
        model = HookedTransformer(config, tokenizer=tokenizer)
        return [
            {
                "family": name, "settings": text, "text": string,
                "with": model.to_tokens(string, prepend_bos=True)[0].tolist(),
                "without": model.to_tokens(string, prepend_bos=False)[0].tolist(),
            }
            for string in TEXTS
        ]


def write_prepend_bos(root: Path) -> None:
    """Writes `tokenizer/prepend_bos.json`."""
    records = [case for entry in SETTINGS for case in cases(*entry)]
    write_lines(root / "tokenizer" / "prepend_bos.json", records)


if __name__ == "__main__":
    write_prepend_bos(Path(__file__).parent)
