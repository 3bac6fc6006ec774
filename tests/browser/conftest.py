"""A headless Chromium, a daemon with an admin token, and a page that waits instead of sleeping."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from tests.live.daemon import Daemon
from tests.live.settings_file import provider, settings
from tests.upstream import ScriptedUpstream

#: The token of the daemon; nobody else has it.
TOKEN = "a-token-for-tests-that-is-long-enough-0123456789"

#: A page has to become right within this, in seconds.
PATIENCE = 20.0

#: In a container Chromium's own sandbox cannot be made, and /dev/shm is small.
_ARGUMENTS = ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--lang=en-US")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.needs("chromium-driver"))


class Page:
    """The dashboard in a browser."""

    def __init__(self, driver: webdriver.Chrome, url: str) -> None:
        self.driver = driver
        self.url = url

    def open(self) -> None:
        """Loads it, as somebody who has never been here."""
        self.driver.get(f"{self.url}/dashboard")
        self.driver.execute_script("sessionStorage.clear(); localStorage.clear()")
        self.complaints()
        self.driver.get(f"{self.url}/dashboard")

    def find(self, selector: str) -> WebElement:
        """The first element of this CSS selector; waits for it."""
        self.until(lambda: self.all(selector), f"there is no {selector}")
        return self.all(selector)[0]

    def all(self, selector: str) -> list[WebElement]:
        """Every element of this CSS selector, now."""
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def text(self, selector: str) -> str:
        """The text of the first element; "" while there is none."""
        found = self.script("return document.querySelector(arguments[0])?.textContent ?? ''", selector)
        assert isinstance(found, str)
        return found

    def script(self, code: str, *arguments: Any) -> Any:
        """What a script in the page returns."""
        return self.driver.execute_script(code, *arguments)

    def until(self, condition: Any, failure: str) -> None:
        """Waits until a condition holds."""
        WebDriverWait(self.driver, PATIENCE, poll_frequency=0.05).until(lambda driver: condition(), failure)

    def says(self, selector: str, text: str) -> None:
        """Waits until the text of an element holds this one."""
        self.until(lambda: text in self.text(selector), f"{selector} does not say {text!r}")

    def node(self, name: str) -> str:
        """The CSS selector of an actor's line in the tree."""
        return f'#tree [data-key="{name}"] > .node'

    def use_token(self, token: str) -> None:
        """Types a token into the dialog for it."""
        if not self.script("return document.getElementById('enter-token').open"):
            self.find("#token").click()
        self.find("#token-value").send_keys(token)
        self.find("#enter-token button[value=use]").click()

    def complaints(self) -> list[str]:
        """What the browser has to say against the page."""
        log = self.driver.get_log("browser")  # type: ignore[no-untyped-call]
        return [entry["message"] for entry in log if entry["level"] != "INFO"]


@pytest.fixture(scope="session")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    """One Chromium for all tests: starting it is what takes long."""
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for argument in (*_ARGUMENTS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, Service("/usr/bin/chromedriver"))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def upstream() -> Iterator[ScriptedUpstream]:
    """Behind the provider `one`."""
    with ScriptedUpstream() as upstream:
        yield upstream


@pytest.fixture(scope="module")
def daemon(upstream: ScriptedUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon with an admin token, and a back door through which its actors can be killed."""
    configured = settings(provider("one", upstream.url), supervision={"max_restarts": 1000})
    environ = {"CORTEX_ADMIN__TOKEN": TOKEN}
    folder = tmp_path_factory.mktemp("daemon")
    with Daemon(configured, folder, mode="gevent", environ=environ, backdoor=True) as daemon:
        yield daemon


@pytest.fixture
def page(driver: webdriver.Chrome, daemon: Daemon) -> Page:
    """The dashboard, live."""
    driver.set_window_size(1400, 1000)
    page = Page(driver, f"http://127.0.0.1:{daemon.port}")
    page.open()
    page.says("#connection", "live")
    return page
