"""GET /dashboard and what the page is made of."""

from __future__ import annotations

import re

import pytest

from tests.web.conftest import client_of
from tests.web.gateway_double import GatewayDouble
from tests.web.keys import with_keys


@pytest.mark.parametrize("path", ["/dashboard", "/dev/dashboard", "/dashboard/"])
def test_the_page_is_there_under_both_names(path: str) -> None:
    answer = client_of(GatewayDouble()).get(path)
    assert (answer.status_code, answer.content_type) == (200, "text/html; charset=utf-8")
    assert "<title>Cortex Actors</title>" in answer.text


def test_everything_the_page_refers_to_comes_from_the_package() -> None:
    client = client_of(GatewayDouble())
    page = client.get("/dashboard").text
    wanted = re.findall(r'(?:src|href)="(/[^"]+)"', page)
    assert len(wanted) >= 4
    assert re.findall(r'(?:src|href)="(?:https?:)?//', page) == []
    for path in wanted:
        assert client.get(path).status_code == 200, path


def test_every_module_that_a_script_imports_is_there() -> None:
    client = client_of(GatewayDouble())
    todo, seen = ["dashboard.js"], set[str]()
    while todo:
        name = todo.pop()
        answer = client.get(f"/dashboard/{name}")
        assert (answer.status_code, answer.content_type) == (200, "text/javascript; charset=utf-8"), name
        seen.add(name)
        todo += set(re.findall(r'from "\./([a-z]+\.js)"', answer.text)) - seen
    assert len(seen) > 5


def test_the_page_may_run_its_own_scripts_and_nothing_else() -> None:
    answer = client_of(GatewayDouble()).get("/dashboard")
    policy = answer.headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert "<script>" not in answer.text
    assert "style=" not in answer.text


def test_a_browser_that_has_a_file_is_not_sent_it_again() -> None:
    client = client_of(GatewayDouble())
    first = client.get("/dashboard/dashboard.css")
    again = client.get("/dashboard/dashboard.css", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize(
    "path",
    ["/dashboard/nothing.js", "/dashboard/../app.py", "/dashboard/%2e%2e/app.py", "/dashboard//etc/passwd"],
)
def test_nothing_but_its_files_is_served(path: str) -> None:
    assert client_of(GatewayDouble()).get(path).status_code == 404


def test_the_library_in_the_package_brings_its_licence() -> None:
    answer = client_of(GatewayDouble()).get("/dashboard/vendor/uPlot.LICENSE")
    assert "MIT License" in answer.text


def test_the_page_needs_no_key_and_holds_no_data() -> None:
    answer = client_of(GatewayDouble(), with_keys()).get("/dashboard")
    assert answer.status_code == 200
