"""What a reader does with an atlas of heads, done in Chromium."""

import os
import pathlib

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys


@pytest.fixture
def atlas(driver, pages):
    """Opens an atlas as on a laptop in daylight; the console must stay empty."""

    def open_atlas(name="atlas"):
        path = pages / f"{name}.html"
        if not path.exists():
            pytest.skip(f"{path} is not among the pages given")
        resize(driver, 1280)
        scheme(driver, "light")
        driver.get_log("browser")
        driver.get(path.as_uri())
        return driver

    yield open_atlas
    assert driver.get_log("browser") == []


def resize(driver, width):
    metrics = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def scheme(driver, value):
    media = {"features": [{"name": "prefers-color-scheme", "value": value}]}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)


def test_there_is_a_card_per_head(atlas):
    driver = atlas()
    cards = driver.find_elements(By.TAG_NAME, "article")
    links = driver.find_elements(By.CSS_SELECTOR, ".map a")
    assert len(cards) == len(links) == 16
    assert "previous" in cards[0].find_element(By.CSS_SELECTOR, ".kinds").text
    assert all(card.find_element(By.CSS_SELECTOR, ".pattern").size["width"] > 100 for card in cards)
    assert driver.execute_script("return performance.getEntriesByType('resource').length") == 0


def test_the_keyboard_goes_from_the_map_to_a_card(atlas):
    driver = atlas()
    links = driver.find_elements(By.CSS_SELECTOR, ".map a")
    links[13].send_keys(Keys.TAB)
    assert driver.switch_to.active_element == links[14]
    driver.switch_to.active_element.send_keys(Keys.ENTER)
    assert driver.current_url.endswith("#L0H14")
    card = driver.find_element(By.ID, "L0H14")
    top = driver.execute_script("return arguments[0].getBoundingClientRect().top", card)
    assert top < driver.execute_script("return innerHeight")


def test_nothing_is_wider_than_the_window(atlas):
    driver = atlas()
    for width in (1440, 700):
        resize(driver, width)
        assert driver.execute_script("return document.documentElement.scrollWidth <= innerWidth"), width


def test_dark_has_its_own_colours(atlas):
    driver = atlas()
    paper = "return getComputedStyle(document.body).backgroundColor"
    light = driver.execute_script(paper)
    save(driver, "atlas")
    scheme(driver, "dark")
    assert driver.execute_script(paper) != light
    save(driver, "atlas-dark")


def test_nasty_tokens_stay_text(atlas):
    driver = atlas("atlas-nasty")
    assert len(driver.find_elements(By.TAG_NAME, "article")) == 16
    assert not driver.find_elements(By.TAG_NAME, "script")
    assert not driver.find_elements(By.TAG_NAME, "img")


def save(driver, name):
    """Keeps a picture where somebody wants to look at it."""
    folder = os.environ.get("LENS_SCREENSHOTS")
    if folder:
        driver.save_screenshot(str(pathlib.Path(folder) / f"{name}.png"))
