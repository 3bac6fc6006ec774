"""Keys at the running daemon: with the clients people use, over the command line, and in no log."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

from cortex_actors.settings.caller_keys import digest_of
from cortex_actors.settings.toml_text import toml_value
from tests.live.caller import Answer
from tests.live.daemon import ROOT, Daemon, chat
from tests.live.settings_file import provider, settings
from tests.upstream import ScriptedUpstream, json_answer, openai_stream
from tests.web.keys import ADMIN, ALICE, OPERATOR, bearer

#: May have the first provider alone.
BOB = "sk-cortex-bob-CANARY-0123456789abcdef0123456789"

#: Two requests a minute.
HURRIED = "sk-cortex-hurried-CANARY-0123456789abcdef012345"

HELLO: Any = {"messages": [{"role": "user", "content": "Hi"}]}


def table(name: str, key: str, **keys: object) -> str:
    """A caller as `cortex keys new` prints it, and more."""
    lines = {"name": name, "key_sha256": digest_of(key), "requests_per_minute": 0, **keys}
    return "\n".join(["[[callers]]", *(f"{name} = {toml_value(value)}" for name, value in lines.items()), ""])


def locked(upstream: ScriptedUpstream, spare: ScriptedUpstream) -> str:
    """The settings of a gateway whose callers have keys."""
    return "".join(
        (
            settings(
                provider("one", upstream.url, priority=1, models=["only-one", "both"]),
                provider("two", spare.url, priority=2, models=["only-two", "both"]),
            ),
            table("alice", ALICE),
            table("ops", OPERATOR, operator=True),
            table("bob", BOB, providers=["one"]),
            table("hurried", HURRIED, requests_per_minute=2),
        )
    )


@pytest.fixture(scope="module")
def daemon(
    mode: str,
    upstream: ScriptedUpstream,
    spare: ScriptedUpstream,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Daemon]:
    upstream.default = spare.default = openai_stream(["Ho", "la"], usage=(9, 2))
    folder = tmp_path_factory.mktemp("daemon")
    environ = {"CORTEX_ADMIN__TOKEN": ADMIN}
    with Daemon(locked(upstream, spare), folder, mode=mode, environ=environ) as daemon:
        yield daemon
        daemon.terminate()
        assert daemon.wait() == 0
        daemon.assert_no_traceback()
        log = "".join(daemon.log)
        for key in (ALICE, OPERATOR, ADMIN, BOB, HURRIED, "CANARY"):
            assert key not in log


def openai_client(daemon: Daemon, key: str) -> openai.OpenAI:
    return openai.OpenAI(
        base_url=f"http://127.0.0.1:{daemon.port}/v1", api_key=key, max_retries=0, timeout=20.0
    )


def anthropic_client(daemon: Daemon, **key: str) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=f"http://127.0.0.1:{daemon.port}", max_retries=0, timeout=20.0, **key)


def asked(daemon: Daemon, method: str, path: str, key: str = "", body: object = None) -> Answer:
    with daemon.connect() as connection:
        connection.ask(method, path, body, bearer(key) if key else {})
        return connection.answer().read()


# -- the clients of OpenAI and Anthropic


def test_a_good_key_gets_an_answer_from_both_clients(daemon: Daemon) -> None:
    completion = openai_client(daemon, ALICE).chat.completions.create(model="both", **HELLO)
    assert completion.choices[0].message.content == "Hola"
    message = anthropic_client(daemon, api_key=ALICE).messages.create(model="both", max_tokens=9, **HELLO)
    assert message.content[0].text == "Hola"  # type: ignore[union-attr]
    token = anthropic_client(daemon, auth_token=ALICE).messages.create(model="both", max_tokens=9, **HELLO)
    assert token.content[0].text == "Hola"  # type: ignore[union-attr]


def test_a_wrong_key_is_an_authentication_error_to_both(daemon: Daemon) -> None:
    with pytest.raises(openai.AuthenticationError) as heard:
        openai_client(daemon, "sk-wrong-CANARY").chat.completions.create(model="both", **HELLO)
    assert heard.value.code == "invalid_api_key"
    assert "CANARY" not in str(heard.value)
    with pytest.raises(anthropic.AuthenticationError) as also:
        anthropic_client(daemon, api_key="sk-wrong-CANARY").messages.create(
            model="both", max_tokens=9, **HELLO
        )
    assert also.value.body["error"]["type"] == "authentication_error"  # type: ignore[index]


@pytest.mark.parametrize("stream", [False, True])
def test_a_model_of_others_is_a_permission_error_to_both(daemon: Daemon, stream: bool) -> None:
    with pytest.raises(openai.PermissionDeniedError):
        openai_client(daemon, BOB).chat.completions.create(model="only-two", stream=stream, **HELLO)
    with pytest.raises(anthropic.PermissionDeniedError):
        anthropic_client(daemon, api_key=BOB).messages.create(
            model="only-two", max_tokens=9, stream=stream, **HELLO
        )


def test_too_many_requests_are_a_rate_limit_error_to_both(daemon: Daemon) -> None:
    client = openai_client(daemon, HURRIED)
    for _ in range(2):
        client.chat.completions.create(model="both", **HELLO)
    with pytest.raises(openai.RateLimitError) as heard:
        client.chat.completions.create(model="both", **HELLO)
    assert heard.value.response.headers["x-ratelimit-remaining"] == "0"
    assert 1 <= int(heard.value.response.headers["retry-after"]) <= 62
    with pytest.raises(anthropic.RateLimitError):
        anthropic_client(daemon, api_key=HURRIED).messages.create(model="both", max_tokens=9, **HELLO)


def test_the_list_of_models_is_that_of_the_key(daemon: Daemon) -> None:
    assert {"only-one", "only-two", "both"} <= {
        each.id for each in openai_client(daemon, ALICE).models.list()
    }
    listed = {each.id for each in openai_client(daemon, BOB).models.list()}
    assert {"only-one", "both"} <= listed
    assert "only-two" not in listed
    with pytest.raises(openai.PermissionDeniedError):
        openai_client(daemon, BOB).models.retrieve("only-two")


def test_a_provider_that_fails_is_not_followed_by_one_that_the_key_may_not_have(
    daemon: Daemon, upstream: ScriptedUpstream, spare: ScriptedUpstream, model: str
) -> None:
    upstream.on_model("both", json_answer(500))
    before = len(spare.requests)
    try:
        for name in ("both", "auto", "one/both"):
            upstream.on_model("usual", json_answer(500))
            with pytest.raises(openai.InternalServerError):
                openai_client(daemon, BOB).chat.completions.create(model=name, **HELLO)
        assert len(spare.requests) == before
        completion = openai_client(daemon, ALICE).chat.completions.create(model="both", **HELLO)
        assert completion.choices[0].message.content == "Hola"
        assert len(spare.requests) == before + 1
    finally:
        for name in ("both", "usual"):
            upstream.on_model(name, openai_stream(["Ho", "la"], usage=(9, 2)))


# -- paths


@pytest.mark.parametrize("path", ["/", "/livez", "/readyz"])
def test_probes_need_no_key(daemon: Daemon, path: str) -> None:
    assert asked(daemon, "GET", path).status == 200


def test_the_inside_is_for_operators(daemon: Daemon) -> None:
    for path in ("/api/actors", "/metrics"):
        assert [asked(daemon, "GET", path, key).status for key in ("", ALICE, OPERATOR, ADMIN)] == [
            401,
            403,
            200,
            200,
        ]


def test_admin_paths_are_for_the_admin(daemon: Daemon) -> None:
    assert asked(daemon, "POST", "/api/admin/reload").status == 401
    assert asked(daemon, "POST", "/api/admin/reload", "wrong").status == 401
    assert asked(daemon, "POST", "/api/admin/reload", OPERATOR).status == 403


def test_a_body_with_no_key_is_not_waited_for(daemon: Daemon) -> None:
    with daemon.connect() as connection:
        connection.sock.sendall(b"POST /api/chat HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n{")
        assert connection.sock.recv(65536).startswith(b"HTTP/1.1 401 ")


def test_a_header_with_underscores_is_no_key(daemon: Daemon) -> None:
    """X_Api_Key and X-Api-Key are one name to WSGI; a proxy that checks the one lets the other through."""
    with daemon.connect() as connection:
        connection.sock.sendall(
            b"GET /v1/models HTTP/1.1\r\nHost: a\r\nX_Api_Key: " + ALICE.encode() + b"\r\n\r\n"
        )
        assert connection.sock.recv(65536).startswith((b"HTTP/1.1 401 ", b"HTTP/1.1 400 "))


# -- the command line


def cortex(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [str(Path(sys.executable).with_name("cortex")), *arguments],
        env=inherited | environ, capture_output=True, text=True, timeout=60, check=False, cwd=ROOT,
    )  # fmt: skip


def test_commands_show_the_key_of_the_environment(daemon: Daemon) -> None:
    url = {"CORTEX_URL": f"http://127.0.0.1:{daemon.port}"}
    assert cortex("providers", **url).returncode == 1
    assert cortex("providers", **url, CORTEX_API_KEY=ALICE).returncode == 0
    assert cortex("tree", **url, CORTEX_API_KEY=ALICE).returncode == 1
    assert "router" in cortex("tree", **url, CORTEX_API_KEY=OPERATOR).stdout
    assert "Hola" in cortex("chat", "Hi", **url, CORTEX_API_KEY=ALICE).stdout


def test_a_gateway_that_others_could_reach_does_not_start_without_keys() -> None:
    done = cortex("serve", "--host", "0.0.0.0", "--port", "0")
    assert done.returncode == 2
    assert "server.host (0.0.0.0) is within reach of other machines" in done.stderr
    checked = cortex("check-config", CORTEX_SERVER__HOST="0.0.0.0", CORTEX_AUTH__ALLOW_ANONYMOUS="true")
    assert checked.returncode == 0


def test_nobody_needs_a_key_on_a_machine_of_ones_own(mode: str, tmp_path: Path) -> None:
    with Daemon("", tmp_path, mode=mode) as daemon:
        assert daemon.post("/api/chat", chat()).status == 200
        assert daemon.get("/api/actors").status == 200
        assert asked(daemon, "POST", "/api/admin/reload", ADMIN).status == 403
        with ThreadPoolExecutor(70) as callers:
            answers = callers.map(lambda _: daemon.post("/api/chat/complete", chat()).status, range(70))
        assert set(answers) == {200}  # and nobody is held back
