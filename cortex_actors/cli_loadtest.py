"""The command that loads a gateway: `cortex loadtest URL`.

Runs on:   the main thread, and with --processes in several.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

from cortex_actors.errors import SettingsError
from cortex_actors.loadtest import fleet, report
from cortex_actors.loadtest.framings import FRAMINGS
from cortex_actors.loadtest.option_values import count, framings, header, positive, seconds, share
from cortex_actors.loadtest.page import page
from cortex_actors.loadtest.rehearsal import rehearse
from cortex_actors.loadtest.scenario import CLOSED_CONNECTIONS, OPEN_CONNECTIONS, Expect, Scenario
from cortex_actors.loadtest.tally import Tally
from cortex_actors.loadtest.target import find_target

_LOADTEST = """\
Loads a running gateway with chats, reads every answer to its end, and judges whether that end was honest.

  cortex loadtest http://127.0.0.1:4000                          16 callers for 10 s, each as fast as it can
  cortex loadtest http://127.0.0.1:4000 --rate 200               200 requests a second, come what may
  cortex loadtest URL -c 500 --ramp 5 --leave 10% --slow 5% --chunked --html report.html

Without --rate each caller asks again when its answer is over (closed model): a gateway that stalls is asked
less while it stalls, and percentiles look better than they are. With --rate requests begin on time (open
model), and times count from when a request was to begin. The report says which it was.

Two requests before the test find out whether answers are always the same, as those of a mock are; then every
text is compared. A lie is a whole answer that is not whole, an end that says nothing, words nobody said.

Exit status: 0, 1 when any answer lied or more than --max-errors failed, 2 when the test could not be held.
"""

#: Where nobody watches, a line of progress every so many seconds.
_QUIET = 5.0


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "loadtest",
        help="load a running gateway with many callers; exit 1 when an answer lied",
        description=_LOADTEST,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("url", metavar="URL", help="the gateway, such as http://127.0.0.1:4000")
    _add_load(parser)
    _add_callers(parser)
    _add_judging(parser)
    parser.set_defaults(command=loadtest)


def _add_load(parser: argparse.ArgumentParser) -> None:
    load = parser.add_argument_group("how much")
    load.add_argument(
        "-c", "--connections", type=count, metavar="N",
        help=f"callers at once (default: {CLOSED_CONNECTIONS}; with --rate at most {OPEN_CONNECTIONS})",
    )  # fmt: skip
    load.add_argument(
        "-d", "--duration", type=positive, default=10.0, metavar="S",
        help="requests begin for so many seconds (default: %(default)g)",
    )  # fmt: skip
    load.add_argument("--rate", type=positive, metavar="R", help="requests a second: the open model")
    load.add_argument(
        "--ramp",
        type=seconds,
        default=0.0,
        metavar="S",
        help="seconds until all callers, or the rate, are there",
    )
    load.add_argument(
        "--processes", type=count, default=1, metavar="N",
        help="processes that the callers are dealt out to (default: %(default)s)",
    )  # fmt: skip


def _add_callers(parser: argparse.ArgumentParser) -> None:
    callers = parser.add_argument_group("what callers do (a SHARE is 10% or 0.1)")
    callers.add_argument(
        "--framing", type=framings, default=tuple(FRAMINGS), metavar="NAME,...",
        help=f"how they want to be answered, in turn (default: {','.join(FRAMINGS)})",
    )  # fmt: skip
    callers.add_argument(
        "--chunked", type=share, nargs="?", const=1.0, default=0.0, metavar="SHARE",
        help="send the request itself in chunks (alone: all of them)",
    )  # fmt: skip
    callers.add_argument("--leave", type=share, default=0.0, metavar="SHARE", help="hang up early")
    callers.add_argument("--slow", type=share, default=0.0, metavar="SHARE", help="read slowly")
    callers.add_argument(
        "--slow-rate", type=count, default=2000, metavar="BYTES",
        help="how slowly: bytes a second (default: %(default)s)",
    )  # fmt: skip
    callers.add_argument("--model", default="", help="model to ask for")
    callers.add_argument(
        "--prompt", default=Scenario.__dataclass_fields__["prompt"].default, help="what to ask"
    )
    callers.add_argument(
        "--header", type=header, action="append", default=[], metavar="'NAME: VALUE'",
        help="a header of every request",
    )  # fmt: skip
    callers.add_argument("--seed", type=int, default=0, help="of the choice who leaves and who is slow")


def _add_judging(parser: argparse.ArgumentParser) -> None:
    judging = parser.add_argument_group("what counts")
    judging.add_argument(
        "--timeout", type=positive, default=60.0, metavar="S",
        help="an answer that takes longer hangs (default: %(default)g)",
    )  # fmt: skip
    judging.add_argument(
        "--expect", choices=[each.value for each in Expect], default=Expect.AUTO.value,
        help="auto: compare texts if they are always the same; ends: judge ends alone (default: %(default)s)",
    )  # fmt: skip
    judging.add_argument("--words", type=count, metavar="N", help="words that every whole answer must have")
    judging.add_argument(
        "--max-errors", type=share, default=1.0, metavar="SHARE", help="more failures than this: exit 1"
    )
    judging.add_argument("--json", type=Path, metavar="FILE", help="write everything there; - prints it")
    judging.add_argument("--html", type=Path, metavar="FILE", help="write a page with plots there")
    judging.add_argument(
        "--yes-remote", action="store_true", help="the address is not this machine, and you may load it"
    )


def loadtest(options: argparse.Namespace) -> int:
    """Holds the test and reports."""
    scenario = scenario_of(options)
    expectation = rehearse(scenario)
    tally = fleet.run(scenario, expectation, _progress(scenario, time.monotonic))
    _show("")
    told = json.dumps(report.payload(scenario, expectation, tally), indent=2) + "\n"
    if options.json == Path("-"):
        print(told, end="")
    else:
        print("\n".join(report.lines(scenario, expectation, tally)))
        _write(options.json, told)
    _write(options.html, page(scenario, expectation, tally))
    return 1 if report.failed(tally, options.max_errors) else 0


def scenario_of(options: argparse.Namespace) -> Scenario:
    """What the command line asks for. Raises SettingsError."""
    if options.leave + options.slow > 1:
        raise SettingsError(("--leave and --slow are more than all callers together",))
    if options.ramp > options.duration:
        raise SettingsError(("--ramp is longer than --duration",))
    most = CLOSED_CONNECTIONS if options.rate is None else OPEN_CONNECTIONS
    connections = options.connections or most
    return Scenario(
        target=find_target(options.url, remote=options.yes_remote),
        framings=options.framing,
        connections=connections,
        rate=options.rate,
        duration=options.duration,
        ramp=options.ramp,
        chunked=options.chunked,
        leave=options.leave,
        slow=options.slow,
        slow_rate=options.slow_rate,
        timeout=options.timeout,
        model=options.model,
        prompt=options.prompt,
        headers=tuple(options.header),
        expect=Expect(options.expect),
        words=options.words,
        processes=min(options.processes, connections),
        seed=options.seed,
    )


def _progress(scenario: Scenario, clock: Callable[[], float]) -> Callable[[Tally], None]:
    started = clock()
    told = started

    def progress(tally: Tally) -> None:
        nonlocal told
        now = clock()
        if sys.stderr.isatty() or now - told >= _QUIET:
            told = now
            _show(_progress_line(scenario, tally, now - started))

    return progress


def _progress_line(scenario: Scenario, tally: Tally, passed: float) -> str:
    """12 s of 60: 4310 whole, 0 failed, 0 lies, 16 running; first chunk p50 1.9 ms, p99 4.8 ms"""
    found = report.figures(tally.first_piece)
    times = (
        "" if found["p50"] is None else f"; first chunk p50 {found['p50']:.1f} ms, p99 {found['p99']:.1f} ms"
    )
    return (
        f"{passed:.0f} s of {scenario.duration:g}: {tally.whole} whole, {tally.failed} failed,"
        f" {tally.liars} lies, {tally.running} running{times}"
    )


def _show(text: str) -> None:
    """Writes over the last line where somebody watches, else a line of its own."""
    if sys.stderr.isatty():
        print(f"\r{text:<100}\r", end="", file=sys.stderr, flush=True)
    elif text:
        print(text, file=sys.stderr, flush=True)


def _write(file: Path | None, text: str) -> None:
    if file is None:
        return
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SettingsError((f"cannot write {file}: {error.strerror}",)) from error
