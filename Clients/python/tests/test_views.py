"""What results show in a notebook: no text acts on the page, and the numbers are those of the result."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

import lensd
from lensd import metrics
from lensd.views.bars import Bar, bars
from lensd.views.heat_map import MAX_CELLS, heat_map
from lensd.views.html import card, escape, number, signed, table
from lensd.views.token_strip import token_strip

HOSTILE = "<script>alert(1)</script>\"' onload=x \u202egnp.exe\x1b[2J\n</svg></title><img src=x onerror=y>&lt;"
# Short enough for every model here.
SLY = '<b>\u202e&"\n'
TEXT = "Tom saw the red ball"
ALLOWED = [
    *["b", "br", "div", "path", "rect", "span", "svg", "table", "tbody"],
    *["td", "text", "th", "thead", "title", "tr"],
]


class Elements(HTMLParser):
    """The elements of a page, checked to be closed in turn, and their texts."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in ("br", "img"):
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.found)


def checked(page: str) -> Elements:
    """A page without anything that runs, loads or hides."""
    elements = Elements(page)
    for tag, attributes in elements.found:
        assert tag in ALLOWED, tag
        assert not {name for name in attributes if name.startswith("on") or name in ("src", "href", "id")}
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]", page)
    return elements


@pytest.mark.parametrize(
    "page",
    [
        card(HOSTILE, HOSTILE, table([HOSTILE], [[HOSTILE, 1.5]])),
        token_strip([HOSTILE, "b"], [float("nan"), 1.0], HOSTILE),
        bars([Bar(HOSTILE, 1.0, 0.5)], HOSTILE),
        heat_map(np.eye(2), [HOSTILE, "b"], ["a", HOSTILE], (HOSTILE, HOSTILE), title=HOSTILE),
        heat_map(np.eye(2), ["a", "b"], ["a", "b"], ("x", "y"), tip=lambda row, column: HOSTILE),
    ],
)
def test_hostile_text_is_text(page: str) -> None:
    elements = checked(page)
    said = "".join(elements.texts) + "".join(attributes.get("title") or "" for _, attributes in elements.found)
    assert "<script>" in said
    assert "\\u202e" in said


def test_a_line_end_in_a_tip_is_visible() -> None:
    assert escape("a\nb\t") == "a↵b⇥"
    assert escape("👩\u200d🔬") == "👩\u200d🔬"


def test_numbers_are_short() -> None:
    assert [number(value) for value in (2.31236, 0.0, 1.2e-9, 3e7, 12345, float("nan"))] == [
        *["2.3124", "0.0000", "1.20e-09", "3.00e+07", "12,345", "–"]
    ]
    assert signed(0.5) == "+0.5000"
    assert signed(-0.5) == "-0.5000"


def test_bars_grow_with_their_values() -> None:
    elements = checked(bars([Bar("a", 2.0, 0.1), Bar("b", -1.0, float("nan")), Bar("c", float("nan"), 1.0)], "Δ"))
    widths = [float(attributes["width"] or 0) for tag, attributes in elements.found if tag == "rect"]
    assert widths[0] == pytest.approx(2 * widths[1], rel=0.01)
    assert widths[2] == 0
    assert "c: – ± 1.0000" in elements.texts


def test_cells_are_as_strong_as_their_values() -> None:
    values = np.array([[1.0, -2.0], [0.0, float("nan")]])
    elements = checked(heat_map(values, ["0", "1"], ["0", "1"], ("layer", "head")))
    cells = [each for tag, each in elements.found if tag == "rect"][:4]
    strength = [float(cell["fill-opacity"] or 0) for cell in cells]
    assert strength[1] == pytest.approx(2 * strength[0], abs=0.002)
    assert strength[2:] == [0, 0]
    assert cells[0]["fill"] != cells[1]["fill"]


def test_pictures_are_for_light_and_dark() -> None:
    page = (
        heat_map(np.eye(2), ["0", "1"], ["0", "1"], ("a", "b"))
        + bars([Bar("a", 1, 0.1)], "t")
        + token_strip(["a"], [1.0], "loss")
    )
    # Text is of the colour around it, and nothing has a ground of its own.
    fills = {attributes.get("fill") for tag, attributes in Elements(page).found if tag == "text"}
    assert fills == {"currentColor"}
    assert "#fff" not in page
    assert "white;" not in page


def test_a_sweep(model: lensd.Model) -> None:
    sweep = model.ablate_heads(TEXT)
    elements = checked(sweep._repr_html_())
    shown = "".join(elements.texts)
    for head, delta in enumerate(np.ravel(sweep.delta)):
        assert f"L0H{head}" in shown
        assert signed(float(delta)) in shown
    assert number(float(sweep.baseline)) in shown


@pytest.mark.parametrize(
    ("edit", "over", "options"),
    [
        ("mlp_out", "layer", {}),
        ("resid_pre", ("layer", "pos"), {}),
        ("pattern", ("layer", "head", "pos", "source"), {}),
        ("post", "component", {}),
        ("z", ("layer", "head"), {"pairs": True}),
        ("mlp_out", "layer", {"pairs": True}),
        ("mlp_out", [], {}),
        ("z", ("layer", "head"), {"metrics": [metrics.loss(), metrics.kl(), metrics.token_loss(), metrics.logit(3)]}),
    ],
)
def test_sweeps_of_every_shape(model: lensd.Model, edit: str, over: Any, options: dict[str, Any]) -> None:
    where = {"layer": 0} if over in ("component", []) else {}
    sweep = model.sweep(TEXT, lensd.zero(edit, **where), over=over, **options)
    elements = checked(sweep._repr_html_())
    # The legend has a few cells of its own.
    assert elements.count("rect") <= 3 * (MAX_CELLS + 64)
    assert "nan" not in "".join(elements.texts)


def test_pairs_are_named_once(model: lensd.Model) -> None:
    page = model.sweep(TEXT, lensd.zero("z"), over=("layer", "head"), pairs=True)._repr_html_()
    places = [set(pair) for pair in re.findall(r'">(L\d+H\d+) \+ (L\d+H\d+)</text>', page)]
    assert len(places) == 12
    assert all(places.count(pair) == 1 for pair in places)


def test_a_run_has_the_losses_of_its_tokens(model: lensd.Model) -> None:
    texts = [TEXT, SLY]
    run = model.run(texts, top=3)
    np.testing.assert_allclose(run.loss, model(texts, return_type="loss"), atol=1e-5)
    np.testing.assert_allclose(run.token_losses, model(texts, return_type="loss", loss_per_token=True), atol=1e-5)
    assert run.str_tokens == model.to_str_tokens(texts)
    assert run.tokens[0] == model.to_tokens(TEXT)[0].tolist()
    np.testing.assert_allclose(run.prompt_losses[0], model(TEXT, return_type="loss"), atol=1e-5)
    logits = model(TEXT)[0, -1]
    assert [each.id for each in run.predictions[0]] == np.argsort(-logits, kind="stable")[:3].tolist()
    assert run.predictions[0][0].logprob == pytest.approx(
        float(logits.max() - np.log(np.exp(logits.astype(np.float64)).sum())), abs=1e-4
    )
    elements = checked(run._repr_html_())
    spans = [each for tag, each in elements.found if tag == "span" and "title" in each]
    assert len(spans) == sum(map(len, run.tokens))
    assert f"loss {float(run.token_losses[0, 0]):.4f}" in (spans[1]["title"] or "")
    assert f"{float(run.loss):.4f}" in repr(run)


def test_a_run_under_edits_and_hooks(model: lensd.Model) -> None:
    edits = [lensd.zero("z0", head=[0, 3])]
    expected = model.run_with_interventions(TEXT, edits, return_type="loss")
    np.testing.assert_allclose(model.run(TEXT, edits).loss, expected, atol=1e-5)
    with model.hooks(interventions=edits):
        np.testing.assert_allclose(model.run(TEXT).loss, expected, atol=1e-5)
    with model.hooks([("z0", lambda value, hook: None)]), pytest.raises(lensd.FailedPrecondition, match="run"):
        model.run(TEXT)


def test_a_generation(model: lensd.Model) -> None:
    result = model.generation([TEXT, "Lily"], max_new_tokens=5, seed=1)
    elements = checked(result._repr_html_())
    assert elements.count("span") - 1 == sum(map(len, result.str_tokens))


def test_a_cache_is_the_page_of_its_pass(model: lensd.Model) -> None:
    _, cache = model.run_with_cache(TEXT)
    frame = Elements(cache._repr_html_()).found[0]
    assert frame[0] == "iframe"
    assert frame[1]["sandbox"] == "allow-scripts"
    assert "<title>" in (frame[1]["srcdoc"] or "")
    _, several = model.run_with_cache([TEXT, SLY])
    _, edited = model.run_with_cache(TEXT, interventions=[lensd.zero("z0", head=1)])
    _, without = model.run_with_cache(TEXT, names_filter="z0")
    for other in (several, edited, without):
        elements = checked(other._repr_html_())
        assert "blocks.{l}.attn.hook_z" in elements.texts
    assert f"{several.lengths[0]}, {several.lengths[1]} tokens" in several._repr_html_()


def test_a_cache_without_its_daemon_says_so(own_daemon: Any) -> None:
    client = lensd.connect(own_daemon.socket, retry=None)
    _, cache = client.model("tiny").run_with_cache(TEXT)
    own_daemon.kill()
    assert "no page" in "".join(checked(cache._repr_html_()).texts)
    client.close()


@pytest.mark.parametrize("detail", ["groups", "components"])
def test_why_a_head_attends(client: lensd.Client, detail: Any) -> None:
    model = client.model("local")
    split = model.why_attends(SLY + TEXT, 1, 2, detail=detail)
    elements = checked(split._repr_html_())
    names = [each for each in elements.texts if " × " in each and each.split(" × ")[0] in split.components]
    # Attention, the components, and the strongest four by their mean size.
    size = np.abs(split.terms).mean((2, 3))
    query, key = np.unravel_index(size.argmax(), size.shape)
    assert names[0] == f"{split.components[query]} × {split.components[key]}"
    assert len(names) == 4
    cell = model.why_attends(TEXT, 1, 2, dest=-1, source=1, detail=detail)
    elements = checked(cell._repr_html_())
    assert signed(float(cell.terms.flat[np.abs(cell.terms).argmax()])) in elements.texts
    assert any(f"score {number(float(cell.scores[0, 0]))}" in each for each in elements.texts)
    assert "L1H2" in repr(cell)


def test_a_logit_lens(client: lensd.Client) -> None:
    model = client.model("local")
    lens = model.logit_lens([TEXT, SLY], tokens=["a", "b"])
    elements = checked(lens._repr_html_())
    tips = [each for tag, each in elements.found if tag == "td"]
    assert len(tips) == len(lens.points) * sum(len(each.positions) for each in lens.prompts)
    assert (tips[0]["title"] or "").startswith(f"0_pre: {escape_once(repr(lens[0].top[0][0][0]))}")
    assert lens.asked == ["a", "b"]
    # Without tokens to name there is still something to see, and no text without an end.
    checked(model.logit_lens(TEXT, top=0)._repr_html_())
    long = model.logit_lens("ab " * 9, pos=range(4), layers=0)
    assert checked(long._repr_html_()).count("td") == 2 * 4


def escape_once(text: str) -> str:
    return text.replace("\u202e", "\\u202e")


@pytest.mark.parametrize("by", ["layer", "head", "neuron", "accumulated"])
def test_logits_as_sums(client: lensd.Client, by: Any) -> None:
    model = client.model("local")
    parts = model.logit_attribution([TEXT, SLY], "a", "b", by=by)
    elements = checked(parts._repr_html_())
    strongest = float(parts[0].terms[0][np.abs(parts[0].terms[0]).argmax()])
    assert signed(strongest) in elements.texts
    assert f"'a' against 'b' behind {parts[0].tokens[-1]!r}: {number(float(parts[0].totals[0]))}" in elements.texts
    assert ("heads" in elements.texts) == (by == "head")
    assert ("neurons" in elements.texts) == (by == "neuron")
    checked(model.logit_attribution(TEXT, pos=range(4), by=by)._repr_html_())


def test_scores_of_heads(client: lensd.Client) -> None:
    model = client.model("local")
    found = model.detect_heads(TEXT)
    elements = checked(found._repr_html_())
    assert elements.count("svg") == 3
    tips = {text for text in elements.texts if text.startswith("L2H1")}
    assert tips == {f"L2H1: {values[2, 1]:.3f}" for values in found.values()}
    induction = model.induction_scores(length=5, batch=2)
    assert f"L0H3: {induction.scores[0, 3]:.3f}" in checked(induction._repr_html_()).texts


@pytest.mark.parametrize(
    ("hook", "reduction", "pictures"),
    [
        ("resid_post", "norm", 1),
        ("pattern", "entropy", 3),
        ("pattern", "diagonal_mean", 1),
        ("pattern", "diagonal", 3),
        ("z", "mean", 3),
        ("post", "max", 1),
        ("pattern", "top", 0),
    ],
)
def test_reductions(client: lensd.Client, hook: str, reduction: Any, pictures: int) -> None:
    reduced = client.model("local").reduce(SLY + TEXT, hook, reduction)
    elements = checked(reduced._repr_html_())
    assert elements.count("svg") == pictures
    assert reduced[0][0].hook in elements.texts
    if reduction == "norm":
        assert any(number(float(reduced[0][2].values[1])) in text for text in elements.texts)


def test_an_atlas(client: lensd.Client) -> None:
    atlas = client.model("local").head_atlas([TEXT, SLY], title=HOSTILE)
    elements = checked(atlas._repr_html_())
    for head in atlas:
        assert f"L{head.layer}H{head.head}" in elements.texts
        assert signed(head.delta) in elements.texts
    assert number(atlas.baseline) in "".join(elements.texts)
    assert "svg" not in {
        tag for tag, _ in checked(client.model("local").head_atlas(TEXT, kind=None)._repr_html_()).found
    }


def test_circuits_and_composition(client: lensd.Client) -> None:
    model = client.model("local")
    circuit = model.circuit(1, 2, tokens=SLY[-1], top=3)
    elements = checked(circuit._repr_html_())
    assert number(circuit.entries[2].value) in elements.texts
    assert f"copying score {signed(circuit.score)}, bare {signed(circuit.bare_score)}" in elements.texts
    circuits = model.circuits("qk")
    elements = checked(circuits._repr_html_())
    assert all(number(each.score) in elements.texts for each in circuits)
    assert elements.count("svg") == 1
    scores = model.composition_scores("K")
    elements = checked(scores._repr_html_())
    earlier, later, score = scores.strongest(1)[0]
    assert f"L{earlier[0]}H{earlier[1]} to L{later[0]}H{later[1]}: {number(score)}" in elements.texts


def test_scores_models_and_sessions(daemon: Any) -> None:
    with lensd.connect(daemon.socket, session="views") as client:
        model = client.model("local")
        model.run(SLY)
        model.ablate_heads(TEXT)
        session = client.session()
        session.note("<b onclick=x>")
        shown: list[Any] = [
            model,
            model.describe(),
            model.head_scores(TEXT),
            session,
            session.runs(),
            client.sessions(),
        ]
        for each in shown:
            checked(each._repr_html_())
        assert "&lt;b onclick=x&gt;" in session._repr_html_()
        assert "zero of z" in session.runs()._repr_html_()
        assert "3 layers × 4 heads" in model._repr_html_()
        checked(client.session("nobody/x")._repr_html_())
