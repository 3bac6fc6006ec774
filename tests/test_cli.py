"""The command line, as somebody types it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from cortex_actors import __version__
from cortex_actors.cli import main
from tests.live.daemon import Daemon
from tests.live.settings_file import provider, settings
from tests.upstream import ScriptedUpstream, openai_stream, refused_url

ROOT = Path(__file__).parent.parent


def _run(*arguments: str, environ: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cortex_actors.cli", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **(environ or {})},
        check=False,
    )


@pytest.fixture(scope="module")
def upstream() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream() as upstream:
        upstream.default = openai_stream(["Hola, ", "¿qué ", "tal?"])
        yield upstream


@pytest.fixture(scope="module")
def daemon(upstream: ScriptedUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    text = settings(provider("one", upstream.url, priority=1))
    with Daemon(text, tmp_path_factory.mktemp("cli"), mode="threads") as daemon:
        yield daemon


def test_version_names_the_program_and_its_version() -> None:
    done = _run("version")
    assert done.returncode == 0
    assert done.stdout.startswith(f"cortex {__version__} ")


def test_help_shows_every_command() -> None:
    done = _run("--help")
    assert done.returncode == 0
    for command in ("serve", "check-config", "chat", "providers", "health", "tree", "version"):
        assert command in done.stdout


def test_check_config_prints_effective_settings_with_secrets_masked() -> None:
    done = _run(
        "check-config", environ={"GROQ_API_KEYS": "sk-CANARY-0123456789", "CORTEX_SERVER__PORT": "4123"}
    )
    assert done.returncode == 0, done.stderr
    assert "port = 4123" in done.stdout
    assert "groq-primary" in done.stdout
    assert "CANARY" not in done.stdout + done.stderr


def test_check_config_tells_every_mistake_at_once(tmp_path: Path) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text('[server]\nprot = 1\n[limits]\nidle = "soon"\n', encoding="utf-8")
    done = _run("check-config", "--config", str(file))
    assert done.returncode == 2
    assert "prot" in done.stderr
    assert "port" in done.stderr
    assert "limits.idle" in done.stderr


def test_check_config_asks_the_dialect_about_its_options(tmp_path: Path) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text(
        '[[providers]]\nname = "c"\ntype = "ollama"\noptions = { kep_alive = "5m" }\n', encoding="utf-8"
    )
    done = _run("check-config", "--config", str(file))
    assert done.returncode == 2
    assert "kep_alive" in done.stderr
    assert "keep_alive" in done.stderr


def test_check_config_makes_the_stages(tmp_path: Path) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text('[[stages]]\nname = "clean"\nuse = "drop_emty"\n', encoding="utf-8")
    done = _run("check-config", "--config", str(file))
    assert done.returncode == 2
    assert "stages.clean.use" in done.stderr
    assert "drop_empty" in done.stderr


def test_serve_refuses_wrong_settings_before_it_listens() -> None:
    done = _run("serve", environ={"CORTEX_SERVER__PORT": "many"})
    assert done.returncode == 2
    assert "server.port" in done.stderr


def test_chat_prints_the_answer(daemon: Daemon) -> None:
    done = _run("chat", "Hola", "--url", f"http://127.0.0.1:{daemon.port}")
    assert (done.returncode, done.stdout) == (0, "Hola, ¿qué tal?\n")


def test_chat_says_so_when_the_answer_is_not_whole(daemon: Daemon, upstream: ScriptedUpstream) -> None:
    upstream.enqueue(openai_stream(["half ", "an answer"], finish=None, done=False))
    done = _run("chat", "Hola", "--url", f"http://127.0.0.1:{daemon.port}")
    assert done.returncode == 1
    assert done.stdout.startswith("half an answer")
    assert "cut short" in done.stderr


def test_chat_passes_on_why_the_gateway_said_no(daemon: Daemon) -> None:
    done = _run("chat", "Hola", "--provider", "nobody", "--url", f"http://127.0.0.1:{daemon.port}")
    assert done.returncode == 1
    assert "nobody" in done.stderr


def test_providers_lists_name_type_and_status(daemon: Daemon) -> None:
    done = _run("providers", "--url", f"http://127.0.0.1:{daemon.port}")
    assert done.returncode == 0
    assert {"one", "openai_compatible"} <= set(done.stdout.split())


def test_health_tells_the_overall_status(daemon: Daemon) -> None:
    done = _run("health", environ={"CORTEX_URL": f"http://127.0.0.1:{daemon.port}"})
    assert done.stdout.splitlines()[0].endswith("providers available")


def test_tree_draws_every_branch(daemon: Daemon) -> None:
    done = _run("tree", "--url", f"http://127.0.0.1:{daemon.port}")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0] == "cortex  running"
    assert "│  └─ one  running" in lines
    assert lines[-1].startswith("└─ health  running")


def test_a_command_without_a_gateway_says_how_to_start_one() -> None:
    done = _run("health", "--url", refused_url())
    assert done.returncode == 1
    assert "cortex serve" in done.stderr


def test_an_unknown_command_is_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["sing"])
    assert exit_.value.code == 2
    assert "sing" in capsys.readouterr().err


def test_a_redis_without_its_client_is_told_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CORTEX_REDIS__URL", "redis://127.0.0.1")
    monkeypatch.setattr("cortex_actors.cli.find_spec", lambda name: None)
    assert main(["check-config"]) == 2
    assert "pip install 'cortex-actors[redis]'" in capsys.readouterr().err
