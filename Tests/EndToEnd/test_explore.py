"""`lensctl explore`: who gets in, and what the page's calls answer, over real connections."""

from __future__ import annotations

import base64
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import lensd
import numpy as np
import pytest
from lensd._proto.daemon_pb2 import ActivityRequest
from lensd.hooked_transformer import complete, tensor_shapes
from lensd.methods import ACTIVITY

from daemon import BINARY, FIXTURES, Daemon

LENSCTL = BINARY.parent / "lensctl"
TOKENS = [5, 7, 9, 5, 7, 11]
PROMPT = {"tokens": TOKENS}


class Page:
    """A running `lensctl explore`, and a browser that was let in."""

    def __init__(self, daemon: Daemon) -> None:
        command = [LENSCTL, "--socket", daemon.socket, "--json", "explore", "--no-browser"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=daemon.env)
        assert self.process.stdout is not None
        said = json.loads(self.process.stdout.readline())
        self.port = said["port"]
        self.opening = said["address"].split(str(self.port), 1)[1]
        self.origin = f"http://127.0.0.1:{self.port}"
        self.prefetched = self.get(self.opening, Sec_Purpose="prefetch;prerender")
        status, headers, _ = self.get(self.opening)
        assert (status, headers["Location"]) == (303, "/")
        self.set_cookie = headers["Set-Cookie"]
        self.headers = {
            "Cookie": self.set_cookie.split(";")[0],
            "Origin": self.origin,
            "Content-Type": "application/json",
        }

    def send(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
        return self.send("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def post(self, name: str, request: Any, **changed: str | None) -> tuple[int, bytes]:
        named = {key.replace("_", "-"): value for key, value in changed.items()}
        headers = {key: value for key, value in (self.headers | named).items() if value is not None}
        status, _, body = self.send("POST", f"/api/{name}", json.dumps(request).encode(), headers)
        return status, body

    def call(self, name: str, request: Any) -> Any:
        status, body = self.post(name, request)
        assert status == 200, body
        lines = body.decode().splitlines()
        return json.loads(lines[0]) if len(lines) == 1 else json.loads(lines[-1])["reply"]

    def end(self) -> int:
        self.process.send_signal(signal.SIGINT)
        self.process.communicate(timeout=10)
        return self.process.returncode


@pytest.fixture(scope="module")
def page(shared: Daemon) -> Iterator[Page]:
    page = Page(shared)
    yield page
    assert page.end() == 130


@pytest.fixture(scope="module")
def model(shared: Daemon) -> Iterator[Any]:
    with lensd.connect(str(shared.socket)) as client:
        yield client.model()


def array(value: dict[str, Any]) -> np.ndarray:
    kind = {"f32": "<f4", "i32": "<i4"}[value["dtype"]]
    return np.frombuffer(base64.b64decode(value["data"]), kind).reshape(value["shape"])


def error(answer: tuple[int, bytes]) -> tuple[int, str, str]:
    said = json.loads(answer[1])["error"]
    return answer[0], said["code"], said["message"]


def test_the_cookie_is_out_of_reach_and_the_answers_are_strict(page: Page) -> None:
    assert page.set_cookie.endswith("; Path=/; HttpOnly; SameSite=Strict")
    _, headers, _ = page.get("/")
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    for part in ("frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"):
        assert part in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"


def test_a_token_is_good_once(page: Page) -> None:
    status, headers, body = page.get(page.opening)
    assert status == 403
    assert "Set-Cookie" not in headers
    assert b"has been used" in body
    status, _, body = page.get("/open?token=" + "0" * 64)
    assert status == 403
    assert b"no such token" in body


def test_a_prefetch_does_not_use_the_token_up(page: Page) -> None:
    status, headers, _ = page.prefetched
    assert status == 503
    assert "Set-Cookie" not in headers


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "[::1]:80", "localhost.evil.example"])
def test_another_host_is_refused(page: Page, host: str) -> None:
    status, _, body = page.get("/", Host=host)
    assert status == 403
    assert b"expected to be asked as" in body


def test_the_other_name_is_good(page: Page) -> None:
    assert page.get("/", Host=f"localhost:{page.port}")[0] == 200


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"Cookie": None}, 401),
        ({"Cookie": "lensctl-0=" + "0" * 64}, 401),
        ({"Origin": None}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Sec_Fetch_Site": "same-site"}, 403),
        ({"Sec_Fetch_Site": "cross-site"}, 403),
        ({"Content_Type": "text/plain"}, 415),
        ({"Content_Type": None}, 415),
    ],
)
def test_a_call_of_somebody_else_is_refused(page: Page, changed: dict[str, str | None], status: int) -> None:
    got, code, message = error(page.post("hello", {}, **changed))
    assert got == status
    assert code != "OK"
    assert message


def test_paths_methods_and_frames(page: Page) -> None:
    assert page.get("/etc/passwd")[0] == 404
    assert page.get("/../etc/passwd")[0] == 404
    status, headers, _ = page.get("/api/hello")
    assert (status, headers["Allow"]) == (405, "POST")
    assert page.send("POST", "/")[0] == 405
    assert page.get("http://evil.example/", Host=f"127.0.0.1:{page.port}")[0] == 400
    assert page.get("/", Sec_Fetch_Dest="iframe")[0] == 403
    assert page.get("/", Sec_Fetch_Dest="document")[0] == 200


def test_too_much_is_refused(page: Page) -> None:
    length = str((1 << 20) + 1)
    assert page.send("POST", "/api/hello", b"{}", page.headers | {"Content-Length": length})[0] == 413
    assert page.get("/", X_Long="x" * 20000)[0] in (400, 431)


def test_what_is_no_http_ends(page: Page) -> None:
    with socket.create_connection(("127.0.0.1", page.port), timeout=10) as raw:
        raw.sendall(b"\x16\x03\x01 no request at all\r\n\r\n")
        assert raw.recv(4096).startswith(b"HTTP/1.1 400")


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming another user takes root")
def test_another_user_is_turned_away_even_with_the_cookie(page: Page) -> None:
    asks = (
        "import http.client, sys; c = http.client.HTTPConnection('127.0.0.1', int(sys.argv[1]));"
        "c.request('POST', '/api/hello', '{}', {'Cookie': sys.argv[2], 'Origin': sys.argv[3],"
        "'Content-Type': 'application/json'}); print(c.getresponse().status)"
    )
    asked = ["/usr/bin/python3", "-c", asks, str(page.port), page.headers["Cookie"], page.origin]
    assert subprocess.run(asked, capture_output=True, text=True, cwd="/").stdout.strip() == "200"
    other = ["setpriv", "--reuid", "12345", "--regid", "12345", "--clear-groups", *asked]
    assert subprocess.run(other, capture_output=True, text=True, cwd="/").stdout.strip() == "403"


def test_a_look_is_what_python_sees(page: Page, model: Any) -> None:
    look = page.call("look", {"prompt": PROMPT, "value_norms": True})
    assert [token["id"] for token in look["tokens"]] == TOKENS
    tokens = np.array([TOKENS])
    losses = np.asarray(model(tokens, return_type="loss", loss_per_token=True))[0]
    np.testing.assert_allclose(array(look["token_loss"]), losses, rtol=1e-5, atol=1e-5)
    _, cache = model.run_with_cache(tokens)
    pattern = np.asarray(cache["pattern", 0])[0]
    heads, count = pattern.shape[:2]
    codes = np.frombuffer(base64.b64decode(look["patterns"]["triangles"]), np.uint8).reshape(heads, -1)
    rows, columns = np.tril_indices(count)
    np.testing.assert_allclose((codes / 255.0) ** 2, pattern[:, rows, columns], atol=0.004)
    norms = np.linalg.norm(np.asarray(cache["v", 0])[0], axis=-1).T
    np.testing.assert_allclose(array(look["value_norms"])[0], norms, rtol=1e-4)


def test_heads_are_of_the_kinds_that_python_names(page: Page, model: Any) -> None:
    heads = page.call("look", {"prompt": PROMPT, "kinds": True})["heads"]
    scores = model.head_scores(np.array([TOKENS]))
    for head in heads:
        findings = scores.kinds[head["layer"]][head["head"]]
        # In words: the first token's sink is "first token".
        assert [each["name"].removesuffix(" token") for each in head["kinds"]] == [str(each) for each in findings]
        assert [each["score"] for each in head["kinds"]] == pytest.approx([finding.score for finding in findings])


def test_what_there_is(page: Page, model: Any) -> None:
    hello = page.call("hello", {})
    assert hello["model"] == hello["models"][0]["name"] == "tiny"
    assert hello["start"] == {"model": "", "prompt": None}
    assert page.call("model", {"model": "tiny@raw"})["form"] == "raw"
    assert page.call("model", {})["cfg"]["n_heads"] == model.cfg.n_heads
    text = {"text": "Once upon a time", "prepend_bos": False}
    tokens = page.call("tokens", {"prompt": text})["tokens"]
    assert [each["id"] for each in tokens] == model.to_tokens(text["text"], prepend_bos=False)[0].tolist()


def test_predictions_after_any_position(page: Page, model: Any) -> None:
    logits = np.asarray(model(np.array([TOKENS])), dtype=np.float64)[0]
    for position in (2, -1):
        found = page.call("look", {"prompt": PROMPT, "position": position, "top": 3})["next"]["tokens"]
        row = logits[position] - np.log(np.exp(logits[position]).sum())
        for token in found:
            assert token["logprob"] == pytest.approx(row[token["id"]], abs=1e-4)


def test_an_edited_look(page: Page, model: Any) -> None:
    look = page.call("look", {"prompt": PROMPT, "edits": [{"action": "zero", "hook": "z0", "head": 2}]})
    edit = [lensd.zero("blocks.0.attn.hook_z", head=2)]
    tokens = np.array([TOKENS])
    loss = float(model.run_with_interventions(tokens, edit, return_type="loss"))
    assert look["loss"] == pytest.approx(loss, abs=1e-5)
    assert look["base"]["loss"] == pytest.approx(float(model(tokens, return_type="loss")), abs=1e-5)
    assert not array(look["base"]["pattern_change"]).any()  # z lies behind the only layer's patterns


def test_one_head(page: Page, model: Any) -> None:
    want = ["pattern", "scores", "value_weighted"]
    head = page.call("head", {"prompt": PROMPT, "layer": 0, "head": 3, "want": want})
    _, cache = model.run_with_cache(np.array([TOKENS]))
    pattern = np.asarray(cache["pattern", 0])[0, 3]
    np.testing.assert_allclose(array(head["pattern"]), pattern, atol=1e-6)
    norms = np.linalg.norm(np.asarray(cache["v", 0])[0, :, 3], axis=-1)
    np.testing.assert_allclose(array(head["value_weighted"]), pattern * norms, rtol=1e-4, atol=1e-6)


def test_ablation_and_attribution(page: Page, model: Any) -> None:
    ablation = page.call("ablate", {"prompt": PROMPT, "kind": "zero"})
    sweep = model.ablate_heads(np.array([TOKENS]), kind="zero")
    np.testing.assert_allclose(array(ablation["delta"]), np.asarray(sweep.delta), atol=1e-5)
    deltas = array(ablation["token_delta"])
    np.testing.assert_allclose(deltas.mean(axis=-1), array(ablation["delta"]), atol=1e-5)
    metric = {"kind": "logit", "token": 7, "position": -1}
    head = page.call("head", {"prompt": PROMPT, "layer": 0, "head": 1, "want": ["attribution"], "metric": metric})
    packed = page.call("attribution", {"prompt": PROMPT, "metric": metric})
    exact = array(head["attribution"])
    assert head["metric_value"] == pytest.approx(float(np.asarray(model(np.array([TOKENS])))[0, -1, 7]), abs=1e-4)
    assert array(packed["scales"])[0, 1] == pytest.approx(np.abs(exact).max(), rel=1e-5)


def test_neurons_and_two_prompts(page: Page, model: Any) -> None:
    _, cache = model.run_with_cache(np.array([TOKENS]))
    post = np.asarray(cache["post", 0])[0]
    neurons = page.call("neurons", {"prompt": PROMPT, "layer": 0, "top": 2})
    assert neurons["neurons"][0]["neuron"] == int(post.max(axis=0).argmax())
    np.testing.assert_allclose(array(neurons["activations"])[0], post[:, neurons["neurons"][0]["neuron"]], rtol=1e-5)
    other = [5, 8, 9, 5, 8, 12]
    compared = page.call("compare", {"prompt": PROMPT, "other": {"tokens": other}, "token": 7, "wrong": 8})
    logits = [np.asarray(model(np.array([tokens])))[0, -1] for tokens in (TOKENS, other)]
    assert compared["positions"] == "all"
    assert compared["clean"] == pytest.approx(float(logits[0][7] - logits[0][8]), abs=1e-4)
    assert compared["other"] == pytest.approx(float(logits[1][7] - logits[1][8]), abs=1e-4)


# What the analyses' panels show, and the same of the Python client


def test_why_is_what_python_says(page: Page, model: Any) -> None:
    cell = {"layer": 0, "head": 3, "destination": 4, "source": 2}
    for relative in (False, True):
        why = page.call("why", {"prompt": PROMPT, "relative": relative, **cell})
        split = model.why_attends(TOKENS, 0, 3, 4, 2, relative=relative)
        assert why["components"] == list(split.components)
        np.testing.assert_allclose(array(why["terms"]), np.asarray(split.terms).squeeze(), atol=1e-5)
        assert why["score"] == pytest.approx(float(np.asarray(split.scores).squeeze()), abs=1e-5)
        if not relative:
            assert array(why["terms"]).sum() == pytest.approx(why["score"], abs=1e-4)


def test_the_lens_is_what_python_says(page: Page, model: Any) -> None:
    shown = page.call("lens", {"prompt": PROMPT, "top": 4})
    lens = model.logit_lens(TOKENS, top=4, incl_mid=True).prompts[0]
    np.testing.assert_array_equal(array(shown["top_ids"]), lens.top_tokens)
    np.testing.assert_allclose(array(shown["top_logprobs"]), lens.top_logprobs, atol=1e-5)
    np.testing.assert_allclose(array(shown["target_logprob"]), lens.next_logprobs[:, :-1], atol=1e-5)
    assert shown["stages"] == ["0_pre", "0_mid", "final_post"]
    assert shown["texts"][str(int(lens.top_tokens[0, 0, 0]))]


@pytest.mark.parametrize("detail", ["layers", "heads", "neurons"])
def test_contributions_are_what_python_says(page: Page, model: Any, detail: str) -> None:
    asked = {"prompt": PROMPT, "position": 3, "token": 7, "wrong": 9, "detail": detail, "top": 5}
    shown = page.call("contributions", asked)
    split = model.logit_attribution(TOKENS, 7, 9, pos=3, by=detail.removesuffix("s"), top=5).prompts[0]
    logits = np.asarray(model(np.array([TOKENS])))[0, 3]
    assert shown["total"] == pytest.approx(float(logits[7] - logits[9]), abs=1e-4)
    values = [part["value"] for part in shown["parts"]]
    np.testing.assert_allclose(values, np.asarray(split.terms)[0], atol=1e-5)
    assert sum(values) == pytest.approx(shown["total"], abs=1e-3)
    heads = [part for part in shown["parts"] if part["head"] is not None]
    assert len(heads) == (model.cfg.n_heads if detail == "heads" else 0)
    assert len(shown["neurons"]) == (5 if detail == "neurons" else 0)


def test_contributions_under_an_edit(page: Page) -> None:
    edit = {"action": "zero", "hook": "z", "layer": 0, "head": 3}
    parts = page.call("contributions", {"prompt": PROMPT, "token": 7, "edits": [edit]})["parts"]
    assert {part["value"] for part in parts if part["head"] == 3} == {0}


def test_a_neurons_words_are_its_row_times_w_u(page: Page, model: Any) -> None:
    found = page.call("neurons", {"prompt": PROMPT, "layer": 0, "neuron": 11})
    logits = np.asarray(model.W_out)[0, 11] @ np.asarray(model.W_U)
    order = np.argsort(-logits)
    assert [token["id"] for token in found["promotes"]] == order[:10].tolist()
    assert [token["id"] for token in found["suppresses"]] == order[: -10 - 1 : -1].tolist()
    np.testing.assert_allclose([token["value"] for token in found["promotes"]], logits[order[:10]], atol=1e-5)


def direction(scale: float, **places: Any) -> dict[str, Any]:
    words = {"token": " d", "minus": " g", "scale": scale}
    return {"direction": words, "hook": "resid_post", "layer": 0, **places}


def test_a_direction_in_words(page: Page, model: Any) -> None:
    w_u = np.asarray(model.W_U)
    one, other = (model.to_single_token(word) for word in (" d", " g"))
    vector = w_u[:, one] - w_u[:, other]
    vector *= 4 / np.linalg.norm(vector)
    tokens = np.array([TOKENS])
    for places, position in (({}, None), ({"pos": 2}, 2)):
        look = page.call("look", {"prompt": PROMPT, "edits": [direction(4, **places)]})
        edit = lensd.add("blocks.0.hook_resid_post", vector, pos=position)
        loss = float(model.run_with_interventions(tokens, [edit], return_type="loss"))
        assert look["loss"] == pytest.approx(loss, abs=1e-5)
        assert look["loss"] != look["base"]["loss"]
    assert page.call("look", {"prompt": PROMPT, "edits": [direction(0)]})["loss"] == pytest.approx(
        float(model(tokens, return_type="loss")), abs=1e-6
    )


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"direction": {"token": "two words", "scale": 1}}, "edit 1: expected a single token; 'two words' is"),
        ({"direction": {"token": " d", "minus": " d", "scale": 1}}, "no direction from ' d' to itself"),
        ({"direction": {"token": " d"}}, "'edits.0.direction.scale', which is missing"),
        ({"pos": 77}, "77"),
    ],
)
def test_a_direction_that_is_none(page: Page, changed: dict[str, Any], expected: str) -> None:
    status, code, message = error(page.post("look", {"prompt": PROMPT, "edits": [direction(1) | changed]}))
    assert (status, code) == (400, "INVALID_ARGUMENT")
    assert expected in message


# Several layers, whose heads share keys and values


@pytest.fixture(scope="module")
def grouped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Page, Any]]:
    """A page and the Python client's model."""
    folder = tmp_path_factory.mktemp("grouped")
    daemon = Daemon(folder, "--model", f"grouped={FIXTURES / 'families' / 'llama-3l-grouped'}").start()
    page = Page(daemon)
    with daemon.connect() as client:
        yield page, client.model()
    page.end()
    daemon.stop()


def patterns(cache: Any, layers: int) -> np.ndarray:
    """`[layer, head, pos, pos]`."""
    return np.stack([np.asarray(cache["pattern", layer])[0] for layer in range(layers)])


def test_grouped_heads_have_the_values_of_their_group(grouped: tuple[Page, Any]) -> None:
    page, model = grouped
    look = page.call("look", {"prompt": PROMPT, "value_norms": True})
    _, cache = model.run_with_cache(np.array([TOKENS]))
    shared = model.cfg.n_heads // model.cfg.n_key_value_heads
    assert shared > 1
    for layer in range(model.cfg.n_layers):
        norms = np.linalg.norm(np.asarray(cache["v", layer])[0], axis=-1).T.repeat(shared, axis=0)
        np.testing.assert_allclose(array(look["value_norms"])[layer], norms, rtol=1e-4)
        for head in range(model.cfg.n_heads):
            asked = {"prompt": PROMPT, "layer": layer, "head": head, "want": ["value_weighted"]}
            weighted = np.asarray(cache["pattern", layer])[0, head] * norms[head]
            found = page.call("head", asked)
            np.testing.assert_allclose(array(found["value_weighted"]), weighted, rtol=1e-4, atol=1e-6)
            assert "pattern" not in found


def test_signed_patterns_are_weights_times_slopes(grouped: tuple[Page, Any]) -> None:
    page, model = grouped
    shape = model.cfg
    packed = page.call("attribution", {"prompt": PROMPT})
    codes = np.frombuffer(base64.b64decode(packed["triangles"]), np.int8).reshape(shape.n_layers, shape.n_heads, -1)
    scales = array(packed["scales"])
    rows, columns = np.tril_indices(len(TOKENS))
    tokens = np.array([TOKENS])
    _, cache = model.run_with_cache(tokens)
    hooks = [f"blocks.{layer}.attn.hook_pattern" for layer in range(shape.n_layers)]
    slopes = model.gradient(tokens, wrt=hooks)
    for layer, hook in enumerate(hooks):
        exact = (np.asarray(cache[hook]) * np.asarray(slopes[hook]))[0][:, rows, columns]
        np.testing.assert_allclose(scales[layer], np.abs(exact).max(-1), rtol=1e-4)
        shares = codes[layer] / 127.0
        unpacked = np.sign(shares) * shares**2 * scales[layer][:, None]
        np.testing.assert_allclose(unpacked, exact, atol=0.01 * scales[layer].max())


def test_how_far_an_edit_moves_each_pattern(grouped: tuple[Page, Any]) -> None:
    page, model = grouped
    look = page.call("look", {"prompt": PROMPT, "position": 2, "edits": [{"action": "zero", "hook": "q1", "head": 1}]})
    tokens = np.array([TOKENS])
    edits = [lensd.zero("blocks.1.attn.hook_q", head=1)]
    _, before = model.run_with_cache(tokens)
    _, after = model.run_with_cache(tokens, interventions=edits)
    layers = model.cfg.n_layers
    moved = np.abs(patterns(after, layers) - patterns(before, layers)).sum(-1).mean(-1) / 2
    np.testing.assert_allclose(array(look["base"]["pattern_change"]), moved, atol=1e-5)
    assert moved[1, 1] > 0.01
    assert not moved[0].any()
    assert not moved[1, 0]
    # What is likeliest with the edit, and what the model without it thinks of the same tokens.
    rows = [np.asarray(model(tokens))[0, 2], np.asarray(model.run_with_interventions(tokens, edits))[0, 2]]
    plain, edited = (row - np.log(np.exp(row.astype(np.float64)).sum()) for row in rows)
    assert [token["id"] for token in look["next"]["tokens"]] == np.argsort(-edited)[:10].tolist()
    for token in look["base"]["next"]:
        assert token["logprob"] == pytest.approx(plain[token["id"]], abs=1e-4)
        assert token["edited_logprob"] == pytest.approx(edited[token["id"]], abs=1e-4)


def test_some_layers_in_any_order(grouped: tuple[Page, Any]) -> None:
    page, model = grouped
    asked = {"prompt": PROMPT, "value_norms": True, "edits": [{"action": "zero", "hook": "z0", "head": 0}]}
    whole, some = page.call("look", asked), page.call("look", asked | {"layers": [2, 0]})
    assert some["layers"] == [2, 0]
    heads = [(each["layer"], each["head"]) for each in some["heads"]]
    assert heads == [(layer, head) for layer in (2, 0) for head in range(model.cfg.n_heads)]

    def codes(look: Any, layers: int) -> np.ndarray:
        triangles = np.frombuffer(base64.b64decode(look["patterns"]["triangles"]), np.uint8)
        return triangles.reshape(layers, model.cfg.n_heads, -1)

    np.testing.assert_array_equal(codes(some, 2), codes(whole, 3)[[2, 0]])
    np.testing.assert_array_equal(array(some["value_norms"]), array(whole["value_norms"])[[2, 0]])
    moved = array(whole["base"]["pattern_change"])
    np.testing.assert_array_equal(array(some["base"]["pattern_change"]), moved[[2, 0]])
    assert moved[2].any()
    for layers in ([3], [-1], [1, 1]):
        assert page.post("look", asked | {"layers": layers})[0] == 400


@pytest.mark.parametrize("kind", ["zero", "mean"])
def test_ablation_by_a_difference_of_logits(grouped: tuple[Page, Any], kind: str) -> None:
    page, model = grouped
    metric = {"kind": "logit_diff", "token": 7, "wrong": 9, "position": 2}
    shown = page.call("ablate", {"prompt": PROMPT, "kind": kind, "metric": metric})
    logits = np.asarray(model(np.array([TOKENS])))[0, 2]
    assert shown["baseline"] == pytest.approx(float(logits[7] - logits[9]), abs=1e-4)
    edit = lensd.zero("z") if kind == "zero" else lensd.mean("z")
    swept = model.sweep(np.array([TOKENS]), edit, ("layer", "head"), lensd.metrics.logit_diff(7, 9, pos=2))
    np.testing.assert_allclose(array(shown["delta"]), np.asarray(swept.delta), atol=1e-5)
    np.testing.assert_allclose(array(shown["value"]), np.asarray(swept.value), atol=1e-5)
    head = page.call("head", {"prompt": PROMPT, "layer": 1, "head": 0, "want": ["attribution"], "metric": metric})
    assert head["metric_value"] == pytest.approx(shown["baseline"], abs=1e-4)


def test_every_node_of_two_prompts(grouped: tuple[Page, Any]) -> None:
    page, model = grouped
    other = [5, 8, 9, 5, 8, 12]
    compared = page.call("compare", {"prompt": PROMPT, "other": {"tokens": other}, "token": 7, "wrong": 8})

    def difference(*edits: Any) -> float:
        last = np.asarray(model.run_with_interventions(np.array([TOKENS]), edits))[0, -1]
        return float(last[7] - last[8])

    plain = np.asarray(model(np.array([TOKENS])))[0, -1]
    clean = float(plain[7] - plain[8])
    for layer in range(model.cfg.n_layers):
        moved = difference(lensd.patch(f"blocks.{layer}.hook_mlp_out", [other])) - clean
        assert array(compared["mlps"]["total"])[layer] == pytest.approx(moved, abs=1e-4)
        for head in range(model.cfg.n_heads):
            moved = difference(lensd.patch(f"blocks.{layer}.attn.hook_z", [other], head=head)) - clean
            assert array(compared["heads"]["total"])[layer, head] == pytest.approx(moved, abs=1e-4)
    # Behind the last MLP there is no other path.
    assert array(compared["mlps"]["direct"])[-1] == pytest.approx(array(compared["mlps"]["total"])[-1], abs=1e-5)
    metric = lensd.metrics.logit_diff(7, 8)
    direct = model.path_patching(np.array([TOKENS]), [other], metrics=metric, hold_mlps=True).delta
    np.testing.assert_allclose(array(compared["heads"]["direct"]), np.asarray(direct), atol=1e-5)
    assert not np.allclose(array(compared["heads"]["direct"]), array(compared["heads"]["total"]), atol=1e-4)


def test_the_neurons_that_fire_most(grouped: tuple[Page, Any]) -> None:
    page, model = grouped
    _, cache = model.run_with_cache(np.array([TOKENS]))
    post = np.asarray(cache["post", 2])[0]
    found = page.call("neurons", {"prompt": PROMPT, "layer": 2, "top": 5})
    order = np.argsort(-post.max(0), kind="stable")[:5]
    assert [each["neuron"] for each in found["neurons"]] == order.tolist()
    assert [each["position"] for each in found["neurons"]] == post[:, order].argmax(0).tolist()
    np.testing.assert_allclose(array(found["activations"]), post[:, order].T, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({}, "'prompt', which is missing"),
        ({"prompt": {"text": ""}}, "the text is empty"),
        ({"prompt": PROMPT, "top": "x"}, "'top' is of another type; expected a whole number"),
        ({"prompt": PROMPT, "position": 6}, "position must be in -6...5"),
        ({"prompt": PROMPT, "edits": [{"action": "set", "hook": "z0", "value": "/etc/passwd"}]}, "'/etc/passwd'"),
    ],
)
def test_bad_requests_say_what_is_wrong(page: Page, request_: dict[str, Any], expected: str) -> None:
    status, code, message = error(page.post("look", request_))
    assert (status, code) == (400, "INVALID_ARGUMENT")
    assert expected in message


def test_a_saved_page_holds_answers_and_no_markup_of_users(page: Page) -> None:
    calls = [{"name": "look", "request": {"prompt": PROMPT}}]
    status, body = page.post("save", {"title": "<script>alert(1)</script>", "calls": calls})
    assert status == 200
    assert b"<script>alert" not in body
    assert b"connect-src" not in body
    data = body.split(b'id="data">', 1)[1].split(b"</script>", 1)[0]
    saved = json.loads(data)
    assert saved["mode"] == "saved"
    assert saved["replies"][0]["reply"] == page.call("look", {"prompt": PROMPT})


def test_a_daemon_that_goes_and_comes(daemon: Daemon) -> None:
    page = Page(daemon)
    try:
        daemon.kill()
        assert error(page.post("hello", {}))[:2] == (503, "UNAVAILABLE")
        daemon.start()
        assert page.call("look", {"prompt": PROMPT})["loss"] > 0
    finally:
        page.end()


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A model of so many heads and positions that a call about all of them takes seconds."""
    shape = {"n_layers": 12, "n_heads": 12, "d_model": 96, "d_head": 8, "d_mlp": 1024, "n_ctx": 1024, "d_vocab": 512}
    cfg = shape | {"act_fn": "gelu", "normalization_type": "LN"}
    random = np.random.default_rng(1)
    shapes = tensor_shapes(complete(cfg))
    weights = {name: random.normal(0, 0.1, size).astype(np.float32) for name, size in shapes.items()}
    folder = tmp_path_factory.mktemp("slow")
    daemon = Daemon(folder, "--model", f"slow={lensd.save_model(weights, cfg, folder / 'model')}").start()
    yield daemon
    assert daemon.stop() == 0


@pytest.mark.parametrize(("name", "method"), [("ablate", "Sweep"), ("lens", "LogitLens"), ("attribution", "Gradient")])
def test_a_browser_that_no_longer_waits_ends_the_daemons_work(slow: Daemon, name: str, method: str) -> None:
    page = Page(slow)
    prompt = {"tokens": np.random.default_rng(2).integers(0, 512, 1024).tolist()}
    connection = http.client.HTTPConnection("127.0.0.1", page.port)
    with slow.connect() as watching:

        def is_under_way() -> bool:
            calls = watching.channel.unary(ACTIVITY, ActivityRequest()).calls
            return any(call.method.decode().endswith(f"/{method}") for call in calls)

        connection.request("POST", f"/api/{name}", json.dumps({"prompt": prompt}), page.headers)
        until(is_under_way)
        connection.close()
        aborted = time.monotonic()
        until(lambda: not is_under_way())
        assert time.monotonic() - aborted < 1
    until(lambda: re.search(rf"info call .*/{method} .*CANCELLED", slow.log()))
    assert page.end() == 130


def test_a_look_has_as_many_layers_as_an_answer_takes(slow: Daemon) -> None:
    page = Page(slow)
    asked = {"prompt": {"tokens": np.random.default_rng(3).integers(0, 512, 1024).tolist()}}
    look = page.call("look", asked)
    assert look["layers"] == [0, 1]
    assert len({(head["layer"], head["head"]) for head in look["heads"]}) == len(look["heads"]) == 2 * 12
    assert page.call("look", asked | {"layers": [11, 5]})["layers"] == [11, 5]
    code, body = page.post("look", asked | {"layers": [0, 1, 2]})
    assert code == 400
    assert b"at most 2 of them for 1024 tokens" in body
    assert page.end() == 130


def until(condition: Callable[[], object]) -> None:
    give_up_at = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < give_up_at
        time.sleep(0.005)


def test_save_without_a_browser(shared: Daemon, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    command = [LENSCTL, "--socket", shared.socket, "explore", "--ids", "5,7,9", "--save", file]
    subprocess.run(command, check=True, capture_output=True, env=shared.env, timeout=30)
    data = file.read_text().split('id="data">', 1)[1].split("</script>", 1)[0]
    assert [reply["name"] for reply in json.loads(data)["replies"]] == ["hello", "look", "ablate"]


def test_the_browsers_address_is_in_a_file_of_ones_own(shared: Daemon, tmp_path: Path) -> None:
    noted = tmp_path / "noted"
    browser = tmp_path / "browser"
    lines = ["#!/bin/sh", f'{{ stat -c %a "$1"; cat "$1"; }} >{noted}.part', f"mv {noted}.part {noted}", ""]
    browser.write_text("\n".join(lines))
    browser.chmod(0o755)
    env = shared.env | {"BROWSER": str(browser), "XDG_RUNTIME_DIR": str(tmp_path)}
    command = [LENSCTL, "--socket", shared.socket, "explore"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env)
    try:
        for _ in range(200):
            if noted.exists():
                break
            time.sleep(0.05)
        mode, page = noted.read_text().split("\n", 1)
        assert mode == "600"
        assert "/open?token=" in page
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=10)
    assert not list(tmp_path.glob("lensctl-*"))
