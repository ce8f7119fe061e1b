"""Edits in Python against TransformerLens's results (Tests/Fixtures/edits), and what is refused."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from conftest import MODELS
from reference import FIXTURES, assert_close, read_safetensors, sequence

import lensd

TINY = MODELS["tiny"]


@lru_cache
def edit_cases(checkpoint: str) -> tuple[dict[str, Any], list[tuple[dict[str, Any], npt.NDArray[Any], float]]]:
    """The header, and every case with the logits of its prompts' last tokens and its loss."""
    header, *records = json.loads((FIXTURES / "edits" / f"{checkpoint}.json").read_text())
    results = read_safetensors(FIXTURES / "edits" / f"{checkpoint}.safetensors")
    cases = []
    row = 0
    for record, loss in zip(records, results["loss"], strict=True):
        count = len(record["prompts"])
        cases.append((record, results["logits"][row : row + count], float(loss)))
        row += count
    return header, cases


def index_of(text: str) -> Any:
    if ":" in text:
        return slice(*(int(part) if part else None for part in text.split(":")))
    return [int(part) for part in text.split(",") if part] if "," in text else int(text)


def value_of(name: str, vocab: int) -> Any:
    if name[0] not in "vpt":
        return float(name)
    seed, _, sizes = name[1:].partition("_")
    shape = [int(size) for size in sizes.split("x")]
    numbers = np.arange(np.prod(shape), dtype=np.int64) * 37 + int(seed) * 11
    if name[0] == "t":
        return (numbers % vocab).reshape(shape)
    waves = (numbers % 61 - 30) / 32
    return (waves if name[0] == "v" else 1 + waves / 2).reshape(shape)


def edit_of(line: str, header: dict[str, Any], runs: dict[str, str], vocab: int) -> lensd.Intervention:
    """What a line of `lensctl --edit` is in Python."""
    action, hook, *rest = line.split()
    arguments: list[Any] = [value_of(rest.pop(0), vocab)] if rest and "=" not in rest[0] else []
    options: dict[str, Any] = {}
    for word, choice in (part.split("=") for part in rest):
        if word == "from":
            options["from_run"] = runs[choice]
        elif word == "over":
            options["over"] = [header["prompts"][name] for name in header["runs"][choice]["prompts"]]
        elif word == "with":
            arguments.append(int(choice))
        else:
            options[word] = index_of(choice)
    make = {"set": lensd.set_to}.get(action) or getattr(lensd, action)
    edit: lensd.Intervention = make(hook, *arguments, **options)
    return edit


@pytest.mark.parametrize("name", ["tiny", "local"])
@pytest.mark.parametrize("form", ["processed", "raw"])
def test_edits_are_those_of_transformer_lens(daemon: Any, name: str, form: str) -> None:
    header, cases = edit_cases(MODELS[name])
    with lensd.connect(daemon.socket, session=f"edits-{name}-{form}") as client:
        model = client.model(name, processing=form == "processed")
        vocab = model.cfg.d_vocab
        runs: dict[str, str] = {}
        for run, made in header["runs"].items():
            edits = [edit_of(line, header, {}, vocab) for line in made["edits"]]
            rows = [header["prompts"][each] for each in made["prompts"]]
            _, cache = model.run_with_cache(rows, return_type=None, interventions=edits)
            runs[run] = cache.run_id or ""
    model = lensd.connect(daemon.socket).model(name, processing=form == "processed")
    own = [case for case in cases if case[0]["form"] == form]
    # Every tenth, and the several ones at the end.
    for record, last, loss in own[::10] + own[-11:]:
        edits = [edit_of(line, header, runs, vocab) for line in record["edits"]]
        rows = [header["prompts"][each] for each in record["prompts"]]
        logits, found = model.run_with_interventions(rows, edits, return_type="both")
        np.testing.assert_allclose(found, loss, rtol=1e-5, atol=1e-5, err_msg=str(record))
        for index, expected in enumerate(last):
            at_end = np.asarray(logits)[index, len(rows[index]) - 1, :: header["logit_stride"]]
            assert_close(at_end, expected, str(record))


def test_patching_from_a_cache(model: lensd.Model, daemon: Any) -> None:
    ids = sequence(TINY, "seq7")
    other = [(each * 7 + 3) % model.cfg.d_vocab for each in ids]
    expected = model.run_with_interventions(ids, [lensd.patch("z0", other, head=1)])
    _, unrecorded = model.run_with_cache(other)
    np.testing.assert_allclose(model.run_with_interventions(ids, [lensd.patch("z0", unrecorded, head=1)]), expected)
    value = unrecorded["z0"][0, :, 1]
    by_value = model.run_with_interventions(ids, [lensd.set_to("z0", value, head=1)])
    np.testing.assert_allclose(by_value, expected, rtol=1e-5, atol=1e-5)
    with lensd.connect(daemon.socket, session="patches") as client:
        _, recorded = client.model("tiny").run_with_cache(other)
        by_run = model.run_with_interventions(ids, [lensd.patch("z0", from_run=recorded.run_id, head=1)])
        np.testing.assert_allclose(by_run, expected, rtol=1e-5, atol=1e-5)
        by_cache = model.run_with_interventions(ids, [lensd.patch("z0", recorded, head=1)])
        np.testing.assert_allclose(by_cache, expected, rtol=1e-5, atol=1e-5)


def test_caches_that_cannot_be_made_again(model: lensd.Model, client: lensd.Client) -> None:
    ids = sequence(TINY, "seq7")
    _, edited = model.run_with_cache(ids, interventions=[lensd.zero("z0")])
    with pytest.raises(lensd.InvalidArgument, match="was edited and not recorded"):
        model.run_with_interventions(ids, [lensd.patch("z0", edited)])
    with model.hooks(fwd_hooks=[("z0", lambda value, hook: value * 2)]):
        _, hooked = model.run_with_cache(ids)
    with pytest.raises(lensd.InvalidArgument, match="hook functions took part"):
        model.run_with_interventions(ids, [lensd.patch("z0", hooked)])
    _, of_raw = client.model("tiny", processing=False).run_with_cache(ids)
    with pytest.raises(lensd.InvalidArgument, match="same model"):
        model.run_with_interventions(ids, [lensd.patch("z0", of_raw)])


@pytest.mark.parametrize(
    ("edit", "error", "words"),
    [
        (lensd.zero("z0", head=16), lensd.InvalidArgument, "head must be in 0...15; received 16"),
        (lensd.zero("z", layer=1), lensd.InvalidArgument, "layer"),
        (lensd.zero("zz0"), lensd.NotFound, "near names"),
        (lensd.set_to("z0", [1, 2, 3]), lensd.InvalidArgument, r"shape \[7, 16, 4\]; received shape \[3\]"),
        (lensd.patch("z0", from_run="ffffffffffff"), lensd.NotFound, "run"),
        (lensd.swap("z0", 1), lensd.InvalidArgument, "prompt must be in 0...0; received 1"),
        (lensd.mask("z0"), lensd.InvalidArgument, "cannot be masked"),
        (lensd.zero("z0", pos=slice(7, None)), lensd.InvalidArgument, "chooses none of 7"),
    ],
)
def test_what_is_refused(model: lensd.Model, edit: lensd.Intervention, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        model.run_with_interventions(sequence(TINY, "seq7"), [edit])


def test_edits_of_tokens_hold_beside_hook_functions(model: lensd.Model) -> None:
    ids = sequence(TINY, "seq7")
    edit = lensd.set_to("hook_tokens", 5, pos=3)
    expected = model.run_with_interventions(ids, [edit], return_type="loss")
    seen = []
    with model.hooks(fwd_hooks=[("z0", lambda value, hook: seen.append(value.shape))], interventions=[edit]):
        loss = model(ids, return_type="loss")
    assert seen
    np.testing.assert_allclose(loss, expected, atol=1e-5)
    assert abs(float(loss) - float(model(ids, return_type="loss"))) > 1e-3


def test_random_selections_are_numpys(model: lensd.Model) -> None:
    """What an edit leaves is what NumPy leaves, wherever it is made."""
    random = np.random.default_rng(7)
    ids = sequence(TINY, "seq24")
    _, plain = model.run_with_cache(ids)
    axes = {
        "z0": ("pos", "head", "component"),
        "pattern0": ("head", "pos", "source"),
        "resid_mid0": ("pos", "component"),
        "post0": ("pos", "component"),
        "result0": ("pos", "head", "component"),
    }

    def index(size: int) -> Any:
        kind = random.integers(5)
        if kind == 0:
            return int(random.integers(-size, size))
        if kind == 1:
            return (random.permutation(size)[: random.integers(1, size + 1)]).tolist()
        start, step = random.integers(-size, size), random.choice([-3, -1, 1, 2])
        return slice(int(start), None, int(step)) if kind < 4 else slice(None)

    for hook, names in list(axes.items()) * 12:
        expected = np.array(plain[hook][0])
        where = {name: index(size) for name, size in zip(names, expected.shape, strict=True) if random.random() < 0.7}
        entries = [
            np.arange(size)[where.get(name, slice(None))] for name, size in zip(names, expected.shape, strict=True)
        ]
        part = expected[np.ix_(*map(np.atleast_1d, entries))]
        shape = [each.size for each in entries if each.ndim]
        value = random.standard_normal(shape)
        broadcast = [size if random.random() < 0.7 else 1 for size in shape]
        value = value[tuple(slice(size) for size in broadcast)]
        action = random.choice(["set", "add", "scale", "zero"])
        if action == "set":
            edit, part = lensd.set_to(hook, value, **where), np.broadcast_to(value, shape).reshape(part.shape)
        elif action == "add":
            edit, part = lensd.add(hook, value, **where), (part.reshape(shape) + value).reshape(part.shape)
        elif action == "scale":
            edit, part = lensd.scale(hook, -1.5, **where), -1.5 * part
        else:
            edit, part = lensd.zero(hook, **where), 0
        expected[np.ix_(*map(np.atleast_1d, entries))] = part
        _, cache = model.run_with_cache(ids, interventions=[edit], names_filter=hook, return_type=None)
        assert_close(cache[hook][0], expected, f"{action} {hook} {where} {broadcast}")
