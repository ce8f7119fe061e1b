"""The live page's analyses, held against the Python client."""

import numpy as np
import pytest

from explore import TEXT, VISIBLE, fragment

OTHER = "Once upon a time, there was a little boy named Tim. One day, Tim"


def test_why_a_head_attends_there(live, cache):
    page = live(fragment(text=TEXT, head="0.5", cell="12.3"))
    page.panel("why")
    score = float(np.asarray(cache["attn_scores", 0])[5, 12, 3])
    parts = page.driver.execute_script(
        "return [...document.querySelectorAll('.split td.value')].map((cell) => Number(cell.dataset.value))"
    )
    assert len(parts) >= 4 and sum(parts) == pytest.approx(score, abs=1e-3)
    assert float(page.find(".why-sum b").text.replace("−", "-")) == pytest.approx(score, abs=2e-3)


def test_logit_lens(live, model):
    page = live(fragment(text=TEXT, panel="lens"))
    section = page.panel("lens")
    lens = model.logit_lens(TEXT, top=3, incl_mid=True).prompts[0]
    rows = section.find_elements("css selector", ".lens tbody tr")
    assert len(rows) == len(lens.top)
    for row, stage in zip(rows, lens.top, strict=True):
        guesses = [cell.text for cell in row.find_elements("css selector", ".guess-cell")]
        assert guesses == [text.translate(VISIBLE) for text in stage[-1]]
    assert rows[-1].find_element("css selector", ".guess-cell").text == page.next[0][0]


def shown_parts(page) -> dict[str, float]:
    rows = page.driver.execute_script(
        "return [...document.querySelectorAll('#panel-parts .bar-row')].map((row) =>"
        " [row.querySelector('.bar-name').textContent, Number(row.dataset.value)])"
    )
    return dict(rows)


def test_contributions_to_the_likeliest_token(live, model):
    page = live(fragment(text=TEXT, panel="parts"))
    page.panel("parts")
    for button, by in (("heads", "head"), ("layers", "layer"), ("neurons", "neuron")):
        buttons = page.all("#panel-parts .choice button")
        next(each for each in buttons if each.text == button).click()
        split = model.logit_attribution(TEXT, by=by, top=18)
        terms = split.prompts[0]
        page.wait(lambda by=by: any(name.startswith(MARKS[by]) for name in shown_parts(page)))
        parts = shown_parts(page)
        # Read at once: an answer that comes meanwhile replaces the element.
        shown = page.driver.execute_script("return document.querySelector('#panel-parts .why-sum b').textContent")
        total = float(shown.replace("−", "-"))
        assert total == pytest.approx(float(np.asarray(terms.totals)[0]), abs=6e-4)
        assert sum(parts.values()) == pytest.approx(total, abs=1e-3)
        if by == "neuron":
            expected = {f"L{layer} neuron {neuron}": value for layer, neuron, value in terms.neurons[0]}
            assert {name: parts.get(name) for name in expected} == pytest.approx(expected, abs=1e-5)
        else:
            names = [SAID.get(label, label) for label in split.components]
            values = dict(zip(names, map(float, np.asarray(terms.terms)[0]), strict=True))
            named = {name: value for name, value in parts.items() if not name.endswith("others")}
            assert named == pytest.approx({name: values[name] for name in named}, abs=1e-5)


#: How the names of what only one kind of split has begin.
MARKS = {"head": "L0H", "layer": "attention 0", "neuron": "L0 neuron"}
#: What the page calls the components of the one layer.
SAID = {
    "embed": "token", "pos_embed": "position", "0_attn_out": "attention 0", "0_attn_bias": "attention bias 0",
    "0_mlp_out": "MLP 0",
}  # fmt: skip


def test_a_neuron_of_the_parts_is_looked_at(live, model):
    page = live(fragment(text=TEXT, panel="parts"))
    page.panel("parts")
    page.all("#panel-parts .choice button")[2].click()
    row = page.wait(lambda: page.all("#panel-parts .bar-row[data-neuron]"))[0]
    layer, neuron = map(int, row.get_attribute("data-neuron").split("."))
    row.click()
    page.wait(lambda: page.all(".neuron-row"))
    # A row under the pointer would be looked at instead.
    page.hover(page.find("#next-title"))
    order = np.argsort(-(np.asarray(model.W_out)[layer, neuron] @ np.asarray(model.W_U)))
    expected = [
        [model.to_string([int(id)]).translate(VISIBLE) for id in best] for best in (order[:6], order[: -6 - 1 : -1])
    ]
    words = (
        "return [...document.querySelectorAll('.promotes')].map((line) =>"
        " [...line.querySelectorAll('.token-text')].map((word) => word.textContent))"
    )
    page.wait(lambda: page.driver.execute_script(words) == expected)


def test_neurons_over_the_text(live, cache):
    page = live(fragment(text=TEXT, panel="neurons"))
    page.panel("neurons")
    post = np.asarray(cache["post", 0])
    rows = page.all(".neuron-row")
    best = int(post.max(0).argmax())
    assert int(rows[0].get_attribute("data-neuron")) == best
    assert f"{post[:, best].max():.2f}" in rows[0].text
    plain = page.token(2).value_of_css_property("background-color")
    page.hover(rows[0])
    page.wait(lambda: page.token(int(post[:, best].argmax())).value_of_css_property("background-color") != plain)


def test_two_prompts_side_by_side(live):
    page = live(fragment(text=TEXT, other=OTHER, panel="compare"))
    section = page.panel("compare")
    page.wait(lambda: page.all(".nodes tbody tr"))
    totals = [abs(float(text.replace("−", "-"))) for text in page.shown(".nodes tbody tr td:nth-child(2)")]
    assert totals == sorted(totals, reverse=True)
    assert {"·girl", "·Lily"} <= set(page.shown(".differs")) and "MLP" in section.text


def test_signed_patterns(live):
    page = live(fragment(text=TEXT, head="0.5"))
    before = page.picture("#matrix")
    page.find("[data-measure=attribution]").click()
    page.wait(lambda: "gradient" in page.find("#legend-name").text and page.picture("#matrix") != before)
    page.hover_cell(9, 4)
    assert page.find("#readout .reading").text[2] in "+−"
