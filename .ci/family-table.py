#!/usr/bin/env python3
"""Fills the models page's table of families from what their tests found: `family-table.py RESULTS`, or `--check`.

RESULTS is the file that LENS_FAMILY_RESULTS named while the tests ran (`make families`). `--check` holds the rows
against the architectures in the sources and the checkpoints under Tests/Fixtures, and looks for empty cells.
"""

import json
import re
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "Sources" / "Lens.docc" / "Models.md"
BEGIN, END = "<!-- families -->", "<!-- /families -->"
COLUMNS = ("logits", "activations", "ablation", "generation", "tokenizer", "import")
# Those of which a table can say no more than that all are equal.
EXACT = ("generation", "tokenizer", "import")
NAMES = {
    "GPT2LMHeadModel": "GPT-2",
    "GPTNeoForCausalLM": "GPT-Neo",
    "GPTNeoXForCausalLM": "GPT-NeoX, Pythia",
    "GPTJForCausalLM": "GPT-J",
    "OPTForCausalLM": "OPT",
    "BloomForCausalLM": "BLOOM",
    "PhiForCausalLM": "Phi 1, 1.5, 2",
    "LlamaForCausalLM": "LLaMA 1–3",
    "MistralForCausalLM": "Mistral",
    "Qwen2ForCausalLM": "Qwen 1.5, 2, 2.5",
    "Qwen3ForCausalLM": "Qwen 3",
    "GemmaForCausalLM": "Gemma 1",
    "Gemma2ForCausalLM": "Gemma 2",
    "StableLmForCausalLM": "StableLM",
    "OlmoForCausalLM": "OLMo",
    "Olmo2ForCausalLM": "OLMo 2",
    "HookedTransformer": "TransformerLens's own",
}

# The tokenizers that a family's checkpoints have, by their names in Tests/Fixtures/tokenizer_families.py.
TOKENIZERS = {
    "GPT2LMHeadModel": ["gpt2"],
    "GPTNeoForCausalLM": ["gpt2"],
    "GPTNeoXForCausalLM": ["neox"],
    "GPTJForCausalLM": ["gpt2"],
    "OPTForCausalLM": ["opt"],
    "BloomForCausalLM": ["bloom"],
    "PhiForCausalLM": ["phi2"],
    "LlamaForCausalLM": ["llama2", "llama3"],
    "MistralForCausalLM": ["mistral", "mistral-nemo"],
    "Qwen2ForCausalLM": ["qwen2"],
    "Qwen3ForCausalLM": ["qwen2"],
    "GemmaForCausalLM": ["gemma"],
    "Gemma2ForCausalLM": ["gemma"],
    "StableLmForCausalLM": ["neox"],
    "OlmoForCausalLM": ["olmo"],
    "Olmo2ForCausalLM": ["olmo2"],
}


def main() -> int:
    """Writes or checks the table; returns 1 where it is wrong."""
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 64
    if sys.argv[1] == "--check":
        problems = check()
        print("\n".join(problems), end="\n" if problems else "", file=sys.stderr)
        return min(len(problems), 1)
    write(results(Path(sys.argv[1])))
    return 0


def results(path: Path) -> dict[str, dict[str, list[dict]]]:
    """Architecture → column → results."""
    found: dict[str, dict[str, list[dict]]] = defaultdict(lambda: defaultdict(list))
    for line in path.read_text().splitlines():
        result = json.loads(line)
        owners = [result["architecture"]] if "architecture" in result else owners_of(result["tokenizer"])
        for architecture in owners:
            found[architecture][result["column"]].append(result)
    return found


def owners_of(tokenizer: str) -> list[str]:
    """The architectures whose checkpoints have a tokenizer of this kind."""
    return [architecture for architecture, names in TOKENIZERS.items() if tokenizer in names]


def write(found: dict[str, dict[str, list[dict]]]) -> None:
    """Puts the table between its marks."""
    lines = [f"| family | checkpoints | {' | '.join(COLUMNS)} |", f"|---|---|{'---|' * len(COLUMNS)}"]
    for architecture, name in NAMES.items():
        columns = found.get(architecture, {})
        cells = [cell(column, columns.get(column, [])) for column in COLUMNS]
        lines.append(f"| {name} | {len(checkpoints()[architecture])} | {' | '.join(cells)} |")
    text = PAGE.read_text()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n" + "\n".join(lines) + f"\n{END}{after}")


def cell(column: str, found: list[dict]) -> str:
    """The largest difference, or a tick; a cross where something is wrong."""
    if not found:
        return "–"
    if any(result["worst"] is None for result in found):
        return "✗"
    if column in EXACT:
        return "✓"
    mantissa, exponent = f"{max(result['worst'] for result in found):.0e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def checkpoints() -> dict[str, list[str]]:
    """Architecture → its checkpoints."""
    fixtures = ROOT / "Tests" / "Fixtures"
    found = defaultdict(list)
    for config in sorted([*fixtures.glob("*/config.json"), *fixtures.glob("families/*/config.json")]):
        found[json.loads(config.read_text())["architectures"][0]].append(config.parent.name)
    return found


def check() -> list[str]:
    """What is wrong with the table as it stands."""
    families = ROOT / "Sources" / "LensModel" / "Families"
    declared = set()
    for source in families.glob("*Family.swift"):
        for names in re.findall(r"static let architectures = \[([^]]*)\]", source.read_text()):
            declared |= set(re.findall(r'"(\w+)"', names))
    problems = [f"family-table.py has no name for {name}" for name in sorted(declared - set(NAMES))]
    problems += [f"family-table.py names {name}, which no family has" for name in sorted(set(NAMES) - declared)]
    _, _, rest = PAGE.read_text().partition(BEGIN)
    table = rest.partition(END)[0]
    for architecture, name in NAMES.items():
        row = re.search(rf"^\| {re.escape(name)} \| (\d+) \|(.*)$", table, re.MULTILINE)
        count = len(checkpoints()[architecture])
        if row is None:
            problems.append(f"Models.md's table of families lacks {name}")
        elif int(row[1]) != count:
            problems.append(f"Models.md's table has {row[1]} checkpoints of {name}; there are {count} (make families)")
        elif "✗" in row[2]:
            problems.append(f"Models.md's table says that something is wrong with {name}")
    return problems


if __name__ == "__main__":
    sys.exit(main())
