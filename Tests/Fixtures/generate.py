"""Regenerates every reference fixture: `python Tests/Fixtures/generate.py`.

README.md beside this file explains what is written; requirements.txt pins what it needs.
"""

from __future__ import annotations

import os

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

import argparse
import logging
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors.torch import load_file, save_file
from transformer_lens import HookedTransformer

from analyses import analyses
from checkpoints import SPECS, write_checkpoint
from circuits import circuits
from edit_cases import write_edit_cases
from family_checkpoints import FAMILY_SPECS, load_family_model, write_family_checkpoint
from family_gradients import CHECKPOINTS as GRADIENT_CHECKPOINTS
from family_gradients import family_gradients
from family_lens import accept_families, load_family_lens
from family_reference import family_references
from generation import filtered_distributions, greedy_texts
from gradients import LOSS_SEQUENCES, gradient_tensors
from head_positions import head_positions
from head_scores import head_scores
from hook_cases import CHECKPOINT, SEQUENCE
from hook_functions import hook_functions
from lens import FORMS, Tensors, accept_local_folders, load_lens_model
from manifest import write_json, write_lines, write_manifest
from parameters import parameter_sums
from patching import patching_tensors
from reference import reference_tensors
from tokenizer_bos import write_prepend_bos
from tokenizer_cases import write_tokenizer_cases
from tokenizer_fuzz import write_fixture
from toy_models import TOY_SPECS, load_toy, write_toy


def main() -> None:
    """Writes checkpoints, references, tokenizer and head fixtures, then the manifest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", help="checkpoints to make (no manifest then)")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent, help="folder to write to")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    # Checkpoints are named relative to here, so that no path gets into a file or a model's name.
    os.chdir(arguments.output)
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    transformers.utils.logging.disable_progress_bar()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.set_grad_enabled(False)
    accept_local_folders()

    root = Path()
    for spec in SPECS:
        if arguments.only and spec.name not in arguments.only:
            continue
        write_checkpoint(spec, root)
        write_references(root / spec.name, *reference_tensors(spec))
        if spec.name in LOSS_SEQUENCES:
            path = root / spec.name / "gradients.safetensors"
            save_file(gradient_tensors(spec), path)
            path.chmod(0o644)
    if arguments.only:
        write_families(root, arguments.only)
        return
    write_tokenizer_cases(root)
    write_fixture(root / "tokenizer" / "fuzz.json", count=96, seed=0)
    write_prepend_bos(root)
    write_lines(root / "heads" / "reference.json", head_scores())
    write_lines(root / "heads" / "positions.json", head_positions())
    write_edit_cases(root)
    write_hook_functions(root)
    write_lines(root / "generation" / "greedy.json", greedy_texts())
    write_lines(root / "generation" / "filters.json", filtered_distributions())
    write_patching(root)
    parameters = [record for spec in SPECS for record in parameter_sums(spec.name, lenses(spec.name, load_lens_model))]
    parameters += write_families(root, None)
    write_lines(root / "parameters" / "reference.json", parameters)
    write_analyses(root)
    write_circuits(root)
    write_manifest(
        root,
        [*(spec.name for spec in SPECS), "analyses", "circuits", "edits", "generation", "heads", "hooks", "parameters"]
        + ["patching", "tokenizer"]
        + [spec.folder for spec in (*FAMILY_SPECS, *TOY_SPECS)],
    )


def lenses(name: str, load: Callable[[Any, str], HookedTransformer]) -> dict[str, HookedTransformer]:
    """A checkpoint's models by form."""
    return {form: load(name, form) for form in FORMS}


def write_families(root: Path, only: list[str] | None) -> list[dict[str, Any]]:
    """Writes checkpoints of other families than GPT-Neo, and their references; returns their parameters' sums."""
    accept_families()
    parameters: list[dict[str, Any]] = []
    for spec in FAMILY_SPECS:
        if only is None or spec.name in only:
            write_family_checkpoint(spec, root)
            models = lenses(spec.folder, load_family_lens)
            parameters += parameter_sums(spec.folder, models)
            model = load_family_model(spec.folder)
            write_references(root / spec.folder, *family_references(spec.name, models, model))
            write_family_gradients(root / spec.folder, spec.name, models)
    for toy in TOY_SPECS:
        if only is None or toy.name in only:
            write_toy(toy, root)
            models = lenses(toy, load_toy)
            parameters += parameter_sums(toy.folder, models)
            write_references(root / toy.folder, *family_references(toy.name, models, None))
            write_family_gradients(root / toy.folder, toy.name, models)
    return parameters


def write_family_gradients(folder: Path, name: str, lenses: dict[str, Any]) -> None:
    """Writes `gradients.safetensors` where the checkpoint is one that has it."""
    if name in GRADIENT_CHECKPOINTS:
        path = folder / "gradients.safetensors"
        save_file(family_gradients(name, lenses), path)
        path.chmod(0o644)


def write_references(folder: Path, tensors: Tensors, index: dict[str, Any]) -> None:
    """Writes `reference.safetensors` and `reference.json`."""
    path = folder / "reference.safetensors"
    save_file(tensors, path)
    path.chmod(0o644)
    write_json(folder / "reference.json", index)


def write_hook_functions(root: Path) -> None:
    """Writes the outcome of hook functions on a checkpoint that is there."""
    tokens = load_file(root / CHECKPOINT / "reference.safetensors")[f"{SEQUENCE}/tokens"]
    path = root / "hooks" / "reference.safetensors"
    path.parent.mkdir(exist_ok=True)
    save_file(hook_functions(tokens), path)
    path.chmod(0o644)


def write_analyses(root: Path) -> None:
    """Writes what analyses say of checkpoints that are there."""
    path = root / "analyses" / "reference.safetensors"
    path.parent.mkdir(exist_ok=True)
    tensors, index = analyses()
    save_file({name: value.contiguous().clone() for name, value in tensors.items()}, path)
    path.chmod(0o644)
    write_json(root / "analyses" / "reference.json", index)


def write_circuits(root: Path) -> None:
    """Writes what TransformerLens says of the weights of checkpoints that are there."""
    path = root / "circuits" / "reference.safetensors"
    path.parent.mkdir(exist_ok=True)
    save_file({name: value.contiguous() for name, value in circuits().items()}, path)
    path.chmod(0o644)


def write_patching(root: Path) -> None:
    """Writes what patching makes of a checkpoint that is there."""
    path = root / "patching" / "reference.safetensors"
    path.parent.mkdir(exist_ok=True)
    save_file(patching_tensors(), path)
    path.chmod(0o644)


if __name__ == "__main__":
    main()
