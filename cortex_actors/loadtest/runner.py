"""The runner: all callers of one process, on one thread, over sockets that never block.

Runs on:   the thread that calls `run`, until every request that was due is over.
Receives:  readiness from the kernel, time from its clock.
Sends:     its tally to `progress`, about once a second.
"""

from __future__ import annotations

import heapq
import selectors
import socket
import time
from collections import deque
from collections.abc import Callable
from itertools import count

from cortex_actors.loadtest.arrivals import arrivals
from cortex_actors.loadtest.client import Client
from cortex_actors.loadtest.exchange import Exchange
from cortex_actors.loadtest.judgement import End, Expectation
from cortex_actors.loadtest.request import Requests
from cortex_actors.loadtest.scenario import Part, Scenario
from cortex_actors.loadtest.tally import Outcome, Tally

#: A caller that found nobody rests before it tries again, in seconds: a target that is gone is not hammered.
_REST = 0.1

#: Between two reports of progress, in seconds.
_PROGRESS = 1.0

Progress = Callable[[Tally], None]


class Runner:
    """One process's part of a scenario."""

    def __init__(
        self,
        scenario: Scenario,
        expectation: Expectation,
        part: Part | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._scenario = scenario
        self._part = part or Part()
        self._clock = clock
        self._expectation = expectation
        self._requests = Requests(scenario, self._part)
        self._selector = selectors.DefaultSelector()
        #: What each socket is watched for, so that the kernel is told of changes only.
        self._watched: dict[socket.socket, int] = {}
        self._free: deque[Client] = deque()
        #: When requests that wait for a free caller were to begin.
        self._waiting: deque[float] = deque()
        #: Moments and what is then to be done; the number keeps equal moments in order.
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()
        self.tally = Tally()

    def run(self, progress: Progress = lambda tally: None, starts_at: float | None = None) -> Tally:
        """The whole test, from `starts_at` on the clock (default: now); an interrupt ends it early."""
        cpu = time.process_time()
        self._started = self._clock() if starts_at is None else starts_at
        self._stops = self._started + self._scenario.duration
        self._arrivals = arrivals(self._scenario, self._part)
        target, slow_rate = self._scenario.target, self._scenario.slow_rate
        callers = self._part.share_of(self._scenario.connections)
        clients = [Client(target, self, self._clock, slow_rate) for _ in range(callers)]
        self._free.extend(clients)
        try:
            self._turn_until_over(progress)
        except KeyboardInterrupt:
            self.tally.interrupted = 1
        finally:
            for client in clients:
                client.close()
            self._selector.close()
        self.tally.never_begun = len(self._waiting)
        self.tally.elapsed = self._clock() - self._started
        self.tally.cpu = [time.process_time() - cpu]
        return self.tally

    # -- what clients ask for

    def watch(self, client: Client, sock: socket.socket, events: int) -> None:
        """Calls the client's `ready` when one of these events is there; 0 for none for now."""
        before = self._watched.get(sock, 0)
        if events == before:
            return
        if not before:
            self._selector.register(sock, events, client)
        elif events:
            self._selector.modify(sock, events, client)
        else:
            self._selector.unregister(sock)
        self._watched[sock] = events

    def forget(self, sock: socket.socket) -> None:
        """Watches the socket no more."""
        if self._watched.pop(sock, 0):
            self._selector.unregister(sock)

    def resume(self, client: Client, after: float) -> None:
        """Calls the client's `resume` when so many seconds have passed."""
        self._at(self._clock() + after, client.resume)

    def over(self, client: Client, outcome: Outcome) -> None:
        """Counts what came of a request; its caller is free again."""
        self.tally.running -= 1
        self.tally.take(outcome, self._started, self._stops)
        nobody_there = outcome.end in (End.NOT_CONNECTED, End.NO_ANSWER)
        self._arrivals.freed(outcome.over - self._started, _REST if nobody_there else 0.0)
        self._free.append(client)

    # -- the loop

    def _turn_until_over(self, progress: Progress) -> None:
        next_progress = self._started + _PROGRESS
        last = self._stops + self._scenario.timeout
        while True:
            now = self._clock()
            self._fire(now)
            self._begin_due(now)
            if now >= self._stops and not self.tally.running and not self._waiting:
                return
            if now >= last and not self.tally.running:
                return
            if now >= next_progress:
                next_progress = now + _PROGRESS
                progress(self.tally)
            for key, events in self._selector.select(self._patience(now, next_progress)):
                key.data.ready(events)

    def _patience(self, now: float, latest: float) -> float:
        """How long nothing is to be done, unless a socket is ready."""
        moments = [latest]
        if self._timers:
            moments.append(self._timers[0][0])
        if (due := self._arrivals.next_at()) is not None:
            moments.append(self._started + due)
        if now < self._stops:
            moments.append(self._stops)
        return max(0.0, min(moments) - now)

    def _begin_due(self, now: float) -> None:
        self._waiting.extend(self._started + due for due in self._arrivals.take(now - self._started))
        late = now >= self._stops + self._scenario.timeout
        while self._waiting and self._free and not late:
            self._begin(self._free.popleft(), self._waiting.popleft(), now)
        self.tally.most_waiting = max(self.tally.most_waiting, len(self._waiting))

    def _begin(self, client: Client, intended: float, now: float) -> None:
        self.tally.begun += 1
        self.tally.running += 1
        number = client.asked + 1

        def expire() -> None:
            if client.asked == number and not client.free:
                client.expire()

        self._at(now + self._scenario.timeout, expire)
        exchange = Exchange(self._requests.next(), self._expectation, self.tally.gaps, intended, now)
        client.ask(exchange)

    def _at(self, moment: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._timers, (moment, next(self._numbers), act))

    def _fire(self, now: float) -> None:
        while self._timers and self._timers[0][0] <= now:
            heapq.heappop(self._timers)[2]()
