"""The soak: thousands of streams of every fate, and what is left of them in the process that carried them.

    bin/bench soak                                  10,000 streams in each mode; some minutes
    python -m tests.bench.soak --streams 600 --mode gevent

A third is read to the end, every fourth of those slowly; a third is left by its caller, before the first
word or after it, in good order or with a reset; a third fails upstream, before the first word or after it.
Each is held to what its caller must see. Threads, sockets, actors and memory are taken when a tenth of them
has warmed the process up, and again at the end; both times after as many streams at once as there may be, so
that the connections to the upstream that are kept for later are as many as can be.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from tests.live.caller import Connection
from tests.live.daemon import RESOLVERS, Daemon, chat, wait_until
from tests.live.framings import ALL
from tests.live.settings_file import provider, settings
from tests.upstream import Gate, ScriptedUpstream, json_answer, openai_stream

#: Callers side by side; as many as a small machine keeps busy.
CALLERS = 24

#: What may be there more than before, as a share.
MOST_GROWTH = 0.05

_WORDS = [f"{number} " for number in range(20)]
_TEXT = "".join(_WORDS)

#: For slow readers: more than the buffers between hold, with marks on the way.
_LONG = [f"<{number}>" + "x" * 4000 for number in range(60)]
_MARKS = [f"<{number}>" for number in range(10, 60, 10)]
_SLOWNESS = 0.02
_SLOW_BUFFER = 4096

#: How long what is over may take to be gone, in seconds.
_SETTLE = 30.0

_SETTINGS = {"max_streams": 64, "spare_threads": 8}

MODES = ("threads", "gevent")


@dataclass(frozen=True, slots=True)
class Holdings:
    """What the daemon's worker holds at one moment."""

    threads: int
    #: Connections of callers and to upstreams.
    sockets: int
    #: Other descriptors.
    descriptors: int
    actors: int
    resident_bytes: int


@dataclass(frozen=True, slots=True)
class Found:
    """What a soak found."""

    before: Holdings
    after: Holdings
    #: Streams by fate, and what was wrong with some.
    fates: Counter[str]
    wrong: Counter[str]
    seconds: float
    #: Threads that come and go as the mode likes, whatever the streams do.
    loose_threads: int

    def growth(self, name: str) -> float:
        """Of one holding, as a share of what was there before; of nothing, the number itself."""
        before, after = getattr(self.before, name), getattr(self.after, name)
        return float((after - before) / before if before else after)

    @property
    def leaks(self) -> list[str]:
        """What there is too much of."""
        found = [each.name for each in fields(Holdings) if self.growth(each.name) > MOST_GROWTH]
        if self.after.threads - self.before.threads <= self.loose_threads:
            found = [name for name in found if name != "threads"]
        return found


class Soak:
    """A daemon with one provider, and callers that know what to expect of it."""

    def __init__(self, daemon: Daemon, upstream: ScriptedUpstream, callers: int = CALLERS) -> None:
        self._daemon = daemon
        self._upstream = upstream
        self._callers = callers
        whole = openai_stream(_WORDS)
        self._whole = whole
        upstream.on_model("whole", whole)
        upstream.on_model("long", openai_stream(_LONG))
        upstream.on_model("paced", whole.paced(0.05))
        upstream.on_model("cut", openai_stream(_WORDS, finish=None, done=False))
        upstream.on_model("refused", json_answer(402))

    def run(self, streams: int) -> Found:
        """A tenth to warm up, and then all of them."""
        self._daemon.warm_up(_SETTINGS["max_streams"] + _SETTINGS["spare_threads"])
        self._all(streams // 10)
        self._settle()
        before, began = self.holdings(), time.monotonic()
        fates, wrong = self._all(streams)
        seconds = time.monotonic() - began
        self._settle()
        loose = RESOLVERS if self._daemon.mode == "gevent" else 0
        return Found(before, self.holdings(), fates, wrong, seconds, loose)

    def holdings(self) -> Holdings:
        """What is there now."""
        now = self._daemon.figures()
        return Holdings(
            now.threads,
            now.callers + now.upstreams,
            now.descriptors,
            _nodes(self._daemon.get("/api/actors").json["tree"]),
            self._daemon.resident_bytes(),
        )

    def _all(self, streams: int) -> tuple[Counter[str], Counter[str]]:
        fates: Counter[str] = Counter()
        wrong: Counter[str] = Counter()
        with ThreadPoolExecutor(self._callers, "caller") as pool:
            for fate, complaint in pool.map(self._one, range(streams)):
                fates[fate] += 1
                if complaint:
                    wrong[f"{fate}: {complaint}"] += 1
        return fates, wrong

    def _one(self, number: int) -> tuple[str, str]:
        fate = _FATES[number % len(_FATES)]
        try:
            fate(self, number // len(_FATES))
        except (AssertionError, OSError) as error:
            return fate.__name__.strip("_"), str(error)[:200] or type(error).__name__
        return fate.__name__.strip("_"), ""

    def _settle(self) -> None:
        """Waits until nothing is under way any more; what then stays is for the figures to show."""
        self._fill()
        wait_until(self._is_settled, lambda: f"still under way: {self.holdings()}", _SETTLE)

    def _fill(self) -> None:
        """As many streams at once as there may be."""
        gate = threading.Event()
        self._upstream.on_model("together", self._whole.pause(1, Gate(gate)))
        goal = self._asked("together") + _SETTINGS["max_streams"]
        with ExitStack() as stack:
            asked = []
            for number in range(_SETTINGS["max_streams"]):
                connection = stack.enter_context(self._daemon.connect())
                asked.append((self._ask(connection, "together", number), connection))
            assert self._upstream.wait_for(lambda: self._asked("together") == goal)
            gate.set()
            for framing, connection in asked:
                framing.assert_complete(connection.answer(), _TEXT)

    def _asked(self, model: str) -> int:
        return sum(request.model == model for request in self._upstream.requests)

    def _is_settled(self) -> bool:
        now = self._daemon.figures()
        return now.callers == 0 and now.upstreams == self._upstream.open_sockets

    # -- the fates

    def _ask(self, connection: Connection, model: str, number: int) -> Any:
        framing = ALL[number % len(ALL)]
        connection.ask("POST", "/api/chat", chat(model=model, provider="one"), {"Accept": framing.accept})
        return framing

    def _read(self, number: int) -> None:
        with self._daemon.connect() as connection:
            self._ask(connection, "whole", number).assert_complete(connection.answer(), _TEXT)

    def _read_slowly(self, number: int) -> None:
        with self._daemon.connect(receive_buffer=_SLOW_BUFFER) as connection:
            framing = self._ask(connection, "long", number)
            answer = connection.answer()
            for mark in _MARKS:
                time.sleep(_SLOWNESS)  # by design: this is what makes it slow
                answer.read_until(mark)
            framing.assert_complete(answer, "".join(_LONG))

    def _leave(self, number: int) -> None:
        with self._daemon.connect() as connection:
            self._ask(connection, "paced", number)
            if number % 2:
                connection.answer().read_until("0 ")
            connection.leave(reset=number % 4 > 1)

    def _fail(self, number: int) -> None:
        with self._daemon.connect() as connection:
            if number % 2:
                framing = self._ask(connection, "cut", number)
                framing.assert_failed(connection.answer(), _TEXT, "truncated_stream")
            else:
                self._ask(connection, "refused", number)
                assert connection.answer().read().status == 503


_FATES: Sequence[Callable[[Soak, int], None]] = (
    *(Soak._read, Soak._leave, Soak._fail) * 3,
    *(Soak._read_slowly, Soak._leave, Soak._fail),
)


def soak(mode: str, streams: int, folder: Path) -> Found:
    """A daemon of its own, soaked."""
    with ScriptedUpstream() as upstream:
        text = settings(
            provider("one", upstream.url, max_streams=_SETTINGS["max_streams"]),
            server=_SETTINGS,
            limits={"first_token": 30.0, "idle": 30.0, "total": 60.0},
            logs={"access": False},
        )
        with Daemon(text, folder, mode=mode) as daemon:
            return Soak(daemon, upstream).run(streams)


def main(arguments: Sequence[str] | None = None) -> int:
    """Soaks and prints; exit status 1 when something leaked or an answer was not what it should be."""
    options = _parser().parse_args(arguments)
    good = True
    for mode in options.mode or MODES:
        with tempfile.TemporaryDirectory(prefix="cortex-soak-") as folder:
            found = soak(mode, options.streams, Path(folder))
        print("\n".join(_lines(mode, found)), flush=True)
        good = good and not found.leaks and not found.wrong
    return 0 if good else 1


def _lines(mode: str, found: Found) -> list[str]:
    fates = ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in found.fates.items())
    lines = [
        f"{mode}: {found.fates.total()} streams in {found.seconds:.0f} s: {fates}",
        f"{'':<16}{'before':>14}{'after':>14}{'growth':>9}",
    ]
    for name in (each.name for each in fields(Holdings)):
        before, after = getattr(found.before, name), getattr(found.after, name)
        mark = "  LEAK" if name in found.leaks else ""
        lines.append(f"{name.replace('_', ' '):<16}{before:>14,}{after:>14,}{found.growth(name):>9.1%}{mark}")
    lines += [f"WRONG: {number} x {complaint}" for complaint, number in found.wrong.most_common()]
    return lines


def _nodes(tree: Any) -> int:
    return 1 + sum(map(_nodes, tree["children"]))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bin/bench soak", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--streams", type=int, default=10_000, metavar="N", help="default: %(default)s")
    parser.add_argument("--mode", action="append", choices=MODES, help="default: both, one after the other")
    return parser


if __name__ == "__main__":
    sys.exit(main())
