"""The live page's analyses, held against the Python client."""

import numpy as np
import pytest

from explore import TEXT, fragment

OTHER = "Once upon a time, there was a little boy named Tim. One day, Tim"


def test_why_a_head_attends_there(live, cache):
    page = live(fragment(text=TEXT, head="0.5", cell="12.3"))
    section = page.panel("why")
    if section is None:
        pytest.skip("this lensd does not split scores")
    score = float(np.asarray(cache["attn_scores", 0])[5, 12, 3])
    parts = page.driver.execute_script(
        "return [...document.querySelectorAll('.split td.value')].map((cell) => Number(cell.dataset.value))"
    )
    assert len(parts) >= 4 and sum(parts) == pytest.approx(score, abs=1e-3)
    assert float(page.find(".why-sum b").text.replace("−", "-")) == pytest.approx(score, abs=2e-3)


def test_logit_lens(live, model):
    page = live(fragment(text=TEXT, panel="lens"))
    section = page.panel("lens")
    if section is None:
        pytest.skip("this lensd has no logit lens")
    last = section.find_elements("css selector", ".lens tbody tr")[-1]
    best = page.next[0][0]
    assert last.find_element("css selector", ".guess-cell").text == best


def test_contributions_sum_to_the_logit(live):
    page = live(fragment(text=TEXT, panel="parts"))
    section = page.panel("parts")
    if section is None:
        pytest.skip("this lensd has no attribution")
    values = [float(text.replace("−", "-")) for text in page.shown("#panel-parts .bar-row .number")]
    total = float(page.find("#panel-parts .why-sum b").text.replace("−", "-"))
    assert sum(values) == pytest.approx(total, abs=0.006 * len(values))


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
