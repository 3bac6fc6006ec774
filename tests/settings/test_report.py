"""The report: true, readable, without secrets, and a configuration itself."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

from cortex_actors.settings import load, render
from tests.settings import settings_of, written

CANARY = "sk-canary-1234567890"
RICH = """\
[server]
port = 4100
[[providers]]
name = "vllm"
type = "openai_compatible"
base_url = "http://vllm:8000/v1"
models = ["a/b", "c d"]
headers = { "X-Title" = "mine" }
options = { api = "v1", deep = { list = [1, 2.5, true, "ti\\"tle\\u001b[31m"], empty = {}, on = 2026-01-31 } }
[providers.limits]
total = 90
[[models]]
name = "smart"
fallbacks = ["vllm/x"]
routes = [{ provider = "vllm", weight = 0.5 }, { provider = "groq-primary", model = "m" }]
limits = { idle = 9 }
"""
ENVIRON = {
    "GROQ_API_KEYS": f"{CANARY},other-key-000",
    "GEMINI_PRO_25_API_KEYS": "k",
    "OLLAMA_URLS": "a,b",
    "CORTEX_LOGS__LEVEL": "debug",
    "PHX_HOST": "x",
}


def test_the_report_says_what_is_in_effect_and_where_it_was_set(tmp_path: Path) -> None:
    text = render(settings_of(tmp_path, RICH, ENVIRON)).replace(f"{tmp_path}/", "")
    assert "port = 4100  # cortex.toml:2\n" in text
    assert 'level = "debug"  # environment CORTEX_LOGS__LEVEL\n' in text
    assert 'host = "127.0.0.1"\n' in text
    assert '[[providers]]  # environment GROQ_API_KEYS\nname = "groq-primary"\n' in text
    assert "# PHX_HOST has no effect: " in text


def test_the_report_masks_every_key(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, RICH, ENVIRON)
    text = render(settings)
    assert "canary" not in text
    assert "other-key" not in text
    assert all(str(secret) in text for secret in settings.secrets)


def test_the_report_can_be_read_back_as_the_same_settings(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, RICH, ENVIRON)
    again = load(
        written(tmp_path, render(settings)), {name: ENVIRON[name] for name in ENVIRON if "KEYS" in name}
    )
    assert replace(again, notes=settings.notes) == settings


def test_the_report_of_a_demo_says_so_and_can_be_read_back(tmp_path: Path) -> None:
    settings = load(None, {})
    text = render(settings)
    assert "# Nothing is configured, so the embedded demo answers.\n" in text
    assert load(written(tmp_path, text), {}) == replace(settings, demo=False)


def test_nothing_in_the_report_steers_a_terminal(tmp_path: Path) -> None:
    text = render(settings_of(tmp_path, RICH, ENVIRON))
    assert all(line.isprintable() for line in text.splitlines())
    options = tomllib.loads(text)["providers"][0]["options"]
    assert options["deep"]["list"][3] == 'ti"tle\x1b[31m'
