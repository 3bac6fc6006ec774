"""Orders of an operator at the running daemon: what they do, what they never cut, which line they leave."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.live.caller import Answer
from tests.live.conftest import Launch
from tests.live.daemon import Daemon, chat, wait_until
from tests.live.framings import ALL, SSE, TEXT, Framing
from tests.live.settings_file import provider, settings
from tests.upstream import Gate, Hang, ScriptedUpstream, json_answer, openai_stream
from tests.web.keys import ADMIN, ALICE, bearer

AUDIT = " cortex_actors.audit "

#: Every actor that is there for longer than one request.
PERMANENT = (
    "health",
    "dispatchers",
    "router",
    "providers/one/prober",
    "providers/one/worker",
    "providers/one/streams",
    "providers/one",
    "providers",
    "watchdog",
    "registry",
)

#: Whoever the gateway cannot do without.
NEEDED = ("cortex", *(name for name in PERMANENT if name not in ("health", "providers/one/prober")))


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """What gated streams wait for; open at the end, whatever happens."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def callers() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def daemon(launch: Launch, upstream: ScriptedUpstream, spare: ScriptedUpstream) -> Iterator[Daemon]:
    """Two providers, and an admin token."""
    both = (provider("one", upstream.url, priority=1), provider("two", spare.url, priority=2))
    daemon = launch(settings(*both), environ={"CORTEX_ADMIN__TOKEN": ADMIN})
    yield daemon
    daemon.assert_no_traceback()


def order(
    daemon: Daemon, path: str, body: object = None, method: str = "POST", key: str | None = ADMIN
) -> Answer:
    """What becomes of an order."""
    with daemon.connect() as connection:
        headers = bearer(key) if key else {}
        connection.ask(method, f"/api/admin/{path}", body, headers)
        return connection.answer().read()


def done(answer: Answer, status: int = 200) -> Any:
    assert answer.status == status, answer.text
    return answer.json


def audit(daemon: Daemon, number: int = 1) -> str:
    """The line of this number."""
    return daemon.wait_for_log(AUDIT, number)


def actor(daemon: Daemon, name: str) -> dict[str, Any]:
    found: dict[str, Any] = daemon.get(f"/api/actors/{name}").json["actor"]
    return found


def view(daemon: Daemon, name: str) -> dict[str, Any]:
    """A provider in all detail."""
    listed = daemon.get("/api/providers?detailed=true").json["providers"]
    (found,) = (each for each in listed if each["name"] == name)
    return dict(found)


def begun(daemon: Daemon, callers: ExitStack, **fields: Any) -> list[tuple[Framing, Answer]]:
    """A stream in each framing that has said "Uno"."""
    running = []
    for framing in ALL:
        connection = callers.enter_context(daemon.connect())
        connection.ask("POST", "/api/chat", chat(**fields), {"Accept": framing.accept})
        running.append((framing, connection.answer().read_until("Uno")))
    return running


# -- who may


def test_nobody_gives_orders_where_no_token_is_configured(launch: Launch, upstream: ScriptedUpstream) -> None:
    daemon = launch(settings(provider("one", upstream.url)))
    for key in (None, ADMIN):
        assert order(daemon, "reload", key=key).status == 403
    assert "who=nobody" in audit(daemon)


def test_whoever_has_another_key_or_none_is_turned_away_and_written_down(daemon: Daemon) -> None:
    for key in (None, ALICE):
        assert order(daemon, "providers/one/drain", key=key).status == 401
    line = audit(daemon, 2)
    assert "who=nobody" in line
    assert 'action="POST /api/admin/providers/one/drain"' in line
    assert ALICE not in "".join(daemon.log)
    assert view(daemon, "one")["draining"] is False


def test_the_right_token_is_never_in_the_log(daemon: Daemon) -> None:
    done(order(daemon, "stacks"))
    audit(daemon)
    assert ADMIN not in "".join(daemon.log)


# -- actors


def test_any_actor_is_restarted_while_streams_run_and_none_is_cut(
    daemon: Daemon,
    upstream: ScriptedUpstream,
    model: str,
    gate: threading.Event,
    callers: ExitStack,
) -> None:
    upstream.on_model(model, openai_stream(["Uno", " dos"]).pause(1, Gate(gate)))
    running = begun(daemon, callers, model=model)

    for name in PERMANENT:
        before = actor(daemon, name)["generation"]
        told = done(order(daemon, f"actors/{name}/restart"))
        assert (told["result"], told["actor"]["name"]) == ("restarted", name)
        assert told["actor"]["generation"] == before + 1
        assert told["actor"]["state"] == "running"

    gate.set()
    for framing, answer in running:
        framing.assert_complete(answer, "Uno dos")
    assert actor(daemon, "cortex")["restarts_in_period"] == 0, "an order counts as no failure"
    upstream.on_model(model, openai_stream(["Ho", "la"]))
    TEXT.assert_complete(daemon.stream(chat(model=model)), "Hola")
    assert len(daemon.lines("action=restart")) == len(PERMANENT)


@pytest.mark.parametrize("name", NEEDED)
def test_whoever_is_needed_is_not_terminated_and_the_reason_is_told(daemon: Daemon, name: str) -> None:
    refused = order(daemon, f"actors/{name}/terminate")

    assert (refused.status, refused.json["code"]) == (409, "conflict")
    assert name in refused.json["details"]
    assert actor(daemon, name)["state"] == "running"


def test_an_actor_that_was_terminated_stays_away_until_it_is_restarted(daemon: Daemon) -> None:
    told = done(order(daemon, "actors/health/terminate"))
    assert (told["result"], told["actor"]["state"]) == ("terminated", "stopped")
    assert actor(daemon, "health")["state"] == "stopped"

    assert done(order(daemon, "actors/health/restart"))["actor"]["state"] == "running"


def test_an_actor_of_one_request_is_terminated_and_not_restarted(
    daemon: Daemon, upstream: ScriptedUpstream, model: str, callers: ExitStack
) -> None:
    upstream.on_model(model, openai_stream(["Uno"]).pause(1, Hang()))
    running = begun(daemon, callers, model=model)
    listed = daemon.get("/api/streams").json["streams"]

    assert order(daemon, f"actors/{listed[0]['actor']}/restart").status == 409
    for stream in listed:
        done(order(daemon, f"actors/{stream['actor']}/terminate"))

    for framing, answer in running:
        framing.assert_failed(answer, "Uno", "gateway_draining")


def test_an_actor_that_is_not_there_is_a_404_with_near_names(daemon: Daemon) -> None:
    refused = order(daemon, "actors/providers/one/worke/restart")
    assert refused.status == 404
    assert "providers/one/worker" in refused.json["details"]


# -- settings


@pytest.mark.parametrize("path", ["reload", "workers/reload"])
def test_the_settings_are_read_again(daemon: Daemon, upstream: ScriptedUpstream, path: str) -> None:
    text = daemon.file.read_text()
    daemon.file.write_text(
        text + f'[[providers]]\nname = "new"\ntype = "ollama"\nbase_url = "{upstream.url}"\n'
    )

    told = done(order(daemon, path))

    assert told == {
        "result": "applied",
        "added": ["new"],
        "removed": [],
        "changed": [],
        "settings": [],
        "next_start": [],
    }
    assert view(daemon, "new")["type"] == "ollama"
    assert "who=admin" in audit(daemon)
    assert done(order(daemon, path))["result"] == "unchanged"


def test_settings_with_mistakes_are_refused_with_all_of_them(daemon: Daemon) -> None:
    daemon.file.write_text("[server]\nprot = 1\n[routing]\nstrategy = 'luck'\n")

    refused = order(daemon, "reload")

    assert (refused.status, refused.json["code"]) == (400, "settings_refused")
    assert "did you mean port?" in refused.json["details"]
    assert "routing.strategy must be" in refused.json["details"]
    assert [each["name"] for each in daemon.get("/api/providers").json["providers"]] == ["one", "two"]
    assert "settings_refused" in audit(daemon)


# -- providers


def test_a_provider_is_added_asked_and_removed_while_its_stream_runs(
    daemon: Daemon,
    upstream: ScriptedUpstream,
    spare: ScriptedUpstream,
    model: str,
    gate: threading.Event,
    callers: ExitStack,
) -> None:
    spare.on_model(model, openai_stream(["Uno", " dos"]).pause(1, Gate(gate)))
    table = {
        "name": "third",
        "type": "openai_compatible",
        "base_url": spare.url,
        "model": model,
        "priority": 3,
    }
    assert done(order(daemon, "providers", table), 201)["provider"]["name"] == "third"
    running = begun(daemon, callers, model=model, provider="third")

    told = done(order(daemon, "workers/third", method="DELETE"))
    assert told == {"result": "removed", "provider": "third", "streams": len(ALL)}
    assert daemon.post("/api/chat", chat(provider="third")).status == 404

    gate.set()
    for framing, answer in running:
        framing.assert_complete(answer, "Uno dos")
    wait_until(lambda: daemon.get("/api/actors/providers/third").status == 404, "its actors are still there")
    assert order(daemon, "providers/third", method="DELETE").status == 404


def test_what_was_added_by_hand_lasts_until_the_next_reload(daemon: Daemon, spare: ScriptedUpstream) -> None:
    table = {"name": "third", "type": "ollama", "base_url": spare.url}
    done(order(daemon, "providers", table), 201)
    done(order(daemon, "providers/two", method="DELETE"))

    told = done(order(daemon, "reload"))

    assert (told["added"], told["removed"]) == (["two"], ["third"])


@pytest.mark.parametrize(
    ("table", "field", "told"),
    [
        ({"name": "x", "type": "ollama", "base_ur": "http://x"}, "base_ur", "did you mean base_url?"),
        ({"name": "x", "type": "ollama", "priority": "high"}, "priority", "must be a whole number"),
        (
            {"name": "x", "type": "openai_compatible", "api_key": "sk-CANARY"},
            "api_key",
            "keys are never read",
        ),
        ({"name": "x", "type": "ollama", "enabled": False}, "enabled", "is used"),
        ({"name": "x", "type": "abacus"}, "type", "must be one of"),
        ({}, None, "needs a name"),
    ],
)
def test_a_table_with_a_mistake_names_its_field(
    daemon: Daemon, table: dict[str, Any], field: str | None, told: str
) -> None:
    refused = order(daemon, "providers", table)

    assert refused.status == 400
    assert told in refused.json["details"]
    assert refused.json.get("field") == field
    assert "CANARY" not in "".join(daemon.log) + refused.text


def test_a_name_that_is_taken_is_a_conflict(daemon: Daemon, spare: ScriptedUpstream) -> None:
    table = {"name": "one", "type": "ollama", "base_url": spare.url}
    assert order(daemon, "providers", table).status == 409


def test_a_provider_that_drains_finishes_its_streams_and_is_not_asked_until_it_is_undrained(
    daemon: Daemon,
    upstream: ScriptedUpstream,
    spare: ScriptedUpstream,
    model: str,
    gate: threading.Event,
    callers: ExitStack,
) -> None:
    upstream.on_model(model, openai_stream(["Uno", " dos"]).pause(1, Gate(gate)))
    spare.on_model(model, openai_stream(["Ho", "la"]))
    running = begun(daemon, callers, model=model)

    assert done(order(daemon, "providers/one/drain")) == {
        "result": "draining",
        "provider": "one",
        "streams": len(ALL),
    }
    assert view(daemon, "one")["draining"] is True
    other = daemon.stream(chat(model=model))
    TEXT.assert_complete(other, "Hola")
    assert other.headers["X-Cortex-Provider"] == "two"
    alone = daemon.post("/api/chat", chat(model=model, provider="one"))
    assert (alone.status, alone.json["code"]) == (503, "no_workers_available")
    daemon.hang_up()
    daemon.wait_for_log("settings reloaded: nothing")
    assert view(daemon, "one")["draining"] is True, "a reload does not lift it"

    done(order(daemon, "providers/one/undrain"))
    gate.set()
    for framing, answer in running:
        framing.assert_complete(answer, "Uno dos")
    back = daemon.stream(chat(model=model))
    assert back.headers["X-Cortex-Provider"] == "one"
    back.read()


def test_a_breaker_is_forced_open_and_closed_and_left_to_itself_again(
    daemon: Daemon, upstream: ScriptedUpstream, spare: ScriptedUpstream, model: str
) -> None:
    upstream.on_model(model, openai_stream(["Ho", "la"]))
    spare.on_model(model, openai_stream(["Ho", "la"]))

    def answers() -> str | None:
        answer = daemon.stream(chat(model=model))
        TEXT.assert_complete(answer, "Hola")
        return answer.headers["X-Cortex-Provider"]

    told = done(order(daemon, "providers/one/breaker", {"mode": "open"}))
    assert told == {"result": "open", "provider": "one", "model": None, "state": "open"}
    assert answers() == "two"
    done(order(daemon, "actors/providers/one/worker/restart"))
    assert answers() == "two", "an order outlives the worker that obeyed it"

    assert done(order(daemon, "providers/one/breaker", {"mode": "auto"}))["state"] == "closed"
    assert answers() == "one"
    done(order(daemon, "providers/one/breaker", {"mode": "open", "model": model}))
    assert answers() == "two"
    breakers = {each["model"]: each["mode"] for each in view(daemon, "one")["breakers"]}
    assert (breakers[None], breakers[model]) == ("auto", "open")
    done(order(daemon, "providers/one/breaker", {"mode": "closed", "model": model}))
    assert answers() == "one"


@pytest.mark.parametrize(
    ("body", "field"),
    [({}, "mode"), ({"mode": "ajar"}, "mode"), ({"mode": "open", "model": 7}, "model"), ({"mod": 1}, "mod")],
)
def test_an_order_with_a_mistake_names_its_field(daemon: Daemon, body: object, field: str) -> None:
    refused = order(daemon, "providers/one/breaker", body)

    assert (refused.status, refused.json["field"]) == (400, field)
    assert "invalid_request" in audit(daemon)


def test_a_key_that_was_refused_is_good_again_when_an_operator_says_so(
    launch: Launch, upstream: ScriptedUpstream, model: str
) -> None:
    upstream.on_model(model, json_answer(401), openai_stream(["Ho", "la"]))
    daemon = launch(
        settings(provider("one", upstream.url, keys_env="ONE_KEYS")),
        environ={"CORTEX_ADMIN__TOKEN": ADMIN, "ONE_KEYS": "sk-CANARY-the-only-key"},
    )
    assert daemon.post("/api/chat", chat(model=model)).status == 502
    assert daemon.post("/api/chat", chat(model=model)).status == 503
    (key,) = view(daemon, "one")["keys"]
    assert key["state"] == "disabled"

    wrong = order(daemon, "providers/one/unblock", {"key": "sk-CANARY-the-only-key"})
    assert (wrong.status, wrong.json["field"]) == (400, "key")
    assert order(daemon, "providers/one/unblock", {"key": "00000000"}).status == 404
    assert done(order(daemon, "providers/one/unblock", {"key": key["id"]}))["key"] == key["id"]

    TEXT.assert_complete(daemon.stream(chat(model=model)), "Hola")
    assert f"target=one/{key['id']}" in audit(daemon, 3)
    assert "CANARY" not in "".join(daemon.log) + wrong.text


# -- streams and stacks


def test_a_stream_is_cancelled_its_caller_told_and_its_upstream_freed(
    daemon: Daemon, upstream: ScriptedUpstream, model: str, callers: ExitStack
) -> None:
    upstream.on_model(model, openai_stream(["Uno"]).pause(1, Hang()))
    running = begun(daemon, callers, model=model)

    for stream in daemon.get("/api/streams").json["streams"]:
        assert done(order(daemon, f"streams/{stream['id']}/cancel"))["stream"] == stream["id"]

    for framing, answer in running:
        framing.assert_failed(answer, "Uno", "ended_by_operator")
    for request in upstream.requests:
        if request.model == model:
            assert request.closed.wait(10)
    assert len(daemon.lines(" ended as shed ")) == len(ALL)
    assert order(daemon, f"streams/{stream['id']}/cancel").status == 404


def test_a_request_that_waits_for_its_first_word_is_cancelled_by_its_status(
    daemon: Daemon, upstream: ScriptedUpstream, model: str, callers: ExitStack
) -> None:
    upstream.on_model(model, [Hang()])
    connection = callers.enter_context(daemon.connect())
    connection.ask("POST", "/api/chat", chat(model=model))
    assert upstream.wait_for(lambda: any(each.model == model for each in upstream.requests))

    (stream,) = daemon.get("/api/streams").json["streams"]
    done(order(daemon, f"streams/{stream['id']}/cancel"))

    answer = connection.answer().read()
    assert (answer.status, answer.json["code"]) == (503, "ended_by_operator")


def test_a_stream_without_readers_is_cancelled_too(
    daemon: Daemon, upstream: ScriptedUpstream, model: str
) -> None:
    upstream.on_model(model, openai_stream(["Uno"]).pause(1, Hang()))
    with daemon.connect() as connection:
        connection.ask("POST", "/api/chat", chat(model=model, resumable=True), {"Accept": SSE.accept})
        connection.answer().read_until("Uno")
    (stream,) = daemon.get("/api/streams").json["streams"]

    done(order(daemon, f"streams/{stream['id']}/cancel"))

    wait_until(lambda: daemon.get("/api/streams").json["total"] == 0, "it still runs")
    (request,) = (each for each in upstream.requests if each.model == model)
    assert request.closed.wait(10)


def test_stacks_tell_where_everything_stands(daemon: Daemon) -> None:
    stacks = done(order(daemon, "stacks"))["stacks"]
    assert {"providers/one/worker", "router"} <= {each["name"] for each in stacks}
    assert any(frame["file"].endswith("otp/mailbox.py") for each in stacks for frame in each["frames"])


# -- orders that are none


def test_an_order_that_nobody_knows_is_a_404_and_a_line(daemon: Daemon) -> None:
    assert order(daemon, "frobnicate").status == 404
    assert 'action="POST /api/admin/frobnicate"' in audit(daemon)


def test_an_order_by_another_method_names_the_right_one(daemon: Daemon) -> None:
    refused = order(daemon, "reload", method="DELETE")
    assert (refused.status, refused.headers["Allow"]) == (405, "POST")
    assert order(daemon, "reload", method="GET").status == 405


def test_orders_are_events_too(daemon: Daemon) -> None:
    done(order(daemon, "providers/one/drain"))
    order(daemon, "providers/nobody/drain")
    events = daemon.get("/api/events?kinds=admin").json["events"]
    assert [(each["subject"], each["fields"]["action"], each["level"]) for each in events] == [
        ("one", "drain", "info"),
        ("nobody", "drain", "warning"),
    ]
