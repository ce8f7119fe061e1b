"""Each wrong thing gets a clear message, and the daemon goes on."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

import lensd

WRONG: Any = "z0"
CASES: list[tuple[str, Callable[[lensd.Client, lensd.Model], Any], type[lensd.LensError], str]] = [
    ("unknown model", lambda c, m: c.model("nobody"), lensd.NotFound, "nobody.*tiny.*local"),
    ("unknown form", lambda c, m: c.model("tiny@cooked"), lensd.InvalidArgument, "tiny@cooked"),
    ("two forms", lambda c, m: c.model("tiny@raw", processing=True), lensd.InvalidArgument, "tiny@raw"),
    ("empty text", lambda c, m: m(""), lensd.InvalidArgument, "empty|no tokens|at least"),
    ("no tokens", lambda c, m: m([[]]), lensd.InvalidArgument, "empty|no tokens|at least"),
    ("one empty prompt of two", lambda c, m: m(["a", ""]), lensd.InvalidArgument, "empty|no tokens|at least"),
    ("text over the context", lambda c, m: m("Tom " * 60), lensd.InvalidArgument, "48"),
    ("tokens over the context", lambda c, m: m([1] * 49, return_type="loss"), lensd.InvalidArgument, "49.*48|48.*49"),
    ("token id", lambda c, m: m([1, 320]), lensd.InvalidArgument, "320"),
    ("negative token id", lambda c, m: m([1, -1]), lensd.InvalidArgument, "-1"),
    ("head", lambda c, m: m.run_with_interventions("a", [lensd.zero("z0", head=16)]), lensd.InvalidArgument, "16"),
    ("layer", lambda c, m: m.run_with_interventions("a", [lensd.zero("z1")]), lensd.NotFound, "near names.*hook_z"),
    ("hook", lambda c, m: m.run_with_interventions("a", [lensd.zero("hook_zed")]), lensd.NotFound, "near names"),
    (
        "head of a point without heads",
        lambda c, m: m.run_with_interventions("a", [lensd.zero("resid_pre0", head=0)]),
        lensd.InvalidArgument,
        "resid_pre",
    ),
    ("no intervention", lambda c, m: m.run_with_interventions("a", [WRONG]), lensd.InvalidArgument, "'z0'"),
    ("text in sweep", lambda c, m: m.ablate_heads(""), lensd.InvalidArgument, "empty|no tokens|at least"),
    ("hook in sweep", lambda c, m: m.ablate_heads("a", hook="zed"), lensd.LensError, "zed"),
    ("absent run", lambda c, m: c.query("0123456789abcdef0123456789abcdef", "z0"), lensd.NotFound, "0123456789abcdef"),
    ("no run id", lambda c, m: c.query("not an id", "z0"), lensd.LensError, "not an id"),
    ("over-long request", lambda c, m: m("x" * (2 << 20)), lensd.ResourceExhausted, "1048576"),
]


@pytest.mark.parametrize(("ask", "error", "message"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_bad_input(
    client: lensd.Client,
    model: lensd.Model,
    ask: Callable[[lensd.Client, lensd.Model], Any],
    error: type[lensd.LensError],
    message: str,
) -> None:
    with pytest.raises(error) as caught:
        ask(client, model)
    assert re.search(message, str(caught.value), re.DOTALL), str(caught.value)
    # The daemon and this very connection go on.
    assert model([1, 2, 3]).shape == (1, 3, model.cfg.d_vocab)


def test_nul_and_line_ends_in_text(model: lensd.Model) -> None:
    text = "a\0b\r\n"
    assert model.to_string(model.to_tokens(text, prepend_bos=False)) == [text]
    assert model(text).shape[0] == 1
