"""A notebook written for TransformerLens: what of it needs no TransformerLens to be tested."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from daemon import ROOT, Daemon

CELLS = """
import lensd.transformer_lens as transformer_lens
from lensd.transformer_lens import HookedTransformer, utils, patching, head_detector
from lensd.transformer_lens.hook_points import HookPoint

model = HookedTransformer.from_pretrained("tiny")
tokens = model.to_tokens("Tom saw Lily")
logits, cache = model.run_with_cache(tokens)

def ablate(value, hook: HookPoint):
    value[:, :, 3] = 0
    return value

changed = model.run_with_hooks(tokens, fwd_hooks=[(utils.get_act_name("z", 0), ablate)])
assert not changed.equal(logits)
stack, labels = cache.get_full_resid_decomposition(return_labels=True)
assert stack.sum(0).allclose(cache["resid_post", -1], atol=1e-4)
assert patching.get_act_patch_resid_pre(model, tokens, cache, lambda logits: logits.mean()).shape[0] == 1
assert head_detector.detect_head(model, "Tom saw Lily", "previous_token_head").shape == (1, 16)
assert model.OV.eigenvalues.shape == (1, 16, model.cfg.d_head)
print("ran")
"""


def test_cells_run_with_the_import_and_the_model_changed(shared: Daemon, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    environment = {**shared.env, "LENSD_SOCKET": str(shared.socket)}
    ran = subprocess.run([sys.executable, "-c", CELLS], env=environment, capture_output=True, text=True, cwd=tmp_path)
    assert ran.stdout == "ran\n", ran.stderr


def test_without_torch_the_modules_say_what_they_need() -> None:
    block = "import sys; sys.modules['torch'] = None; import lensd.transformer_lens"
    ran = subprocess.run([sys.executable, "-c", block], capture_output=True, text=True)
    assert ran.returncode != 0
    assert 'pip install "lensd[torch]"' in ran.stderr


def test_the_page_of_names_is_what_its_script_writes() -> None:
    script = ROOT / "Tests" / "Notebooks" / "names.py"
    checked = subprocess.run([sys.executable, str(script), "--check"], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr
