"""Writes Tests/Fixtures/pytorch: files of torch.save, and their tensors as the safetensors library keeps them.

Run by hand when the reader learns something: `python Tests/Fixtures/pytorch_files.py`. It needs torch and safetensors.
"""

from __future__ import annotations

import argparse
import json
from collections import OrderedDict
from importlib.metadata import version
from pathlib import Path

import torch
from safetensors.torch import save_file

from manifest import write_json

Tensors = dict[str, torch.Tensor]


def values(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """Numbers that differ from place to place."""
    count = int(torch.tensor(shape).prod()) if shape else 1
    return (torch.arange(count, dtype=torch.float32) * 0.37 - 3).reshape(shape).to(dtype)


def types() -> Tensors:
    """One tensor of every type of elements."""
    floats = {str(dtype).removeprefix("torch."): values(3, 2, dtype=dtype) for dtype in FLOATS}
    integers = {str(dtype).removeprefix("torch."): torch.arange(-3, 3).to(dtype) for dtype in INTEGERS}
    return floats | integers | {"bool": torch.tensor([True, False, True])}


FLOATS = (torch.float32, torch.float16, torch.bfloat16, torch.float64)
INTEGERS = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)
# These have no storage class of their own: torch saves bytes and names the type beside them.
UNTYPED = (torch.uint16, torch.uint32, torch.uint64, torch.float8_e4m3fn, torch.float8_e5m2)


def views() -> Tensors:
    """Parts of storages, transposed, stepped, shared, empty."""
    whole = values(6, 8)
    long = values(30, 40)
    return {
        "whole": whole,
        "transposed": whole.t(),
        "column": whole[:, 3],
        "stepped": whole[1::2, ::3],
        "tail": whole[4:],
        "one": whole[2, 5],
        "permuted": values(2, 3, 4).permute(2, 0, 1),
        "scalar": torch.tensor(1.5),
        "empty": torch.empty(0, 4),
        "wide.transposed": long.t(),
        "half.transposed": values(5, 3, dtype=torch.float16).t(),
        "flag.transposed": torch.tensor([[True, False], [False, False], [True, True]]).t(),
        "double.stepped": values(7, dtype=torch.float64)[::2],
    }


def module() -> tuple[OrderedDict[str, torch.Tensor], Tensors]:
    """A module's own state dict, with its versions as an attribute, and parameters instead of tensors."""
    net = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.LayerNorm(3))
    for parameter in net.parameters():
        parameter.data.copy_(values(*parameter.shape))
    state = net.state_dict(keep_vars=True)
    return state, {key: value.detach() for key, value in state.items()}


def main() -> None:
    """Writes the folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "pytorch")
    root = parser.parse_args().output
    root.mkdir(parents=True, exist_ok=True)
    expected: Tensors = {}

    def write(name: str, state: Tensors, contents: Tensors | None = None, **options: object) -> None:
        torch.save(state, root / f"{name}.bin", **options)
        for key, tensor in (contents or state).items():
            expected[f"{name}/{key}"] = tensor.detach().clone().contiguous()

    write("types", types())
    write("untyped", {str(dtype).removeprefix("torch."): values(2, 3).abs().to(dtype) for dtype in UNTYPED})
    write("views", views())
    write("old-types", types(), _use_new_zipfile_serialization=False)
    write("old-views", views(), _use_new_zipfile_serialization=False)
    state, contents = module()
    write("module", state, contents)
    write("old-module", state, contents, _use_new_zipfile_serialization=False)
    for protocol in (3, 4, 5):
        write(f"protocol-{protocol}", {"a": values(2, 3), "b": values(4)}, pickle_protocol=protocol)
    tied = values(5, 2)
    first = {"transformer.wte.weight": tied, "lm_head.weight": tied}
    write("pytorch_model-00001-of-00002", first)
    write("pytorch_model-00002-of-00002", {"transformer.ln_f.weight": values(2)})
    index = dict.fromkeys(first, "pytorch_model-00001-of-00002.bin")
    index["transformer.ln_f.weight"] = "pytorch_model-00002-of-00002.bin"
    text = json.dumps({"metadata": {"total_size": 88}, "weight_map": index}, indent=1)
    (root / "pytorch_model.bin.index.json").write_text(text + "\n")
    save_file(expected, root / "expected.safetensors")
    for path in root.iterdir():
        path.chmod(0o644)
    write_json(root / "manifest.json", {"versions": {name: version(name) for name in ("safetensors", "torch")}})


if __name__ == "__main__":
    main()
