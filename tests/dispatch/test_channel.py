"""The channel: byte credit, and a fence."""

from __future__ import annotations

import threading

from cortex_actors.chat import Chunk
from cortex_actors.dispatch.channel import EVENT_OVERHEAD, Channel, Window
from cortex_actors.dispatch.messages import AttemptFailed, AttemptFinished, ChunksArrived
from cortex_actors.errors import TruncatedStream
from cortex_actors.otp.actor import HostedActor


class Host(HostedActor):
    """A dispatcher's mailbox without a dispatcher."""


def _host() -> Host:
    ref = Host.start()
    host = ref._actor_weakref()
    assert isinstance(host, Host)
    return host


def test_events_arrive_in_order_with_their_attempt_and_weight() -> None:
    host, window = _host(), Window(10_000)
    channel = Channel(host.actor_ref, 3, window)
    assert channel.deliver([Chunk("Hola")])
    channel.finish()
    arrived = host.receive(1.0)
    assert arrived == ChunksArrived(3, (Chunk("Hola"),), EVENT_OVERHEAD + 4)
    assert host.receive(1.0) == AttemptFinished(3)
    host.finish()


def test_a_failure_is_told_as_a_value() -> None:
    host, error = _host(), TruncatedStream()
    Channel(host.actor_ref, 1, Window(10)).fail(error)
    assert host.receive(1.0) == AttemptFailed(1, error)
    host.finish()


def test_a_fenced_attempt_is_heard_no_more() -> None:
    host, window = _host(), Window(10_000)
    channel = Channel(host.actor_ref, 1, window)
    window.fence()
    assert not channel.deliver([Chunk("late")])
    channel.finish()
    channel.fail(TruncatedStream())
    assert host.receive(0.0) is None
    host.finish()


def test_a_dead_dispatcher_ends_its_producer() -> None:
    host = _host()
    channel = Channel(host.actor_ref, 1, Window(10_000))
    host.finish()
    assert not channel.deliver([Chunk("to nobody")])


def test_a_producer_waits_at_the_edge_of_the_window_until_its_reader_takes() -> None:
    host, window = _host(), Window(EVENT_OVERHEAD * 2)
    channel = Channel(host.actor_ref, 1, window)
    delivered = threading.Event()

    def produce() -> None:
        for _ in range(4):
            channel.deliver([Chunk("x")])
        delivered.set()

    producer = threading.Thread(target=produce, daemon=True)
    producer.start()
    taken = 0
    while taken < 4:
        message = host.receive(5.0)
        assert isinstance(message, ChunksArrived)
        assert window.fill <= 3 * (EVENT_OVERHEAD + 1)
        window.take(message.size)
        taken += 1
    assert delivered.wait(5.0)
    producer.join(5.0)
    host.finish()


def test_a_fence_frees_a_producer_that_waits() -> None:
    host, window = _host(), Window(1)
    channel = Channel(host.actor_ref, 1, window)
    answers: list[bool] = []
    producer = threading.Thread(target=lambda: answers.append(channel.deliver([Chunk("x")])), daemon=True)
    producer.start()
    assert host.receive(5.0) is not None
    window.fence()
    producer.join(5.0)
    assert answers == [False]
    host.finish()
