"""Trains the byte-level BPE of tinytales-1l and writes the tokenizer files of its folder.

It is GPT-2's kind: the same splitting pattern, all 256 bytes in the alphabet (so that every text
can be encoded), and one special token, `<|endoftext|>`, with id 0, which is BOS, EOS and UNK.
"""

from __future__ import annotations

import argparse
import json
from itertools import islice
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from stories import training_stories

SPECIAL_TOKEN = "<|endoftext|>"
VOCABULARY = 2048
CONTEXT = 512


def train_tokenizer(seed: int, count: int) -> Tokenizer:
    """A byte-level BPE fitted on the first `count` training stories of `seed`."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[SPECIAL_TOKEN],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(islice(training_stories(seed), count), trainer)
    return tokenizer


def write_json(path: Path, value: object) -> None:
    """Writes `value` as indented JSON."""
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def write_tokenizer(tokenizer: Tokenizer, folder: Path) -> None:
    """Writes `tokenizer.json` and the two small files that transformers reads beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    special = dict.fromkeys(("bos_token", "eos_token", "unk_token"), SPECIAL_TOKEN)
    write_json(folder / "special_tokens_map.json", special)
    settings = {
        "add_prefix_space": False,
        "clean_up_tokenization_spaces": False,
        "model_max_length": CONTEXT,
        "tokenizer_class": "PreTrainedTokenizerFast",
    }
    write_json(folder / "tokenizer_config.json", special | settings)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="the model's folder")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--stories", type=int, default=20_000)
    options = parser.parse_args()
    tokenizer = train_tokenizer(options.seed, options.stories)
    write_tokenizer(tokenizer, options.folder)
    print(f"{tokenizer.get_vocab_size()} tokens in {options.folder}")


if __name__ == "__main__":
    main()
