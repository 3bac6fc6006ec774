"""Prometheus and Grafana: that their files are valid, and name nothing that is not there."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from cortex_actors.gateway import Gateway
from cortex_actors.settings import HealthSettings, ProviderSettings, Secret, Settings, SupervisionSettings
from tests.deploy import CONFIG
from tests.deploy.tools import command
from tests.dispatch.plant import Client, ask

RULES = CONFIG / "prometheus-rules.yml"
DASHBOARD = CONFIG / "grafana-dashboard.json"

#: What Prometheus and Grafana add to each series.
_THEIRS = {"instance", "job", "le"}

_METRIC = re.compile(r"\b(?:cortex|process|python)_[a-z0-9_]+|\bup\b")
_SELECTOR = re.compile(r"\b([a-z_0-9]+)\{([^}]*)\}")
_GROUPED = re.compile(r"\b(?:by|without|on) ?\(([^)]*)\)")


@pytest.fixture(scope="module")
def exposition() -> Iterator[str]:
    """What a gateway shows that has answered, failed, and failed over."""
    settings = Settings(
        providers=(
            ProviderSettings(
                name="bad", type="mock", model="m", priority=1, options={"status": 500}, keys=(Secret("k"),)
            ),
            ProviderSettings(name="good", type="mock", model="m", priority=2, options={"chunk_delay": 0.0}),
        ),
        health=HealthSettings(interval=0.0),
        supervision=SupervisionSettings(stall_limit=0.0),
    )
    gateway = Gateway.start(settings)
    try:
        gateway.complete(ask("Hola", model="m"), Client())
        gateway.metrics.rate_limited("requests")
        gateway.metrics.reloaded(applied=False)
        gateway.metrics.recovered("good", "joined")
        gateway.metrics.actor_restarted("router")
        gateway.metrics.actor_ended("crashed")
        gateway.metrics.refused("gateway_busy")
        gateway.metrics.health_checked("good", "ok")
        gateway.metrics.breaker_moved("bad", "open")
        yield gateway.metrics_text()[0].decode()
    finally:
        gateway.stop()


@pytest.fixture(scope="module")
def series(exposition: str) -> dict[str, set[str]]:
    """Every metric there is, with the names of its labels."""
    found: dict[str, set[str]] = {"up": set()}
    for family in text_string_to_metric_families(exposition):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def promtool(*arguments: str | Path, given: str = "") -> subprocess.CompletedProcess[str]:
    path = command("promtool", "prometheus")
    return subprocess.run(
        [path, *arguments], input=given, capture_output=True, text=True, timeout=60, check=False
    )


def panels() -> list[dict[str, Any]]:
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def expressions() -> list[str]:
    """Every expression of the dashboard and of the rules."""
    of_panels = [target["expr"] for panel in panels() for target in panel["targets"]]
    rules = RULES.read_text(encoding="utf-8")
    blocks = re.findall(r"expr: (?:\|\n((?: {10}.*\n)+)|(.+))", rules)
    return of_panels + ["".join(block) for block in blocks]


@pytest.mark.needs("prometheus")
def test_promtool_accepts_what_the_gateway_shows(exposition: str) -> None:
    checked = promtool("check", "metrics", given=exposition)

    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


@pytest.mark.needs("prometheus")
def test_promtool_accepts_the_configuration_and_the_rules() -> None:
    for what, file in (("config", CONFIG / "prometheus.yml"), ("rules", RULES)):
        checked = promtool("check", what, file)
        assert checked.returncode == 0, checked.stdout + checked.stderr
        assert "SUCCESS" in checked.stdout


@pytest.mark.needs("prometheus")
def test_alerts_fire_when_they_should_and_not_before() -> None:
    checked = promtool("test", "rules", Path(__file__).with_name("rules_test.yml"))

    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.needs("prometheus")
def test_promtool_can_parse_every_panel(tmp_path: Path) -> None:
    texts = [target["expr"] for panel in panels() for target in panel["targets"]]
    rules = [
        {"record": f"panel:{number}", "expr": text.replace("$__rate_interval", "5m")}
        for number, text in enumerate(texts)
    ]
    file = tmp_path / "panels.json"  # which is YAML, too
    file.write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}), encoding="utf-8")
    checked = promtool("check", "rules", file)

    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("expression", expressions())
def test_an_expression_names_metrics_and_labels_that_exist(
    expression: str, series: dict[str, set[str]]
) -> None:
    names = _METRIC.findall(expression)
    assert names, expression
    assert set(names) <= set(series)
    for metric, selector in _SELECTOR.findall(expression):
        labels = set(re.findall(r"([a-z_]+)\s*(?:=~|!~|!=|=)", selector))
        assert labels <= series[metric] | _THEIRS, metric
    known = _THEIRS.union(*(series[name] for name in names))
    grouped = chain.from_iterable(re.findall(r"[a-z_]+", labels) for labels in _GROUPED.findall(expression))
    assert set(grouped) <= known


def test_panels_do_not_overlap_and_have_a_title_and_an_explanation() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]:
        place = panel["gridPos"]
        cells = {(place["x"] + dx, place["y"] + dy) for dx in range(place["w"]) for dy in range(place["h"])}
        assert place["x"] + place["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells
        assert panel["title"]
        assert panel["type"] == "row" or panel["description"]


def test_every_alert_says_what_is_wrong_and_where_to_look() -> None:
    text = RULES.read_text(encoding="utf-8")
    alerts = text.count("- alert:")
    assert alerts > 10
    assert text.count("summary:") == text.count("description:") == text.count("severity:") == alerts
