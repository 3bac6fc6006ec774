"""Callers behind a real nginx are told apart by what nginx says of them, and by nothing they say."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.deploy.nginx import Nginx
from tests.live.conftest import Launch
from tests.live.settings_file import provider, settings
from tests.upstream import ScriptedUpstream, openai_stream

pytestmark = pytest.mark.needs("nginx")

ASK = {"messages": [{"role": "user", "content": "Hi"}]}


def statuses(nginx: Nginx, *forwarded: str) -> list[int]:
    found = []
    for said in forwarded:
        with nginx.connect() as connection:
            connection.ask("POST", "/api/chat/complete", ASK, {"X-Forwarded-For": said})
            found.append(connection.answer().read().status)
    return found


def test_a_caller_cannot_pass_for_another(launch: Launch, upstream: ScriptedUpstream, tmp_path: Path) -> None:
    upstream.default = openai_stream(["Ho", "la"])
    limited = settings(
        provider("one", upstream.url),
        server={"trusted_proxies": 1},
        rate_limits={"requests_per_minute": 3},
    )
    with Nginx(tmp_path, launch(limited).port) as nginx:
        spoofed = statuses(nginx, "203.0.113.1", "203.0.113.2", "203.0.113.3, 127.0.0.9", "garbage", "::1")

    assert spoofed == [200, 200, 200, 429, 429]
