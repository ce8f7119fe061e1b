"""Where the pages come from, and the browser that opens them."""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.actions.action_builder import ActionBuilder

from explore import TEXT, ExplorePage
from explore_server import ExploreServer
from page import Page

ROOT = pathlib.Path(__file__).resolve().parents[2]
STORY = "Once upon a time, there was a little girl named Lily. She loved to play with her dog Max.\nOne day, Lily"
NASTY = "<script>alert(1)</script> <!-- </title><img src=x onerror=alert(1)> \u2028 \"'`\\ \u202eevil \x1b[2J &lt; ]]>"


@pytest.fixture(scope="session")
def pages(tmp_path_factory) -> pathlib.Path:
    """A folder with `story.html` and `nasty.html`."""
    given = os.environ.get("LENS_TEST_PAGES")
    if given:
        return pathlib.Path(given)
    folder = tmp_path_factory.mktemp("pages")
    render_with_lensctl(folder)
    return folder


def render_with_lensctl(folder: pathlib.Path) -> None:
    """Makes the pages as a user does, through a private daemon."""
    lensd, lensctl = (ROOT / ".build" / "release" / name for name in ("lensd", "lensctl"))
    socket = folder / "lensd.sock"
    daemon = subprocess.Popen(
        [lensd, "--socket", socket, "--state", folder / "state"], stderr=subprocess.PIPE, text=True
    )
    try:
        said = []
        for line in daemon.stderr:
            said.append(line)
            if "ready" in line:
                break
        else:
            pytest.fail(f"lensd ended before it was ready: {''.join(said)}")
        for command, text, name in (
            (["ablate"], STORY, "story"),
            (["attention"], NASTY, "nasty"),
            (["heads"], STORY, "atlas"),
            (["heads", "--kind", "none"], NASTY, "atlas-nasty"),
        ):
            subprocess.run(
                [lensctl, "--socket", socket, *command, text, "--html", folder / f"{name}.html"],
                check=True,
                stdout=subprocess.DEVNULL,
                timeout=60,
            )
    finally:
        daemon.terminate()
        daemon.communicate(timeout=30)


@pytest.fixture(scope="session")
def driver():
    """One headless Chromium for all tests."""
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    control = shutil.which("chromedriver")
    if browser is None or control is None:
        pytest.skip("no Chromium with chromedriver here: apt-get install chromium chromium-driver")
    options = Options()
    options.binary_location = browser
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(control))
    yield driver
    driver.quit()


@pytest.fixture
def open_page(driver, pages):
    """Opens a page by name, as on a laptop in daylight unless told otherwise; the console must stay empty."""
    opened = []

    def open_page(name: str = "story", width: int = 1280, height: int = 800, scheme: str = "light") -> Page:
        path = pages / f"{name}.html"
        if not path.exists():
            pytest.skip(f"{path} is not among the pages given")
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        media = [{"name": "prefers-color-scheme", "value": scheme}]
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": media})
        ActionBuilder(driver).clear_actions()
        driver.get(path.as_uri())
        opened.append(Page(driver, path))
        return opened[-1]

    yield open_page
    if opened:
        assert driver.get_log("browser") == []


@pytest.fixture(scope="session")
def explore_server(driver, tmp_path_factory):
    """`lensctl explore` with a daemon of its own, its address redeemed by the browser."""
    server = ExploreServer(tmp_path_factory.mktemp("explore"))
    driver.get(server.address)
    yield server
    server.stop()


@pytest.fixture
def live(driver, explore_server):
    """Opens the live page, as on a laptop in daylight unless told otherwise; the console must stay empty."""
    opened = []

    def live(
        fragment: str = "", width: int = 1280, height: int = 720, scheme: str = "light", address: str | None = None
    ) -> ExplorePage:
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        media = [{"name": "prefers-color-scheme", "value": scheme}]
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": media})
        ActionBuilder(driver).clear_actions()
        driver.get("about:blank")
        driver.get_log("browser")
        driver.get((address or explore_server.origin) + fragment)
        opened.append(ExplorePage(driver))
        opened[-1].settle()
        return opened[-1]

    yield live
    # A refused call is in the console too; the tests that want one empty it. What is not offered is refused with 501.
    if opened:
        assert [entry for entry in driver.get_log("browser") if "status of 501" not in entry["message"]] == []


@pytest.fixture(scope="session")
def model(explore_server):
    """The embedded model through the Python client: what the page must show."""
    sys.path.insert(0, str(ROOT / "Clients" / "python" / "src"))
    lensd = pytest.importorskip("lensd", reason="the Python client needs numpy and protobuf")
    with lensd.connect(str(explore_server.socket)) as client:
        yield client.model()


@pytest.fixture(scope="session")
def cache(model):
    """Every activation of the tests' text."""
    return model.run_with_cache(TEXT, None, remove_batch_dim=True)[1]
