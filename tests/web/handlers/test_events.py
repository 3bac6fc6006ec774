"""GET /api/events and /api/dashboard/feed."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator

import pytest
from werkzeug.test import Client

from cortex_actors.events import EventKind, EventRing
from tests.web.conftest import Serve, json_of
from tests.web.gateway_double import STREAM, GatewayDouble, Running, provider_view
from tests.web.live_app import PATIENCE, LiveApp, read_until

FOLLOW = {"Accept": "text/event-stream"}


@pytest.fixture
def gateway() -> GatewayDouble:
    gateway = GatewayDouble(running=Running((STREAM,)), views=(provider_view("groq-primary"),))
    gateway.events.add(EventKind.STARTED, "the gateway has started")
    gateway.events.add(EventKind.BREAKER, "breaker opened", subject="groq", level="warning", after="open")
    gateway.events.add(EventKind.FAILOVER, "asked another", subject="groq")
    return gateway


def test_events_are_told_oldest_first_with_their_numbers(client: Client, gateway: GatewayDouble) -> None:
    told = json_of(client.get("/api/events"))

    assert (told["boot"], told["oldest"], told["latest"]) == (gateway.events.boot, 1, 3)
    assert [event["seq"] for event in told["events"]] == [1, 2, 3]
    (event,) = (event for event in told["events"] if event["kind"] == "breaker")
    assert event.pop("time").endswith("Z")
    assert event == {
        "seq": 2,
        "id": f"{gateway.events.boot}.2",
        "kind": "breaker",
        "level": "warning",
        "subject": "groq",
        "text": "breaker opened",
        "fields": {"after": "open"},
        "repeated": 0,
    }


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("since=1", [2, 3]),
        ("since=99", []),
        ("kinds=failover,started", [1, 3]),
        ("limit=1", [3]),
        ("limit=0", []),
        ("since=0&kinds=breaker", [2]),
    ],
)
def test_events_can_be_chosen(client: Client, query: str, numbers: list[int]) -> None:
    told = json_of(client.get(f"/api/events?{query}"))

    assert [event["seq"] for event in told["events"]] == numbers


@pytest.mark.parametrize(
    ("query", "field"), [("since=x", "since"), ("kinds=nothing", "kinds"), ("limit=x", "limit")]
)
def test_nonsense_is_a_400_that_names_it(client: Client, query: str, field: str) -> None:
    answer = client.get(f"/api/events?{query}")

    assert (answer.status_code, json_of(answer)["field"]) == (400, field)


class Follower:
    """One that reads events from a socket."""

    def __init__(self, app: LiveApp, path: str, **headers: str) -> None:
        self.sock = app.connect()
        said = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        self.sock.sendall(
            f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n{said}\r\n".encode()
        )

    def until(self, mark: str) -> str:
        """What arrives, up to and with the mark."""
        return read_until(self.sock, mark.encode()).decode()

    def close(self) -> None:
        self.sock.close()


@pytest.fixture
def app(serve: Serve, gateway: GatewayDouble) -> Iterator[LiveApp]:
    yield serve(gateway)
    gateway.events.close()


def numbers(text: str) -> list[int]:
    """The events of a piece of a stream."""
    return [
        json.loads(line.removeprefix("data: "))["seq"]
        for line in text.splitlines()
        if line.startswith("data: ") and '"seq"' in line
    ]


def test_a_follower_hears_what_happens_from_now_on(app: LiveApp, gateway: GatewayDouble) -> None:
    follower = Follower(app, "/api/events")
    head = follower.until("retry: 2000\n\n")
    assert "Content-Type: text/event-stream" in head

    gateway.events.add(EventKind.ADMIN, "somebody did something")

    told = follower.until('"repeated":0}')
    assert f"id: {gateway.events.boot}.4" in told
    assert numbers(told) == [4]


def test_a_follower_that_comes_back_goes_on_after_the_last_id(app: LiveApp, gateway: GatewayDouble) -> None:
    told = Follower(app, "/api/events", Last_Event_ID=f"{gateway.events.boot}.1").until('"seq":3')

    assert "event: gap" not in told
    assert '"seq":1' not in told
    assert '"seq":2' in told


def test_an_id_of_another_process_means_the_beginning(app: LiveApp) -> None:
    told = Follower(app, "/api/events", Last_Event_ID="00000000.2").until('"seq":3')

    assert '"seq":1' in told


def test_events_that_are_gone_are_named_as_a_gap(serve: Serve) -> None:
    gateway = GatewayDouble(events=EventRing(capacity=2))
    for number in range(5):
        gateway.events.add(EventKind.ADMIN, str(number))
    told = Follower(serve(gateway), "/api/events?since=1").until('"seq":5')
    gateway.events.close()

    assert 'event: gap\ndata: {"from":2,"to":3}' in told
    assert '"seq":4' in told


def test_a_follower_may_choose_kinds(app: LiveApp, gateway: GatewayDouble) -> None:
    told = Follower(app, "/api/events?since=0&kinds=failover").until('"seq":3')

    assert '"kind":"breaker"' not in told


def test_following_ends_when_the_gateway_has_drained(app: LiveApp, gateway: GatewayDouble) -> None:
    follower = Follower(app, "/api/events")
    follower.until("retry: 2000\n\n")
    gateway.events.add(EventKind.DRAIN, "the gateway has drained")
    gateway.events.close()

    assert '"kind":"drain"' in follower.until("0\r\n\r\n")
    assert gateway.audience.taken == 0


def test_no_more_may_follow_than_there_are_seats(app: LiveApp, gateway: GatewayDouble) -> None:
    followers = [Follower(app, "/api/events") for _ in range(2)]
    for follower in followers:
        follower.until("retry: 2000\n\n")

    refused = Follower(app, "/api/events").until("gateway_busy")

    assert refused.startswith("HTTP/1.1 503")
    assert "Retry-After" in refused


def test_the_seat_of_a_follower_that_left_is_free_again(app: LiveApp, gateway: GatewayDouble) -> None:
    follower = Follower(app, "/api/events")
    follower.until("retry: 2000\n\n")
    assert gateway.audience.taken == 1
    follower.close()

    left = threading.Event()
    for _ in range(int(PATIENCE * 100)):
        if gateway.audience.taken == 0:
            return
        left.wait(0.01)
    raise AssertionError("the seat was not given up")


def test_a_question_for_the_head_alone_takes_no_seat(client: Client, gateway: GatewayDouble) -> None:
    answer = client.head("/api/events", headers=FOLLOW)

    assert answer.headers["Content-Type"].startswith("text/event-stream")
    assert gateway.audience.taken == 0


def test_the_feed_begins_with_the_last_events_and_the_whole_state(app: LiveApp) -> None:
    told = Follower(app, "/api/dashboard/feed").until('"followers":{')

    assert numbers(told) == [1, 2, 3]
    state = told[told.index("event: state") :]
    for key in ("timestamp", "process", "status", "tree", "providers", "streams", "rates", "warnings"):
        assert f'"{key}":' in state


def test_the_feed_sends_the_state_again_and_events_between(app: LiveApp, gateway: GatewayDouble) -> None:
    follower = Follower(app, "/api/dashboard/feed")
    follower.until("event: state")
    gateway.events.add(EventKind.ADMIN, "between")
    told = follower.until("event: state")

    assert '"text":"between"' in told


def test_the_feed_goes_on_after_the_last_id(app: LiveApp, gateway: GatewayDouble) -> None:
    told = Follower(app, "/api/dashboard/feed", Last_Event_ID=f"{gateway.events.boot}.2").until(
        "event: state"
    )

    assert numbers(told) == [3]


def test_the_state_is_made_once_for_all_who_look(app: LiveApp, gateway: GatewayDouble) -> None:
    made: list[int] = []
    process = gateway.process

    def counted() -> object:
        made.append(1)
        return process()

    gateway.process = counted  # type: ignore[method-assign, assignment]
    followers = [Follower(app, "/api/dashboard/feed") for _ in range(2)]
    for follower in followers:
        follower.until("event: state")

    assert len(made) == 1
