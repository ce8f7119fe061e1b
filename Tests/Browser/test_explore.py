"""What a reader does with the live page of `lensctl explore`, and what it shows, held against the Python client."""

import numpy as np
import pytest
from selenium.webdriver.common.keys import Keys

from explore import TEXT, VISIBLE, fragment

# A prompt


def test_shows_what_the_model_makes_of_a_prompt(live, model):
    page = live()
    page.type(TEXT)
    assert page.tokens == [token.translate(VISIBLE) for token in model.to_str_tokens(TEXT)]
    assert page.loss == pytest.approx(float(model(TEXT, "loss")), abs=6e-5)
    logits = np.asarray(model(TEXT)[0, -1], np.float64)
    probabilities = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
    best = np.argsort(-probabilities)[:8]
    assert [text for text, _ in page.next] == [model.to_string([int(id)]).translate(VISIBLE) for id in best]
    assert [share for _, share in page.next] == pytest.approx(100 * probabilities[best], rel=0.06, abs=0.06)


def test_typing_asks_once_for_many_keys(live):
    page = live(fragment(text="Once"))
    page.driver.execute_script("performance.clearResourceTimings()")
    page.type("She loved to play with her dog")
    count = "return performance.getEntriesByType('resource').filter(({name}) => name.endsWith('/api/look')).length"
    assert page.driver.execute_script(count) <= 4
    assert page.tokens[-1] == "g" or page.tokens[-1].endswith("dog")


def test_nothing_comes_from_elsewhere(live, explore_server):
    page = live(fragment(text=TEXT))
    asked = page.driver.execute_script("return performance.getEntriesByType('resource').map(({name}) => name)")
    assert asked and all(name.startswith(explore_server.origin) for name in asked)
    assert page.driver.execute_script("return document.cookie") == ""


def test_first_paint_follows_the_answer(live):
    page = live(fragment(text=TEXT))
    answered = page.driver.execute_script(
        "return performance.getEntriesByType('resource').find(({name}) => name.endsWith('/api/look')).responseEnd"
    )
    after = page.painted - answered
    print(f"\nfirst paint {after:.0f} ms after the daemon's answer, {page.painted:.0f} ms after opening")
    assert page.painted > answered


# Heads and cells


def test_every_head_is_there(live, model):
    page = live(fragment(text=TEXT))
    assert len(page.all(".tile")) == model.cfg.n_layers * model.cfg.n_heads
    pictures = page.driver.execute_script(
        "return [...document.querySelectorAll('.tile canvas')].map((tile) => tile.toDataURL())"
    )
    assert len(set(pictures)) == len(pictures)


@pytest.mark.parametrize("head", [0, 5, 15])
def test_a_cell_reads_its_weight(live, cache, head):
    page = live(fragment(text=TEXT, head=f"0.{head}"))
    pattern = np.asarray(cache["pattern", 0])[head]
    last = len(pattern) - 1
    for destination, source in ((last, int(pattern[last].argmax())), (last, 0), (7, 3)):
        page.hover_cell(destination, source)
        assert page.number == pytest.approx(pattern[destination, source], rel=0.06, abs=5e-4)
        assert page.marked == ([destination], [source])
    page.hover_cell(last, int(pattern[last].argmax()))
    assert "≈" not in page.reading and page.number == pytest.approx(pattern[last].max(), rel=6e-4)


def test_value_weighted_and_taken_together(live, cache):
    pattern = np.asarray(cache["pattern", 0])
    norms = np.linalg.norm(np.asarray(cache["v", 0]), axis=-1).T
    last = pattern.shape[1] - 1
    source = int(pattern[5, last].argmax())
    page = live(fragment(text=TEXT, head="0.5", measure="value"))
    page.hover_cell(last, source)
    assert page.number == pytest.approx(pattern[5, last, source] * norms[5, source], rel=0.03)
    for across, expected in (("mean-layer", pattern.mean(0)), ("max-layer", pattern.max(0))):
        page = live(fragment(text=TEXT, head="0.5", across=across))
        page.hover_cell(last, source)
        assert page.number == pytest.approx(expected[last, source], rel=0.05, abs=0.004)


def test_lines_show_and_lock(live):
    page = live(fragment(text=TEXT, head="0.5", picture="lines"))
    assert page.find("#lines-box").is_displayed() and not page.find("#matrix").is_displayed()
    before = page.picture("#lines")
    page.token(6).click()
    assert page.is_locked and page.marked == ([6], [])
    assert page.picture("#lines") != before


# Edits


def test_ablating_a_head(live, model):
    lensd = pytest.importorskip("lensd")
    page = live(fragment(text=TEXT, head="0.5"))
    before = page.loss
    page.do(lambda: page.press("x"))
    without = float(model.run_with_interventions(TEXT, [lensd.zero("z0", head=5)], "loss"))
    assert page.loss == pytest.approx(without, abs=6e-5) and page.loss != before
    assert "is-edited" in page.tile(5).get_attribute("class")
    assert page.shown("#next tbody tr td:nth-child(4)"), "the change of each probability stands beside it"
    page.find("[data-tint=change]").click()
    tints = page.driver.execute_script(
        "return [...document.querySelectorAll('#text .token')].map((token) => token.style.backgroundColor)"
    )
    assert len(set(tints)) > 2
    page.do(lambda: page.press("0"))
    assert page.loss == pytest.approx(before, abs=1e-9) and not page.all("#edit-list li")


def test_each_heads_effect(live, model):
    page = live(fragment(text=TEXT))
    page.wait(lambda: "Δloss" in page.tile(3).get_attribute("aria-label"))
    delta = float(model.ablate_heads(TEXT).delta[0, 3])
    shown = page.tile(3).get_attribute("aria-label").split("Δloss ")[1].split(" ±")[0].replace("−", "-")
    assert float(shown) == pytest.approx(delta, abs=0.51 * 10 ** -len(shown.split(".")[1]))


def test_a_slider_scales_a_head(live, model):
    lensd = pytest.importorskip("lensd")
    page = live(fragment(text=TEXT, edits=[{"action": "scale", "value": 2, "hook": "z", "layer": 0, "head": 5}]))
    assert page.loss == pytest.approx(
        float(model.run_with_interventions(TEXT, [lensd.scale("z0", 2, head=5)], "loss")), abs=6e-5
    )
    slider = page.find("#edit-list input")
    page.driver.execute_script("arguments[0].focus()", slider)
    page.do(lambda: page.press(Keys.ARROW_RIGHT))
    assert page.loss == pytest.approx(
        float(model.run_with_interventions(TEXT, [lensd.scale("z0", 2.05, head=5)], "loss")), abs=6e-5
    )


def test_a_direction_can_be_added(live, model):
    lensd = pytest.importorskip("lensd")
    page = live(fragment(text=TEXT))
    page.find("#direction-open").click()
    page.find("#direction-token").send_keys("girl")
    page.find("#direction-minus").send_keys("boy")
    page.do(lambda: page.find("#direction-form button").click())
    w_u = np.asarray(model.W_U)
    vector = w_u[:, model.to_single_token(" girl")] - w_u[:, model.to_single_token(" boy")]
    vector /= np.linalg.norm(vector)

    def loss(scale: float) -> float:
        edit = lensd.add("blocks.0.hook_resid_post", scale * vector)
        return float(model.run_with_interventions(TEXT, [edit], "loss"))

    assert page.loss == pytest.approx(loss(4), abs=6e-5)
    assert "·girl − ·boy after layer 0" in page.find("#edit-list li").text
    page.driver.execute_script("arguments[0].focus()", page.find("#edit-list input"))
    page.do(lambda: page.press(Keys.ARROW_LEFT))
    assert page.loss == pytest.approx(loss(3.5), abs=6e-5)
