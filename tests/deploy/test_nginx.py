"""A real nginx before the real daemon: it holds nothing back, invents no end, hides a change of instances."""

from __future__ import annotations

import os
import re
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from cortex_actors.settings import Limits, ServerSettings
from tests.deploy import CONFIG
from tests.deploy.nginx import Nginx
from tests.live.caller import PATIENCE
from tests.live.conftest import Launch
from tests.live.daemon import Daemon, chat, wait_until
from tests.live.framings import SSE, TEXT, Framing
from tests.live.settings_file import provider, settings
from tests.upstream import Gate, Hang, Reset, ScriptedUpstream, json_answer, openai_stream

pytestmark = pytest.mark.needs("nginx")

#: The settings of an instance with signs of life soon enough for a test, in seconds.
HEARTBEAT = 0.2
TICK = ": still there\n\n"

#: Callers behind a proxy are not exempt, as those are that come from this machine directly.
UNHURRIED = {"requests_per_minute": 0}


@dataclass(frozen=True)
class Site:
    """nginx and the two instances behind it."""

    nginx: Nginx
    instances: tuple[Daemon, Daemon]


@pytest.fixture(scope="module")
def site(mode: str, upstream: ScriptedUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    text = settings(
        provider("one", upstream.url),
        server={"heartbeat": HEARTBEAT},
        rate_limits=UNHURRIED,
    )
    with ExitStack() as stack:
        first, second = (
            stack.enter_context(Daemon(text, tmp_path_factory.mktemp("daemon"), mode=mode)) for _ in range(2)
        )
        nginx = stack.enter_context(Nginx(tmp_path_factory.mktemp("nginx"), first.port, second.port))
        yield Site(nginx, (first, second))
        for each in (first, second):
            each.assert_no_traceback()


@pytest.fixture
def nginx(site: Site) -> Nginx:
    return site.nginx


def test_nginx_accepts_the_file_as_it_is(tmp_path: Path) -> None:
    done = Nginx(tmp_path, 4000, 4001).check()

    assert done.returncode == 0, done.stderr
    assert "[warn]" not in done.stderr


def test_the_limits_of_nginx_are_those_of_the_gateway_or_wider() -> None:
    text = (CONFIG / "nginx.conf").read_text(encoding="utf-8")
    server = ServerSettings()

    def seconds(directive: str) -> float:
        found = re.search(rf"^ *{directive} (\d+)s;", text, re.MULTILINE)
        assert found is not None, directive
        return float(found[1])

    assert f"client_max_body_size {server.max_body_bytes // 2**20}m;" in text
    assert seconds("client_body_timeout") == server.body_timeout
    assert seconds("send_timeout") == server.write_timeout
    assert seconds("proxy_read_timeout") > Limits().total


def test_the_first_words_arrive_while_the_last_are_still_being_made(
    nginx: Nginx, upstream: ScriptedUpstream, model: str, framing: Framing
) -> None:
    gates = [threading.Event() for _ in range(2)]
    upstream.on_model(
        model, openai_stream(["Uno", " dos", " tres"]).pause(1, Gate(gates[0])).pause(2, Gate(gates[1]))
    )

    answer = nginx.stream(chat(model=model), framing.accept)
    for word, gate in zip(("Uno", "dos"), gates, strict=True):
        answer.read_until(word)  # would wait for ever if it were held back until the gate opens
        gate.set()

    framing.assert_complete(answer, "Uno dos tres")


def test_signs_of_life_carry_a_stream_over_a_silence_longer_than_nginx_waits(
    site: Site, upstream: ScriptedUpstream, model: str, tmp_path: Path
) -> None:
    silence = threading.Event()
    upstream.on_model(model, openai_stream(["Ho", "la"]).pause(1, Gate(silence)))

    with Nginx(tmp_path, site.instances[0].port, proxy_read_timeout="1s") as nginx:
        answer = nginx.stream(chat(model=model), SSE.accept).read_until("Ho")
        answer.read_until(TICK * 8)
        silence.set()
        SSE.assert_complete(answer, "Hola")

    first, last = answer.arrivals[0][0], answer.arrivals[-1][0]
    assert last - first > 1.0, "the silence was no longer than proxy_read_timeout"


@pytest.mark.parametrize("words", [[], ["Ho"]], ids=["before the first word", "after it"])
def test_a_caller_that_leaves_is_noticed_upstream(
    site: Site, upstream: ScriptedUpstream, model: str, words: list[str]
) -> None:
    upstream.on_model(model, openai_stream(words, finish=None, done=False).then(Hang()))

    with site.nginx.connect() as connection:
        connection.ask("POST", "/api/chat", chat(model=model), {"Accept": SSE.accept})
        if words:
            connection.answer().read_until("Ho")
        wait_until(lambda: any(each.model == model for each in upstream.requests), "no request came")
        (request,) = (each for each in upstream.requests if each.model == model)
    # The caller has hung up.

    assert request.closed.wait(5.0), "the provider still works for nobody"
    wait_until(lambda: _running(site) == [0, 0], "the stream is still counted")


@pytest.mark.parametrize("how", [None, Reset()], ids=["FIN", "RST"])
def test_a_stream_that_breaks_off_does_not_look_like_one_that_ended(
    nginx: Nginx, upstream: ScriptedUpstream, model: str, framing: Framing, how: Reset | None
) -> None:
    stream = openai_stream(["Uno", " dos", " tres"])
    upstream.on_model(model, stream.cut(len(b"".join(stream.events[:2])), how))

    answer = nginx.stream(chat(model=model), framing.accept)

    framing.assert_failed(answer, "Uno dos", "truncated_stream")


def test_a_refusal_passes_with_its_status_and_its_words(
    nginx: Nginx, upstream: ScriptedUpstream, model: str
) -> None:
    upstream.on_model(model, json_answer(429, headers={"Retry-After": "60"}))

    answer = nginx.stream(chat(model=model)).read()

    assert (answer.status, answer.json["code"]) == (503, "upstream_rate_limited")
    assert int(answer.headers["Retry-After"]) >= 1
    asked = [each for each in upstream.requests if each.model == model]
    assert len(asked) <= 2, "each instance may ask once"


def test_one_connection_serves_stream_after_stream(
    nginx: Nginx, upstream: ScriptedUpstream, model: str, framing: Framing
) -> None:
    upstream.on_model(model, openai_stream(["Ho", "la"]))

    with nginx.connect() as connection:
        for _ in range(3):
            connection.ask("POST", "/api/chat", chat(model=model), {"Accept": framing.accept})
            framing.assert_complete(connection.answer(), "Hola")


def test_the_next_stream_goes_where_fewer_run(site: Site, upstream: ScriptedUpstream, model: str) -> None:
    release = threading.Event()
    upstream.on_model(f"{model}-held", openai_stream(["Ho", "la"]).pause(1, Gate(release)))
    upstream.on_model(model, openai_stream(["Ho", "la"]))

    held = []
    for _ in range(6):
        held.append(site.nginx.stream(chat(model=f"{model}-held")).read_until("Ho"))
        # In mere turns, these short ones would go to one instance, and all the long ones to the other.
        TEXT.assert_complete(site.nginx.stream(chat(model=model)), "Hola")
    running = _running(site)
    release.set()

    assert sum(running) == 6
    assert min(running) >= 2, running
    for answer in held:
        TEXT.assert_complete(answer, "Hola")


def test_what_each_instance_has_of_its_own_is_not_shown_to_callers(nginx: Nginx) -> None:
    inside = [
        "/livez",
        "/readyz",
        "/metrics",
        "/api/actors",
        "/api/actors/x",
        "/startupz",
        "/dashboard",
        "/dev/dashboard",
        "/api/streams",
        "/api/streams/x",
        "/api/events",
        "/api/dashboard/feed",
        "/api/admin/reload",
        "//metrics",
    ]

    assert {path: nginx.get(path).status for path in inside} == dict.fromkeys(inside, 404)
    assert nginx.get("/api/providers").status == 200


def test_an_instance_drains_without_a_failed_request(
    launch: Launch, upstream: ScriptedUpstream, model: str, tmp_path: Path
) -> None:
    going, staying = (
        launch(settings(provider("one", upstream.url), rate_limits=UNHURRIED)) for _ in range(2)
    )
    release = threading.Event()
    upstream.on_model(f"{model}-held", openai_stream(["Ho", "la"]).pause(1, Gate(release)))
    upstream.on_model(model, openai_stream(["Ho", "la"]))
    gone = threading.Thread(target=going.wait)

    with Nginx(tmp_path, going.port, staying.port) as nginx:

        def ask() -> None:
            TEXT.assert_complete(nginx.stream(chat(model=model)), "Hola")

        held = [nginx.stream(chat(model=f"{model}-held")).read_until("Ho") for _ in range(2)]
        going.terminate()
        going.wait_for_log("draining: 1 streams run")
        gone.start()
        for _ in range(20):
            ask()
        release.set()
        for answer in held:
            TEXT.assert_complete(answer, "Hola")
        while gone.is_alive():
            ask()
        for _ in range(20):
            ask()

    assert going.wait() == 0


def test_an_instance_that_dies_before_the_first_word_costs_nobody_an_answer(
    launch: Launch, upstream: ScriptedUpstream, model: str, tmp_path: Path
) -> None:
    instances = [launch(settings(provider("one", upstream.url))) for _ in range(2)]
    upstream.on_model(
        model, openai_stream([], finish=None, done=False).then(Hang()), openai_stream(["Ho", "la"])
    )

    with Nginx(tmp_path, *(each.port for each in instances)) as nginx, nginx.connect() as connection:
        connection.ask("POST", "/api/chat", chat(model=model))
        wait_until(lambda: any(each.model == model for each in upstream.requests), "no request came")
        (at_work,) = (each for each in instances if _running_on(each))
        os.kill(at_work.worker, signal.SIGKILL)

        TEXT.assert_complete(connection.answer(), "Hola")


def test_a_caller_cannot_forge_the_address_it_comes_from(tmp_path: Path) -> None:
    with ScriptedUpstream() as instance, Nginx(tmp_path, instance.port) as nginx:
        instance.default = json_answer(200, {})
        forged = {"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https", "Connection": "close"}

        assert nginx.get("/api/providers", forged).status == 200

        headers = instance.request(0, PATIENCE).headers
        assert headers["x-forwarded-for"] == "127.0.0.1"
        assert headers["x-forwarded-proto"] == "http"
        assert headers["host"] == "127.0.0.1"
        assert "connection" not in headers


def _running(site: Site) -> list[int]:
    return [_running_on(each) for each in site.instances]


def _running_on(instance: Daemon) -> int:
    found = re.search(r"^cortex_streams_running (\d+)", instance.get("/metrics").text, re.MULTILINE)
    assert found is not None
    return int(found[1])
