"""An attention page as its reader meets it, beside the data that it must show."""

import base64
import json
import math
import pathlib
import re
import struct

from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.remote.webelement import WebElement

#: Reads one pixel of the large matrix through a canvas meant for it, so that the matrix itself stays as it is.
READ_PIXEL = """
    const probe = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const readPixel = (x, y) => {
        probe.clearRect(0, 0, 1, 1);
        probe.drawImage(document.getElementById("matrix"), x, y, 1, 1, 0, 0, 1, 1);
        return [...probe.getImageData(0, 0, 1, 1).data];
    };
"""


class PageData:
    """The page's own data, unpacked here a second time, so that what is shown can be held against it."""

    def __init__(self, html: str):
        found = re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)
        data = json.loads(found.group(1))
        self.tokens = [token["text"] for token in data["tokens"]]
        self.heads = data["heads"]
        self.positions = len(self.tokens)
        packed = data["patterns"]
        self.top_count = packed["topCount"]
        self.triangles = base64.b64decode(packed["triangles"])
        sources = base64.b64decode(packed["topSources"])
        width = packed["sourceBytes"]
        self.top_sources = struct.unpack(f"<{len(sources) // width}{'BH'[width - 1]}", sources)
        weights = base64.b64decode(packed["topWeights"])
        self.top_weights = struct.unpack(f"<{len(weights) // 4}f", weights)

    def top(self, head: int, destination: int) -> list[tuple[int, float]]:
        """The strongest sources of a row with their exact weights."""
        starts = [min(self.top_count, row + 1) for row in range(self.positions)]
        start = head * sum(starts) + sum(starts[:destination])
        end = start + starts[destination]
        return list(zip(self.top_sources[start:end], self.top_weights[start:end], strict=True))

    def weight(self, head: int, destination: int, source: int) -> tuple[float, bool]:
        """A cell's weight and whether it is exact."""
        for other, weight in self.top(head, destination):
            if other == source:
                return weight, True
        size = self.positions * (self.positions + 1) // 2
        code = self.triangles[head * size + destination * (destination + 1) // 2 + source]
        return (code / 255) ** 2, False


class Page:
    def __init__(self, driver: WebDriver, path: pathlib.Path):
        self.driver = driver
        self.data = PageData(path.read_text(encoding="utf-8"))

    # Parts

    def find(self, selector: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def tile(self, head: int) -> WebElement:
        return self.find(f"#tile-{head}")

    def token(self, position: int) -> WebElement:
        return self.find(f'.token[data-position="{position}"]')

    # What is shown

    def name(self, head: int) -> str:
        entry = self.data.heads[head]
        return f"L{entry['layer']}H{entry['head']}"

    @property
    def head(self) -> int:
        """The head that is shown large."""
        shown = self.find("#stage").get_attribute("data-head")
        return next(index for index in range(len(self.data.heads)) if self.name(index) == shown)

    @property
    def is_kept(self) -> bool:
        return self.find("#head-kept").is_displayed()

    @property
    def is_locked(self) -> bool:
        return bool(self.all("#readout .tag"))

    @property
    def marked(self) -> tuple[list[int], list[int]]:
        """Positions marked as destination and as source in the text."""
        return tuple(
            [int(token.get_attribute("data-position")) for token in self.all(f".token.is-{kind}")]
            for kind in ("destination", "source")
        )

    @property
    def reading(self) -> str:
        return self.find("#readout").text

    def picture(self, selector: str) -> str:
        return self.driver.execute_script("return document.querySelector(arguments[0]).toDataURL()", selector)

    def pixel(self, destination: int, source: int) -> list[int]:
        """The colour in the middle of a cell of the large matrix."""
        x, y = self.place(destination, source)
        return self.driver.execute_script(f"{READ_PIXEL} return readPixel(...arguments)", int(x), int(y))

    def shows(self, head: int, destination: int, source: int) -> bool:
        """Whether the reading is this cell's: its weight as exact as the page has it, and both tokens marked."""
        value, is_exact = self.data.weight(head, destination, source)
        shown = self.find("#readout .reading").text
        number = float(re.search(r"[\d.e-]+", shown).group())
        is_close = math.isclose(number, value, rel_tol=6e-4 if is_exact else 0.06, abs_tol=1e-5)
        return is_close and is_exact == shown[0].isdigit() and self.marked == ([destination], [source])

    # What a reader does

    def hover(self, element: WebElement) -> None:
        ActionChains(self.driver, duration=0).move_to_element(element).perform()

    def press(self, *keys: str) -> None:
        for key in keys:
            ActionChains(self.driver, duration=0).send_keys(key).perform()

    def place(self, destination: float, source: float) -> tuple[float, float]:
        """The middle of a cell, in the matrix's own pixels."""
        matrix = self.find("#matrix")
        x, y, cell = (float(matrix.get_attribute(f"data-{name}")) for name in ("origin-x", "origin-y", "cell"))
        return x + (source + 0.5) * cell, y + (destination + 0.5) * cell

    def hover_cell(self, destination: int, source: int) -> None:
        x, y = self.place(destination, source)
        matrix = self.find("#matrix")
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'nearest'})", matrix)
        size = matrix.size
        move = ActionChains(self.driver, duration=0)
        move.move_to_element_with_offset(matrix, round(x - size["width"] / 2), round(y - size["height"] / 2)).perform()

    def click(self) -> None:
        ActionChains(self.driver, duration=0).click().perform()

    @property
    def focused(self) -> WebElement:
        return self.driver.switch_to.active_element
