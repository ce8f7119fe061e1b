"""The live page as its reader meets it."""

import json
import re
import time
import urllib.parse

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webdriver import WebDriver

from page import Page

TEXT = "Once upon a time, there was a little girl named Lily. One day, Lily"
#: What VisibleText makes of the characters that occur in the tests.
VISIBLE = str.maketrans({" ": "·", "\n": "↵"})


def fragment(**state) -> str:
    """A view as it stands in the address."""
    parts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in state.items()}
    return "#" + urllib.parse.urlencode(parts)


class ExplorePage(Page):
    """Shares with the attention page what both have: tiles, tokens, the matrix, the reading."""

    def __init__(self, driver: WebDriver):
        self.driver = driver

    def wait(self, condition, seconds: float = 10.0):
        """What a condition gives once it is true."""
        end = time.monotonic() + seconds
        while not (result := condition()):
            assert time.monotonic() < end, f"not so after {seconds} s; the page says {self.notice!r}"
            time.sleep(0.02)
        return result

    def settle(self) -> None:
        """Waits until the newest look is shown."""
        self.wait(
            lambda: (
                not self.all("#status.is-pending")
                and self.painted > 0
                and not self.driver.execute_script(
                    "return document.querySelector('.panel:not([hidden])').classList.contains('is-pending')"
                )
            )
        )

    @property
    def painted(self) -> float:
        return float(self.find("html").get_attribute("data-painted") or 0)

    @property
    def notice(self) -> str:
        return self.find("#notice").text

    @property
    def tokens(self) -> list[str]:
        return self.driver.execute_script(
            "return [...document.querySelectorAll('#text .token')].map((token) => token.textContent)"
        )

    @property
    def loss(self) -> float:
        return float(self.find("#loss b").text)

    @property
    def next(self) -> list[tuple[str, float]]:
        """The next-token table: visible text and per cent."""
        rows = self.driver.execute_script(
            "return [...document.querySelectorAll('#next tbody tr')].map((row) =>"
            " [row.querySelector('.pick').textContent, row.querySelector('.number').textContent])"
        )
        return [(text, float(re.search(r"[\d.]+", share).group())) for text, share in rows]

    @property
    def fragment(self) -> str:
        return self.driver.execute_script("return location.hash")

    @property
    def number(self) -> float:
        """The number of the reading."""
        shown = self.driver.execute_script("return document.querySelector('#readout .reading').textContent")
        return float(re.search(r"[−\d.e-]+", shown).group().replace("−", "-"))

    def type(self, text: str) -> None:
        """Replaces the prompt by typing, and waits for what comes of it."""
        field = self.find("#prompt")
        before = self.painted
        field.click()
        field.send_keys(Keys.CONTROL, "a")
        field.send_keys(text)
        self.wait(lambda: self.painted > before)
        self.settle()
        self.press(Keys.ESCAPE)

    def do(self, action) -> None:
        """Does what leads to a new look, and waits for it."""
        before = self.painted
        action()
        self.wait(lambda: self.painted > before)
        self.settle()

    def panel(self, name: str):
        """Shows an analysis; its section once it is answered, `None` where this lensd does not offer it."""
        self.find(f"#tab-{name}").click()
        self.settle()
        section = self.find(f"#panel-{name}")
        return None if "does not offer" in section.text else section

    def shown(self, selector: str) -> list[str]:
        return [element.text for element in self.driver.find_elements(By.CSS_SELECTOR, selector)]
