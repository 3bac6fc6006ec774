"""The seats of those who follow."""

from __future__ import annotations

import threading

import pytest

from cortex_actors.errors import GatewayBusy
from cortex_actors.gateway.audience import Audience, Seat


def test_there_are_as_many_seats_as_there_are() -> None:
    audience = Audience(2)
    first = audience.enter()
    audience.enter()
    with pytest.raises(GatewayBusy, match="max_followers"):
        audience.enter()
    first.leave()
    audience.enter()
    assert audience.taken == 2


def test_a_seat_is_left_once() -> None:
    audience = Audience(2)
    seat = audience.enter()
    audience.enter()
    seat.leave()
    seat.leave()
    assert audience.taken == 1


def test_no_seat_is_lost_when_all_come_and_go_at_once() -> None:
    audience = Audience(4)

    def come_and_go() -> None:
        for _ in range(500):
            try:
                seat: Seat = audience.enter()
            except GatewayBusy:
                continue
            seat.leave()

    threads = [threading.Thread(target=come_and_go) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert audience.taken == 0


def test_nobody_follows_where_there_are_no_seats() -> None:
    with pytest.raises(GatewayBusy):
        Audience(0).enter()
