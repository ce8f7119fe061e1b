"""Models without a tokenizer: tokens work everywhere, text is refused."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import lensd
import numpy as np
import pytest

from daemon import BINARY, TINY, Daemon, environment

LENSCTL = BINARY.parent / "lensctl"


@pytest.fixture
def toy(folder: Path) -> Iterator[Daemon]:
    """Serves the same weights twice: `toy` without a tokenizer, `tiny` with its own."""
    (folder / "toy").mkdir(mode=0o755)
    for name in ("config.json", "model.safetensors"):
        (folder / "toy" / name).write_bytes((TINY / name).read_bytes())
    daemon = Daemon(folder, "--model", f"toy={folder / 'toy'}", "--model", f"tiny={TINY}").start()
    yield daemon
    assert daemon.stop() == 0


def lensctl(daemon: Daemon, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(LENSCTL), "--socket", str(daemon.socket), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment())


@pytest.mark.parametrize("command", ["tokens", "run", "attention", "ablate", "generate", "study"])
def test_text_is_refused(toy: Daemon, command: str) -> None:
    done = lensctl(toy, command, "Once upon a time", "--json")
    assert done.returncode == 1
    answer = json.loads(done.stdout)
    assert answer["error"]["code"] == "FAILED_PRECONDITION"
    assert answer["error"]["message"] == "model 'toy' has no tokenizer; give tokens (--ids 5,7,9), not text"


@pytest.mark.parametrize("command", ["tokens", "run", "attention", "ablate", "generate", "study"])
def test_tokens_are_taken_as_they_are(toy: Daemon, command: str) -> None:
    done = lensctl(toy, command, "--ids", "5,7,9,5,7", "--json")
    assert done.returncode == 0, done.stderr
    expected = [{"token": str(each), "id": each} for each in (5, 7, 9, 5, 7)]
    assert json.loads(done.stdout)["tokens"][:5] == expected


def test_the_page_shows_ids(toy: Daemon, folder: Path) -> None:
    done = lensctl(toy, "attention", "--ids", "301,7,9", "--html", str(folder / "page.html"))
    assert done.returncode == 0, done.stderr
    assert '"301"' in (folder / "page.html").read_text()


def test_in_python(toy: Daemon) -> None:
    with toy.connect() as client:
        model, tiny = client.model("toy"), client.model("tiny")
        tokens = np.array([[5, 7, 9, 5, 7, 300]])
        np.testing.assert_array_equal(model(tokens), tiny(tokens))
        _, cache = model.run_with_cache(tokens)
        assert cache["pattern", 0].shape == (1, 16, 6, 6)
        np.testing.assert_array_equal(model.ablate_heads(tokens).delta, tiny.ablate_heads(tokens).delta)
        assert model.to_str_tokens(tokens[0]) == ["5", "7", "9", "5", "7", "300"]
        assert model.to_string(tokens[0]) == "5 7 9 5 7 300"
        for ask in (lambda: model("Once"), lambda: model.to_tokens("Once"), lambda: model.generate(tokens, stop="x")):
            with pytest.raises(lensd.FailedPrecondition, match="has no tokenizer"):
                ask()
        how = {"max_new_tokens": 3, "do_sample": False, "return_type": "tokens", "stop_at_eos": False}
        np.testing.assert_array_equal(model.generate(tokens, **how), tiny.generate(tokens, **how))
