"""The tokenizers of model families, with the components that their published tokenizer.json have.

No vocabulary is anybody's own: they are trained here, on children's sentences and many scripts, so small that files
stay small; or large for measuring speed, on Python's documentation and standard library too.
"""

from __future__ import annotations

import collections
import functools
import json
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from bpe import script_words, sentences

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
REST = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
GPT4 = CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|" + REST
QWEN2 = CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|" + REST
QWEN35 = (
    CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
LOWER = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
UPPER = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
REST_AND_SLASHES = r" ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
GPT4O = rf"{LOWER}{CONTRACTIONS}?|{UPPER}{CONTRACTIONS}?|\p{{N}}{{1,3}}|{REST_AND_SLASHES}"
NEMO = rf"{LOWER}|{UPPER}|\p{{N}}|{REST_AND_SLASHES}"
BLOOM = " ?[^(\\s|[.,!?\u2026\u3002\uff0c\u3001\u0964\u06d4\u060c])]+"

Json = dict[str, Any]


def byte_level(*, prefix: bool = False, trim: bool = True, regex: bool | None = None) -> Json:
    fields: Json = {"type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": trim}
    return fields if regex is None else fields | {"use_regex": regex}


def split(expression: str, behavior: str = "Isolated", *, invert: bool = False) -> Json:
    return {"type": "Split", "pattern": {"Regex": expression}, "behavior": behavior, "invert": invert}


def sequence(key: str, *parts: Json) -> Json:
    return {"type": "Sequence", key: list(parts)}


def replace(text: str, content: str) -> Json:
    return {"type": "Replace", "pattern": {"String": text}, "content": content}


def metaspace(scheme: str, *, splits: bool) -> Json:
    return {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": scheme, "split": splits}


def added(*contents: str, **flags: bool) -> list[Json]:
    standard = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    return [{"content": content} | standard | flags for content in contents]


def template(*before: str, after: tuple[str, ...] = ()) -> Callable[[dict[str, int]], Json]:
    def made(ids: dict[str, int]) -> Json:
        def special(token: str) -> Json:
            return {"SpecialToken": {"id": token, "type_id": 0}}

        text = {"Sequence": {"id": "A", "type_id": 0}}
        single = [*map(special, before), text, *map(special, after)]
        tokens = {token: {"id": token, "ids": [ids[token]], "tokens": [token]} for token in (*before, *after)}
        return {"type": "TemplateProcessing", "single": single, "pair": [*single, *single], "special_tokens": tokens}

    return made


SPACES = [" " * count for count in range(24, 1, -1)]
TABS = ["\t" * count for count in range(9, 1, -1)]
CODEGEN = added(*SPACES, *TABS, normalized=True, special=False)
LLAMA_DECODER = sequence(
    "decoders", replace("\u2581", " "), {"type": "ByteFallback"}, {"type": "Fuse"},
    {"type": "Strip", "content": " ", "start": 1, "stop": 0},
)
LLAMA_NORMALIZER = sequence("normalizers", {"type": "Prepend", "prepend": "\u2581"}, replace(" ", "\u2581"))
LLAMA_MODEL = {"unk_token": "<unk>", "fuse_unk": True, "byte_fallback": True}
LLAMA_ADDED = added("<unk>", "<s>", "</s>")
END = "<|endoftext|>"

# What differs from a byte-level tokenizer without normalizer; `pieces` says that the vocabulary is SentencePiece's.
FAMILIES: dict[str, Json] = {
    "gpt2": {"added": added(END, normalized=True)},
    "gpt2-prefix": {"pre": byte_level(prefix=True), "added": added(END)},
    "opt": {"post": template("</s>"), "added": added("<s>", "<pad>", "</s>", "<unk>", normalized=True)},
    "neox": {
        "normalizer": {"type": "NFC"},
        "added": added(END, "<|padding|>") + added(*SPACES, normalized=True, special=False),
    },
    "olmo": {
        "normalizer": {"type": "NFC"}, "post": template(after=(END,)),
        "added": added("|||IP_ADDRESS|||", "<|padding|>", END) + added(*SPACES, normalized=True, special=False),
    },
    "olmo2": {"pre": sequence("pretokenizers", split(GPT4, "Removed", invert=True), byte_level(regex=False)),
              "added": added(END, "<|fim_prefix|>", "<|endofprompt|>", "|||EMAIL_ADDRESS|||")},
    "llama3": {
        "pre": sequence("pretokenizers", split(GPT4), byte_level(regex=False)), "model": {"ignore_merges": True},
        "post": template("<|begin_of_text|>"), "in_sequence": True,
        "added": added("<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|eot_id|>"),
    },
    "qwen2": {
        "normalizer": {"type": "NFC"},
        "pre": sequence("pretokenizers", split(QWEN2), byte_level(trim=False, regex=False)),
        "added": added(END, "<|im_start|>", "<|im_end|>") + added("<tool_call>", "<think>", special=False),
    },
    "qwen3.5": {
        "normalizer": {"type": "NFC"},
        "pre": sequence("pretokenizers", split(QWEN35), byte_level(trim=False, regex=False)),
        "added": added(END, "<|im_start|>", "<|im_end|>"),
    },
    "bloom": {
        "pre": sequence("pretokenizers", split(BLOOM), byte_level(regex=False)),
        "added": added("<unk>", "<s>", "</s>", "<pad>"),
    },
    "phi2": {"added": added(END) + CODEGEN},
    "phi4-mini": {
        "pre": sequence("pretokenizers", split(GPT4O, "Removed", invert=True), byte_level(regex=False)),
        "added": added(END, "<|tag|>") + added("<|end|>", "<|user|>", rstrip=True),
    },
    "mistral-nemo": {
        "pre": sequence("pretokenizers", split(NEMO), byte_level(regex=False)),
        "post": template("<s>"), "added": added("<unk>", "<s>", "</s>", "[INST]", "[/INST]"),
    },
    "starcoder": {
        "pre": sequence("pretokenizers", {"type": "Digits", "individual_digits": True}, byte_level(regex=True)),
        "added": added(END, "<fim_prefix>"),
    },
    "falcon": {
        "pre": sequence(
            "pretokenizers", {"type": "Punctuation", "behavior": "Contiguous"}, byte_level(regex=True),
            {"type": "Digits", "individual_digits": False}, split("[0-9][0-9][0-9]"),
        ),
        "added": added(">>TITLE<<", END) + added("oranges", single_word=True, lstrip=True, special=False),
    },
    "llama2": {
        "pieces": True, "normalizer": LLAMA_NORMALIZER, "pre": None, "model": LLAMA_MODEL, "post": template("<s>"),
        "decoder": LLAMA_DECODER, "added": LLAMA_ADDED,
    },
    "llama2-normalized": {
        "pieces": True, "normalizer": LLAMA_NORMALIZER, "pre": None, "model": LLAMA_MODEL, "post": template("<s>"),
        "decoder": LLAMA_DECODER,
        "added": added("<unk>", "<s>", "</s>", normalized=True) + added("the end", lstrip=True),
    },
    "phi3": {
        "pieces": True, "normalizer": LLAMA_NORMALIZER, "pre": None, "model": LLAMA_MODEL, "post": template("<s>"),
        "decoder": LLAMA_DECODER,
        "added": LLAMA_ADDED + added("<|assistant|>", "<|end|>", rstrip=True) + added(END),
    },
    "mistral": {
        "pieces": True, "pre": metaspace("first", splits=False), "model": LLAMA_MODEL, "post": template("<s>"),
        "decoder": LLAMA_DECODER, "added": [*LLAMA_ADDED, *added("[INST]", "[/INST]")],
    },
    "gemma": {
        "pieces": True, "normalizer": replace(" ", "\u2581"),
        "pre": {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious", "invert": False},
        "model": LLAMA_MODEL, "post": template("<bos>"),
        "decoder": sequence("decoders", replace("\u2581", " "), {"type": "ByteFallback"}, {"type": "Fuse"}),
        "added": added("<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "<start_of_turn>")
        + added("\n\n\n", "\n\n", "\u2581\u2581\u2581", "\u2581\u2581", "<table>", special=False),
    },
    # Not those of a family: what others are made of.
    "metaspace": {
        "pieces": True, "pre": metaspace("always", splits=True), "model": LLAMA_MODEL | {"byte_fallback": False},
        "decoder": metaspace("always", splits=True),
        "normalizer": sequence(
            "normalizers", {"type": "NFKC"}, {"type": "Strip", "strip_left": True, "strip_right": True}
        ),
        "added": LLAMA_ADDED,
    },
    "crossing": {
        "pieces": True, "normalizer": sequence("normalizers", {"type": "NFKD"}, LLAMA_NORMALIZER), "pre": None,
        "model": LLAMA_MODEL | {"ignore_merges": True, "fuse_unk": False}, "decoder": LLAMA_DECODER, "crossing": True,
        "added": LLAMA_ADDED + added("Tom", single_word=True, normalized=True),
    },
    "nfd": {
        "normalizer": {"type": "NFD"},
        "pre": sequence(
            "pretokenizers", {"type": "Punctuation", "behavior": "MergedWithNext"},
            {"type": "Digits", "individual_digits": False}, byte_level(prefix=True, regex=False),
        ),
        "added": added(END),
    },
}


@functools.cache
def library_code() -> str:
    """Some of Python's standard library, the same of every version that has the files."""
    folder = Path(sysconfig.get_path("stdlib"))
    names = ("argparse", "ast", "collections/__init__", "csv", "dataclasses", "difflib", "inspect", "json/decoder",
             "pathlib", "pickle", "tarfile", "textwrap", "typing", "unittest/mock", "zipfile")
    paths = [folder / f"{name}.py" for name in names]
    return "\n".join(path.read_text(encoding="utf-8") for path in paths if path.exists())


def library_prose() -> str:
    """English of Python's own documentation."""
    from pydoc_data.topics import topics

    return "\n".join(topics.values())


def corpus(size: str) -> Iterator[str]:
    """What vocabularies are trained on: `small` needs no file of Python's, so that it is the same everywhere."""
    yield from sentences(600, seed=11)
    yield from script_words(500, seed=12)
    if size == "large":
        yield from library_prose().splitlines(keepends=True)
        yield from library_code().splitlines(keepends=True)


@functools.cache
def trained(kind: str, size: str) -> tuple[list[str], list[list[str]]]:
    """Tokens and merges: in bytes, or in characters where `▁` begins words."""
    tokenizer = Tokenizer(models.BPE())
    texts = list(corpus(size))
    if kind == "bytes":
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    else:
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
        # Chosen here: the trainer's own choice among equally rare characters is not the same every time.
        counts = collections.Counter(character for text in texts for character in text.replace(" ", "\u2581"))
        alphabet = sorted(sorted(counts), key=counts.__getitem__, reverse=True)[:280]
    trainer = trainers.BpeTrainer(
        vocab_size=32000 if size == "large" else 560, initial_alphabet=alphabet, limit_alphabet=len(alphabet),
        max_token_length=16, show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    model = json.loads(tokenizer.to_str())["model"]
    return sorted(model["vocab"], key=model["vocab"].__getitem__), model["merges"]


def family(name: str, size: str = "small") -> Json:
    """The tokenizer.json of a family."""
    config = FAMILIES[name]
    in_pieces = config.get("pieces", False)
    tokens, merges = trained("pieces" if in_pieces else "bytes", size)
    tokens, merges = list(tokens), list(merges)
    special = config["added"]
    if in_pieces:
        runs = ["\u2581" * length for length in (2, 4, 8, 16)]
        merges = [[run[: len(run) // 2], run[: len(run) // 2]] for run in runs] + merges
        merges += [["\u2581\u2581", "\u2581"], ["\u2581", "\u2581\u2581"]]
        bytes_ = [f"<0x{byte:02X}>" for byte in range(256)] if config["model"]["byte_fallback"] else []
        first = [token["content"] for token in special]
        tokens = [*first, *bytes_, *runs, "\u2581\u2581\u2581", *tokens]
        if config.get("crossing"):
            tokens += ["e\u2581", "e\u2581t", "\u2581a\u2581"]
            merges = [["e", "\u2581"], *merges, ["e\u2581", "t"], ["\u2581a", "\u2581"]]
            # Bytes without tokens: characters that have one of them are unknown.
            tokens = [token for token in tokens if token not in ("<0xE3>", "<0x81>", "<0xF0>")]
    vocab = {token: number for number, token in enumerate(dict.fromkeys(tokens))}
    number = len(vocab)
    entries = []
    for token in special:
        known = token["content"] in vocab
        entries.append({"id": vocab[token["content"]] if known else number} | token)
        number += 0 if known else 1
    ids = vocab | {entry["content"]: entry["id"] for entry in entries}
    post = config.get("post", lambda _: byte_level(prefix=True, trim=False))(ids)
    if config.get("in_sequence"):
        post = sequence("processors", byte_level(prefix=True, trim=False, regex=True), post)
    model = {
        "type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
        "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
    }
    return {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": sorted(entries, key=lambda entry: entry["id"]),
        "normalizer": config.get("normalizer"), "pre_tokenizer": config.get("pre", byte_level()),
        "post_processor": post, "decoder": config.get("decoder", byte_level(prefix=True)),
        "model": model | config.get("model", {}) | {"vocab": vocab, "merges": merges},
    }


def write_large(folder: Path, names: list[str]) -> None:
    """Large tokenizers for measuring, where they are not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        path = folder / f"{name}.json"
        if not path.exists():
            path.write_text(json.dumps(family(name, "large"), ensure_ascii=False), encoding="utf-8")
