"""The same model twice: served by lensd, and in TransformerLens itself."""

from __future__ import annotations

import contextlib
import io
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import lensd.transformer_lens as served_lens
import pytest
import torch
from daemon import FIXTURES, ROOT, Daemon
from family_lens import accept_families, load_family_lens
from lens import accept_local_folders, load_lens_model
from toy_models import TOY_SPECS, load_toy
from transformer_lens import HookedTransformer as Reference
from transformer_lens import loading_from_pretrained

# Name under which a model is served, and its folder.
FOLDERS = {
    "tales": ROOT / "Models" / "tinytales-1l",
    "local": FIXTURES / "gpt-neo-3l-local",
    "gpt2": FIXTURES / "families" / "gpt2-3l-scaled",
    "llama": FIXTURES / "families" / "llama-3l-grouped",
    "neox": FIXTURES / "families" / "neox-2l",
    "attn-only": FIXTURES / "families" / "toy-attn-only-2l",
}
# Some tokenizers here have little more than bytes, and contexts of 32.
TEXT = "Tom saw a cat. A cat saw Tom."


@dataclass(frozen=True)
class Pair:
    """One model of lensd's and the same of TransformerLens's."""

    ours: Any
    theirs: Any

    @property
    def tokens(self) -> torch.Tensor:
        """Two prompts of ten tokens, some of which come twice."""
        generator = torch.Generator().manual_seed(7)
        rows = torch.randint(0, min(200, self.theirs.cfg.d_vocab), (2, 10), generator=generator)
        rows[:, 5:8] = rows[:, 1:4]
        return rows


@pytest.fixture(scope="session")
def daemon() -> Iterator[Daemon]:
    """A daemon with every model of these tests."""
    with tempfile.TemporaryDirectory(prefix="lensd-tl-") as folder:
        options = [option for name, at in FOLDERS.items() for option in ("--model", f"{name}={at}")]
        running = Daemon(Path(folder), *options).start()
        yield running
        assert running.stop() == 0, running.log()


@pytest.fixture(autouse=True)
def found(daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    """Notebooks find the daemon by the environment."""
    monkeypatch.setenv("LENSD_SOCKET", str(daemon.socket))


# What the two ways to read local folders replace.
_LOADING = {
    name: getattr(loading_from_pretrained, name)
    for name in ("convert_hf_model_config", "get_official_model_name", "get_pretrained_state_dict")
}


@lru_cache
def reference(name: str, form: str = "processed") -> Reference:
    """The model in TransformerLens."""
    folder = FOLDERS[name]
    for function, original in _LOADING.items():
        setattr(loading_from_pretrained, function, original)
    with contextlib.redirect_stdout(io.StringIO()):
        if folder.name.startswith("toy-"):
            with contextlib.chdir(FIXTURES):
                return load_toy(next(toy for toy in TOY_SPECS if toy.name == folder.name), form)
        if folder.parent.name == "families":
            accept_families()
            return load_family_lens(str(folder), form)
        accept_local_folders()
        return load_lens_model(str(folder), form)


def pair_of(name: str, form: str = "processed") -> Pair:
    if form == "raw":
        return Pair(served_lens.HookedTransformer.from_pretrained_no_processing(name), reference(name, form))
    return Pair(served_lens.HookedTransformer.from_pretrained(name), reference(name))


@pytest.fixture
def pair(request: pytest.FixtureRequest) -> Pair:
    return pair_of(*getattr(request, "param", ("local",)))


def assert_same(ours: Any, theirs: Any, what: str = "", atol: float = 1e-4) -> None:
    """Tensors of one shape within 1e-4 + 1e-4 |x|; numbers, strings and lists of them equal."""
    if isinstance(theirs, torch.Tensor):
        assert isinstance(ours, torch.Tensor), f"{what}: {type(ours)}"
        assert tuple(ours.shape) == tuple(theirs.shape), f"{what}: {tuple(ours.shape)}, not {tuple(theirs.shape)}"
        torch.testing.assert_close(
            ours.detach(), theirs.detach().to(ours.dtype), rtol=1e-4, atol=atol, msg=what or None
        )
    elif isinstance(theirs, (list, tuple)):
        assert len(ours) == len(theirs), what
        for number, (mine, other) in enumerate(zip(ours, theirs, strict=True)):
            assert_same(mine, other, f"{what}[{number}]")
    elif isinstance(theirs, float):
        assert ours == pytest.approx(theirs, rel=1e-4, abs=atol), what
    else:
        assert ours == theirs, what
