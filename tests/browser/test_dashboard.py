"""What an operator does with the dashboard: look, find what restarted and what is slow, and act on it."""

from __future__ import annotations

from pathlib import Path

from selenium import webdriver
from selenium.webdriver.common.keys import Keys

from tests.browser.conftest import TOKEN, Page
from tests.live.daemon import Daemon, chat
from tests.live.settings_file import provider, settings
from tests.upstream import Hang, ScriptedUpstream, openai_stream


def test_the_page_loads_everything_from_the_gateway_and_the_browser_has_no_complaint(page: Page) -> None:
    page.says("#status", "healthy")
    page.find(page.node("providers/one/worker"))
    page.find("#chart-requests canvas")
    loaded = page.script("return performance.getEntriesByType('resource').map((each) => each.name)")
    assert loaded
    assert [url for url in loaded if not url.startswith(page.url)] == []
    assert page.complaints() == []


def test_providers_show_their_breaker_and_their_load(page: Page) -> None:
    page.says("#providers .card h3", "one")
    page.says("#providers .breakers", "closed")
    page.says("#providers .facts", "0 of")


def test_a_killed_worker_is_seen_to_end_and_to_start_again(page: Page, daemon: Daemon) -> None:
    worker = "providers/one/worker"
    page.find(page.node(worker))
    assert daemon.post(f"/_chaos/kill?actor={worker}").status == 200
    page.says(page.node(worker), "killed")
    page.says(page.node(worker), "running")
    page.says("#events", worker)


def test_a_stream_is_listed_while_it_runs_and_an_operator_with_the_token_ends_it(
    page: Page, daemon: Daemon, upstream: ScriptedUpstream
) -> None:
    upstream.enqueue(openai_stream(["Ho", "la"]).pause(2, Hang()))
    answer = daemon.stream(chat(), accept="text/event-stream")
    answer.read_until("Ho")
    page.find("#streams tbody tr")
    assert not page.find("#streams tbody button").is_displayed()
    page.use_token(TOKEN)
    page.until(lambda: page.find("#streams tbody button").is_displayed(), "there is no way to cancel")
    page.find("#streams tbody button").click()
    page.find("#ask-yes").click()
    page.until(lambda: not page.all("#streams tbody tr"), "the stream runs on")
    assert "event: error" in answer.read().text
    page.says("#notices", "cancelled")


def test_a_wrong_token_is_told_and_changes_nothing(page: Page, daemon: Daemon) -> None:
    page.use_token("not-the-token")
    page.find(page.node("router")).click()
    page.find("#actor-restart").click()
    page.until(lambda: page.all(".notice[data-tone=bad]"), "nobody says that the token is wrong")
    assert daemon.get("/api/actors/router").json["actor"]["generation"] == 1


def test_an_actor_is_restarted_by_hand(page: Page, daemon: Daemon) -> None:
    page.use_token(TOKEN)
    page.find(page.node("health")).click()
    page.find("#actor-restart").click()
    page.until(
        lambda: daemon.get("/api/actors/health").json["actor"]["generation"] > 1, "it was not restarted"
    )
    page.says("#events", "health")


def test_the_stack_of_an_actor_is_shown_on_demand(page: Page) -> None:
    page.find(page.node("router")).click()
    page.find("#actor-stack").click()
    page.says("#actor-frames", "mailbox.py")


def test_the_tree_can_be_walked_folded_and_opened_by_keyboard(page: Page) -> None:
    page.find(page.node("router"))
    page.script("document.querySelector('#tree [tabindex=\"0\"]').focus()")

    def press(key: str) -> str:
        page.driver.switch_to.active_element.send_keys(key)
        name = page.script("return document.activeElement.dataset.key")
        return str(name)

    assert press(Keys.ARROW_DOWN) == "registry"
    assert press(Keys.ARROW_UP) == "cortex"
    assert press(Keys.ARROW_LEFT) == "cortex"
    assert not page.find(page.node("router")).is_displayed()
    assert press(Keys.ARROW_RIGHT) == "cortex"
    assert page.find(page.node("router")).is_displayed()
    assert press(Keys.END) == "health"
    press(Keys.ENTER)
    page.says("#actor-title", "health")
    page.driver.switch_to.active_element.send_keys(Keys.ESCAPE)
    page.until(lambda: not page.script("return document.getElementById('actor').open"), "it stays open")


def test_events_are_filtered_by_kind_and_by_text(page: Page) -> None:
    page.says("#events", "started")
    page.find("#events-text").send_keys("no event says this")
    page.until(lambda: not page.script(_VISIBLE_EVENTS), "the filter does not filter")
    page.find("#events-text").clear()
    page.find("#events-text").send_keys("the gateway has started")
    page.until(lambda: page.script(_VISIBLE_EVENTS) == 1, "the filter hides what it should show")


def test_a_gateway_that_went_away_is_told_and_followed_again_when_it_is_back(
    driver: webdriver.Chrome, upstream: ScriptedUpstream, tmp_path: Path
) -> None:
    configured = settings(provider("one", upstream.url))
    with Daemon(configured, tmp_path, mode="gevent") as daemon:
        port = daemon.port
        page = Page(driver, f"http://127.0.0.1:{port}")
        page.open()
        page.says("#connection", "live")
        first = page.text("#process")
    page.says("#connection", "lost")
    with Daemon(configured, tmp_path, mode="gevent", environ={"CORTEX_SERVER__PORT": str(port)}):
        page.says("#connection", "live")
        page.until(lambda: page.text("#process") != first, "the page shows the gateway that is gone")


def test_what_a_provider_says_is_text_and_never_markup(
    page: Page, daemon: Daemon, upstream: ScriptedUpstream
) -> None:
    model = "<img src=x onerror=document.title='owned'>"
    upstream.enqueue(openai_stream(["Ho"], model=model).pause(1, Hang()))
    answer = daemon.stream(chat(), accept="text/event-stream")
    try:
        page.says("#streams tbody", model)
        assert page.all("#streams tbody img") == []
    finally:
        answer.close()
    assert page.script("return document.title") != "owned"


def test_a_request_shows_in_the_figures_and_in_the_chart(
    page: Page, daemon: Daemon, upstream: ScriptedUpstream
) -> None:
    upstream.enqueue(openai_stream(["Hola"]))
    daemon.stream(chat()).read()
    page.until(
        lambda: page.text('.tile[data-key="requests a second"] b') > "0.0", "the request does not show"
    )


def test_it_fits_a_phone(page: Page) -> None:
    page.driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True},
    )
    try:
        page.open()
        page.find(page.node("providers/one/worker"))
        assert page.script("return document.documentElement.scrollWidth") <= 390
    finally:
        page.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_it_follows_the_colours_of_the_system_and_can_be_switched(
    page: Page, driver: webdriver.Chrome
) -> None:
    grounds = {}
    for scheme in ("light", "dark"):
        feature = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", feature)
        page.open()
        page.find(page.node("router"))
        grounds[scheme] = page.script("return getComputedStyle(document.body).backgroundColor")
    assert grounds["light"] != grounds["dark"]
    page.find("#theme").click()
    assert page.script("return getComputedStyle(document.body).backgroundColor") == grounds["light"]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


#: How many events the filter lets through.
_VISIBLE_EVENTS = (
    "return [...document.querySelectorAll('#events > li')].filter((each) => !each.hidden).length"
)
