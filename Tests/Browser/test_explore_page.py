"""The live page as a page: its address, keys, sizes, what can go wrong, how smooth it is."""

import pathlib

import pytest
from selenium.webdriver.common.keys import Keys

from explore import TEXT, fragment

# The address, and a file of its own


def test_the_address_is_the_view(live, driver):
    page = live(fragment(text=TEXT))
    page.tile(7).click()
    page.hover_cell(9, 4)
    page.click()
    page.do(lambda: page.press("x"))
    page.press("4")
    page.settle()
    address = driver.current_url
    assert "token=" not in address
    again = live(address=address)
    assert again.find("#stage").get_attribute("data-head") == "L0H7" and again.is_kept
    assert again.is_locked and again.marked == ([9], [4])
    assert again.find("#tab-neurons").get_attribute("aria-selected") == "true"
    assert "is-edited" in again.tile(7).get_attribute("class")
    assert again.find("#prompt").get_attribute("value") == TEXT


def test_saved_as_one_file(live, driver, tmp_path):
    edits = [{"action": "zero", "hook": "z", "layer": 0, "head": 3}]
    page = live(fragment(text=TEXT, head="0.5", cell="9.4", edits=edits))
    page.wait(lambda: "Δloss" in page.tile(2).get_attribute("aria-label"))
    shown = page.tokens, page.next, page.loss, page.reading, page.picture("#matrix")
    driver.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})
    page.find("#save").click()
    files = page.wait(lambda: [file for file in tmp_path.iterdir() if file.suffix == ".html"])
    html = files[0].read_text(encoding="utf-8")
    assert "<link" not in html and 'src="' not in html
    saved = live(address=files[0].as_uri())
    assert (saved.tokens, saved.next, saved.loss, saved.reading, saved.picture("#matrix")) == shown
    assert driver.execute_script("return performance.getEntriesByType('resource').length") == 0
    saved.tile(8).click()
    assert saved.find("#stage").get_attribute("data-head") == "L0H8"


def test_saved_from_the_shell(live, driver, explore_server, tmp_path):
    """`--save` holds exactly the calls that the page makes first: nothing is asked that is not in the file."""
    for name, arguments in (
        ("text", [TEXT]),
        ("ids", ["--ids", "5,7,9"]),
        ("model", ["--model", "tinytales-1l@raw", "a"]),
    ):
        file = tmp_path / f"{name}.html"
        explore_server.save(file, *arguments)
        saved = live(address=file.as_uri())
        saved.wait(lambda saved=saved: "Δloss" in saved.tile(2).get_attribute("aria-label"))
        assert saved.tokens and saved.next and saved.notice == ""
        assert "saved without" not in saved.find("body").text
        assert driver.execute_script("return performance.getEntriesByType('resource').length") == 0


# Hands and eyes


def test_keys(live):
    page = live(fragment(text=TEXT, head="0.5"))
    page.press("]")
    assert page.find("#stage").get_attribute("data-head") == "L0H6"
    page.press("[", "[")
    assert page.find("#stage").get_attribute("data-head") == "L0H4"
    page.press("m")
    assert page.find("#lines-box").is_displayed()
    page.press("m", "v")
    assert page.find("[data-measure=value]").get_attribute("aria-pressed") == "true"
    page.press("/")
    assert page.focused.get_attribute("id") == "prompt"
    page.press(Keys.ESCAPE, "?")
    assert page.find("#help").is_displayed() and "ablate the head" in page.find("#help").text
    page.press(Keys.ESCAPE)
    assert not page.find("#help").is_displayed()


def test_everything_has_a_name(live):
    page = live(fragment(text=TEXT, edits=[{"action": "scale", "value": 2, "hook": "z", "layer": 0, "head": 5}]))
    nameless = page.driver.execute_script("""
        return [...document.querySelectorAll("button, select, textarea, input, [role=option], [tabindex='0']")]
            .filter((element) => element.checkVisibility() && !element.textContent.trim()
                && !element.getAttribute("aria-label") && !element.labels?.length)
            .map((element) => element.outerHTML.slice(0, 120));
    """)
    assert nameless == []
    assert page.find("#readout").get_attribute("aria-live") == "polite"


@pytest.mark.parametrize("size", [(1280, 720), (1440, 900), (1000, 700), (420, 800)])
def test_fits_the_screen(live, size):
    page = live(fragment(text=TEXT, cell="9.4"), *size)
    width, height = page.driver.execute_script(
        "return [document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
    )
    assert width <= size[0]
    if size[0] >= 1280:
        assert height <= size[1], "one screen, whose columns scroll"
        box = page.find("#matrix").rect
        assert box["y"] + box["height"] <= size[1] and box["x"] + box["width"] <= size[0]
        assert page.find("#stage").get_property("scrollHeight") <= page.find("#stage").get_property("clientHeight")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark(live, scheme):
    page = live(fragment(text=TEXT), scheme=scheme)
    before = page.find("body").value_of_css_property("background-color"), page.picture("#tile-5 canvas")
    assert page.find("html").get_attribute("data-theme") == scheme
    page.find("#theme").click()
    assert page.find("html").get_attribute("data-theme") != scheme
    after = page.find("body").value_of_css_property("background-color"), page.picture("#tile-5 canvas")
    assert before[0] != after[0] and before[1] != after[1]


# What can go wrong


def test_text_is_only_text(live):
    nasty = "<img src=x onerror=alert(1)> <script>alert(2)</script> \u202eevil &lt;"
    page = live(fragment(text=nasty))
    assert page.all("img") == [] and len(page.all("script")) == 2
    shown = "".join(page.tokens)
    assert "<script>" in shown and "\u202e" not in shown


def test_the_page_lets_nothing_in(live, driver):
    page = live(fragment(text=TEXT))
    driver.execute_script("""
        document.body.insertAdjacentHTML("beforeend", "<p id=probe style='color: rgb(1, 2, 3)'>x</p>");
        const script = document.createElement("script");
        script.textContent = "window.smuggled = true";
        document.body.append(script);
    """)
    assert driver.execute_script("return window.smuggled") is None
    assert "rgba(1, 2, 3" not in page.find("#probe").value_of_css_property("color")
    refused = [entry["message"] for entry in driver.get_log("browser")]
    assert len(refused) >= 2 and all("Content Security Policy" in message for message in refused)


def test_a_prompt_that_is_too_long(live, driver):
    page = live(fragment(text=TEXT))
    shown = page.tokens
    page.driver.execute_script(
        "const field = document.getElementById('prompt'); field.value = 'dog '.repeat(2000);"
        "field.dispatchEvent(new Event('input'))"
    )
    page.wait(lambda: "512" in page.notice)
    assert page.tokens == shown, "what was there stays"
    page.type(TEXT + " said")
    assert page.notice == ""
    driver.get_log("browser")


def test_the_daemon_goes_and_comes(live, driver, explore_server):
    page = live(fragment(text=TEXT))
    explore_server.stop_daemon()
    try:
        page.find("#prompt").send_keys(" saw")
        page.wait(lambda: "does not answer" in page.notice)
    finally:
        explore_server.start_daemon()
    page.wait(lambda: page.notice == "" and page.tokens[-1] == "·saw", 20)
    driver.get_log("browser")


# Smoothness: 12 layers × 12 heads × 256 tokens


def test_many_heads_stay_smooth(driver, live, explore_server):
    source = (pathlib.Path(__file__).parent / "synthetic_look.js").read_text()
    script = driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": source})
    try:
        page = live()
        assert len(page.all(".tile")) == 144 and len(page.tokens) == 256
        heads, cells = driver.execute_async_script("""
            const done = arguments[0];
            const frames = (steps, act) => new Promise((resolve) => {
                const times = [];
                let last = null;
                const frame = (now) => {
                    if (last !== null) times.push(now - last);
                    last = now;
                    if (steps-- === 0) return resolve(times.sort((a, b) => a - b));
                    act(steps);
                    requestAnimationFrame(frame);
                };
                requestAnimationFrame(frame);
            });
            const move = { bubbles: true, pointerType: "mouse" };
            const tiles = [...document.querySelectorAll(".tile")];
            const matrix = document.getElementById("matrix");
            const box = matrix.getBoundingClientRect();
            (async () => {
                const over = new PointerEvent("pointerover", move);
                const heads = await frames(100, (step) => tiles[step].dispatchEvent(over));
                const cells = await frames(100, (step) => matrix.dispatchEvent(new PointerEvent("pointermove", {
                    ...move, clientX: box.left + 40 + step, clientY: box.top + 150 + 2 * step })));
                done([heads, cells]);
            })();
        """)
    finally:
        driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", script)
    for name, times in (("heads", heads), ("cells", cells)):
        print(f"\nframes over {name}: median {times[50]:.1f} ms, 95 % {times[94]:.1f} ms, worst {times[-1]:.1f} ms")
        assert times[50] < 50
    driver.get_log("browser")
