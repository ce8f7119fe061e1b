"""Writes the Python package's table of model names from TransformerLens's own.

`python Tests/Fixtures/model_names.py`, in the environment that makes the fixtures.

Only names of families that lensd runs get into it; requirements.txt beside this file pins the version.
"""

from __future__ import annotations

import re
from importlib.metadata import version
from pathlib import Path

from transformer_lens.supported_models import MODEL_ALIASES, OFFICIAL_MODEL_NAMES

TARGET = Path(__file__).parents[2] / "Clients/python/src/lensd/model_names.py"
# Repositories by what their config.json says they are; a name that matches none is left out.
FAMILIES = {
    "GPT-Neo": r"roneneldan/.*|EleutherAI/gpt-neo-[\d.]+[BM]",
    "GPT-2": r"gpt2.*|distilgpt2|stanford-crfm/.*|ai-forever/mGPT",
    "GPT-NeoX": r"EleutherAI/(pythia|gpt-neox).*|stabilityai/stablelm-.*-alpha-.*",
    "GPT-J": r"EleutherAI/gpt-j.*",
    "OPT": r"facebook/opt-.*",
    "BLOOM": r"bigscience/bloom-.*",
    "Phi": r"microsoft/phi-(1|1_5|2)",
    "LLaMA": r"meta-llama/.*|codellama/.*|01-ai/Yi-.*",
    "Mistral": r"mistralai/Mistral-.*",
    "Qwen2": r"Qwen/(Qwen1\.5|Qwen2|Qwen2\.5|QwQ)-.*",
    "Qwen3": r"Qwen/Qwen3-.*",
    "Gemma": r"google/gemma-(2b|7b)(-it)?",
    "Gemma 2": r"google/gemma-2-.*",
    "OLMo": r"allenai/OLMo-[17]B-hf",
    "OLMo 2": r"allenai/OLMo-2-.*",
}


def table() -> str:
    """The module's text."""
    lines = [
        '"""Models that TransformerLens knows by name, of the families that lensd runs.',
        "",
        f"Written by Tests/Fixtures/model_names.py from transformer_lens {version('transformer_lens')}:",
        "OFFICIAL_MODEL_NAMES, which are Hugging Face repositories, with their MODEL_ALIASES.",
        '"""',
        "",
        "from __future__ import annotations",
        "",
        "ALIASES: dict[str, tuple[str, ...]] = {",
    ]
    for family, pattern in FAMILIES.items():
        lines.append(f"    # {family}")
        for name in OFFICIAL_MODEL_NAMES:
            if re.fullmatch(pattern, name):
                lines += entry(name, [quoted(alias) for alias in dict.fromkeys(MODEL_ALIASES.get(name, ()))])
    return "\n".join([*lines, "}", ""])


def entry(name: str, aliases: list[str]) -> list[str]:
    """A repository's lines."""
    line = f"    {quoted(name)}: ({', '.join(aliases)}{',' * (len(aliases) == 1)}),"
    if len(line) <= 120:
        return [line]
    return [f"    {quoted(name)}: (", *(f"        {each}," for each in aliases), "    ),"]


def quoted(text: str) -> str:
    """A Python literal."""
    return f'"{text}"'


if __name__ == "__main__":
    TARGET.write_text(table())
