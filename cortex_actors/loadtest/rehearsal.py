"""The rehearsal: two requests before the test, one after the other, to learn what a right answer is.

A mock says the same every time, or says back what it heard; then every text of the test is compared. A model
does not, and then ends alone are judged.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable

from cortex_actors.errors import SettingsError
from cortex_actors.loadtest.framings import FRAMINGS
from cortex_actors.loadtest.http_answer import BrokenAnswer, HTTPAnswer
from cortex_actors.loadtest.judgement import Expectation, learnt
from cortex_actors.loadtest.request import written
from cortex_actors.loadtest.scenario import Expect, Scenario
from cortex_actors.streaming import StreamFormatError

#: Of different lengths, so that an answer that counts letters is not taken for one that is always the same.
_MARKS = ("mark-one", "mark-fourteen")

_READ = 64 * 1024


def rehearse(scenario: Scenario) -> Expectation:
    """What is known of the right answer. Raises SettingsError when nobody is there to ask."""
    if scenario.expect is Expect.ENDS or scenario.words is not None:
        _connect(scenario).close()
        return learnt(scenario, [])
    answers = []
    for mark in _MARKS:
        text = _ask(scenario, mark)
        if text is None:
            return Expectation()
        answers.append((mark, text))
    return learnt(scenario, answers)


def _ask(scenario: Scenario, mark: str) -> str | None:
    """The text of one answer; None when it is not whole, which is for the test itself to tell."""
    framing = FRAMINGS[scenario.framings[0]]
    answer, reader = HTTPAnswer(), framing.reader()
    with _connect(scenario) as sock:
        try:
            _send(sock, written(scenario, framing, mark, chunked=False))
            while not answer.complete and (data := sock.recv(_READ)):
                reader.feed(answer.feed(data))
        except (OSError, BrokenAnswer, StreamFormatError):
            return None
    if answer.status != 200 or not (answer.complete or answer.ends_with_connection):
        return None
    reader.close()
    return reader.text if reader.ended and not reader.lies else None


def _send(sock: socket.socket, writes: Iterable[bytes]) -> None:
    for data in writes:
        sock.sendall(data)


def _connect(scenario: Scenario) -> socket.socket:
    target = scenario.target
    try:
        return socket.create_connection((target.address, target.port), scenario.timeout)
    except OSError as error:
        raise SettingsError((f"nobody answers at {target.url}: {error.strerror or error}",)) from error
