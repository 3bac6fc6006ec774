"""The Dockerfile and the compose file as they are: what they copy, who they run as, how long they wait."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from cortex_actors.errors import SettingsError
from cortex_actors.settings import ServerSettings, load
from tests.deploy import CONFIG, ROOT
from tests.deploy.test_systemd import LAST_PATIENCE
from tests.live.daemon import Daemon
from tests.upstream import refused_url


@pytest.fixture(scope="module")
def dockerfile() -> list[tuple[str, str]]:
    """Its instructions, each with its arguments."""
    lines = (CONFIG / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    words = (line.split(None, 1) for line in lines if line and not line.startswith("#"))
    return [(name, rest) for name, rest in words]


def arguments(dockerfile: list[tuple[str, str]], instruction: str) -> list[str]:
    return [rest for name, rest in dockerfile if name == instruction]


def environment(dockerfile: list[tuple[str, str]]) -> dict[str, str]:
    (text,) = arguments(dockerfile, "ENV")
    return dict(pair.split("=", 1) for pair in shlex.split(text))


def settings_names(environ: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if name.startswith("CORTEX_")}


@pytest.fixture(scope="module")
def service() -> dict[str, Any]:
    compose = yaml.safe_load((CONFIG / "compose.yaml").read_text(encoding="utf-8"))
    found: dict[str, Any] = compose["services"]["cortex"]
    return found


def test_what_the_image_is_built_from_is_there_and_not_ignored(dockerfile: list[tuple[str, str]]) -> None:
    ignored = (CONFIG / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    copied = [text.split()[:-1] for text in arguments(dockerfile, "COPY") if not text.startswith("--from")]

    assert ignored[0] == "*"
    for name in (name for names in copied for name in names):
        assert (ROOT / name).exists(), name
        assert f"!{name}" in ignored, name


def test_the_image_that_runs_has_no_build_tools_and_is_not_root(dockerfile: list[tuple[str, str]]) -> None:
    *_, last = (number for number, (name, _) in enumerate(dockerfile) if name == "FROM")
    final = dockerfile[last:]

    assert last > 0, "one stage only"
    assert final[0][1].endswith("-slim")
    assert arguments(final, "RUN") == []
    (user,) = arguments(final, "USER")
    assert all(part.isdecimal() and int(part) > 0 for part in user.split(":"))


def test_signals_reach_the_gateway_and_no_shell(dockerfile: list[tuple[str, str]]) -> None:
    (entrypoint,), (command,) = arguments(dockerfile, "ENTRYPOINT"), arguments(dockerfile, "CMD")

    assert [*json.loads(entrypoint), *json.loads(command)] == ["cortex", "serve"]


def test_the_image_listens_on_the_port_it_exposes(dockerfile: list[tuple[str, str]]) -> None:
    allowed = {"CORTEX_AUTH__ALLOW_ANONYMOUS": "true"}
    server = load(None, settings_names(environment(dockerfile)) | allowed).server

    assert (server.host, [str(server.port)]) == ("0.0.0.0", arguments(dockerfile, "EXPOSE"))


def test_the_image_serves_nobody_until_somebody_says_whom(dockerfile: list[tuple[str, str]]) -> None:
    with pytest.raises(SettingsError, match=r"server\.host .* no caller has a key"):
        load(None, settings_names(environment(dockerfile)))


def test_the_health_check_tells_a_gateway_from_none(
    dockerfile: list[tuple[str, str]], tmp_path: Path
) -> None:
    (text,) = arguments(dockerfile, "HEALTHCHECK")
    _, *check = json.loads(text.partition("CMD ")[2])

    def healthy(port: int) -> bool:
        environ = {**os.environ, "CORTEX_SERVER__PORT": str(port)}
        done = subprocess.run(
            [sys.executable, *check], env=environ, capture_output=True, timeout=60, check=False
        )
        return done.returncode == 0

    with Daemon("", tmp_path, mode="threads") as daemon:
        assert healthy(daemon.port)
    assert not healthy(urlsplit(refused_url()).port or 0)


def test_compose_builds_the_image_of_this_repository(service: dict[str, Any]) -> None:
    context = CONFIG / service["build"]["context"]

    assert context.resolve() == ROOT
    assert (context / service["build"]["dockerfile"]).resolve() == CONFIG / "Dockerfile"


def test_compose_starts_without_a_file_of_keys(
    service: dict[str, Any], dockerfile: list[tuple[str, str]]
) -> None:
    assert service["env_file"] == [{"path": "keys.env", "required": False}]
    settings = load(None, settings_names(environment(dockerfile)) | service["environment"])
    assert settings.demo
    assert settings.rate_limits.requests_per_minute == 0


def test_compose_leaves_a_drain_its_time(service: dict[str, Any]) -> None:
    assert service["init"] is True
    assert (
        float(service["stop_grace_period"].removesuffix("s")) > ServerSettings().drain_timeout + LAST_PATIENCE
    )


def test_compose_opens_the_gateway_to_this_machine_alone(service: dict[str, Any]) -> None:
    assert service["ports"] == ["127.0.0.1:4000:4000"]


def test_compose_gives_the_gateway_no_rights_it_does_not_need(service: dict[str, Any]) -> None:
    assert service["read_only"] is True
    assert service["tmpfs"] == ["/tmp"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["ulimits"]["nofile"] > 4 * ServerSettings().max_streams
    assert service["pids_limit"] > 3 * ServerSettings().max_streams
