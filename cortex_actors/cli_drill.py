"""The commands that try a gateway out: `cortex wall` misbehaves as a provider, and `cortex drill` judges.

Runs on:   the main thread; `wall` until it is interrupted, `drill` for half a minute.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from typing import Any

from cortex_actors.drill import scorecard
from cortex_actors.drill.behaviours import BEHAVIOURS
from cortex_actors.drill.caller import Caller, fetch
from cortex_actors.drill.rows import ROWS
from cortex_actors.drill.runner import Drill
from cortex_actors.drill.scenario import Scenario
from cortex_actors.drill.wall import Wall
from cortex_actors.drill.wall_client import WallClient
from cortex_actors.errors import SettingsError, UpstreamError
from cortex_actors.transport import HTTPTransport, Transport

_WALL = """\
A fake OpenAI-compatible provider whose models are faults. Put it behind a gateway to see how that takes them:

  cortex wall
  WALL_KEYS=sk-wall-one,sk-wall-two cortex serve --config config/drill.toml
  cortex chat "Hola" --model wall/cut-at-40      one fault, by hand
  cortex drill                                   all of them, judged

GET /_wall/log shows every request it saw, DELETE /_wall/log forgets them.
"""

_DRILL = """\
Drives a running gateway through every fault of the wall, and judges by what its callers got and what the wall
saw. The gateway must have the providers of config/drill.toml; see `cortex wall --help`.

  pass      what was asked for
  partial   the right answer, but later or with more attempts than asked
  safe      one honest error where an answer would have been possible
  fail      a lie: truncated success, invented end, lost or doubled words, hang, wrong status, retry storm

Exit status: 0, 1 when any row is `fail`, 2 when the drill could not be held.
"""


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser], where: Any) -> None:
    """Adds both commands; `where` is the parser that knows --url."""
    wall = commands.add_parser(
        "wall",
        help="run a fake provider that misbehaves on order",
        description=_WALL,
        epilog=_table("models", ((each.name, each.about) for each in BEHAVIOURS.values())),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    wall.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    wall.add_argument("--port", type=int, default=9900, help="port, 0 for a free one (default: %(default)s)")
    wall.set_defaults(command=run_wall)
    drill = commands.add_parser(
        "drill",
        parents=[where],
        help="try a running gateway against every fault of the wall; exit 1 when it lied",
        description=_DRILL,
        epilog=_table("rows", ((row.name + " *" * row.long, row.want) for row in ROWS))
        + "\n  * with --long, or by name",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    drill.add_argument("rows", nargs="*", metavar="ROW", help="rows to run (default: all but the long ones)")
    drill.add_argument(
        "--wall", default="http://127.0.0.1:9900", metavar="URL", help="the wall (default: %(default)s)"
    )
    drill.add_argument("--long", action="store_true", help="run the long rows too: about a minute more")
    drill.add_argument("--json", action="store_true", help="print everything as JSON, a case an entry")
    drill.set_defaults(command=run_drill)


def run_wall(options: argparse.Namespace) -> int:
    """Runs the wall until it is interrupted."""
    try:
        wall = Wall(options.host, options.port)
    except OSError as error:
        raise SettingsError((f"cannot listen on {options.host}:{options.port}: {error.strerror}",)) from error
    try:
        print(f"the wall stands at {wall.url}, with {len(BEHAVIOURS)} models", file=sys.stderr, flush=True)
        wall.serve()
    except KeyboardInterrupt:
        pass
    finally:
        wall.close()
    return 0


def run_drill(options: argparse.Namespace) -> int:
    """Runs the rows and prints the scorecard."""
    rows = chosen(options.rows, long=options.long)
    transport = HTTPTransport()
    try:
        _check(transport, options.url.rstrip("/"), options.wall.rstrip("/"), rows)
        drill = Drill(Caller(options.url, transport), WallClient(options.wall, transport))
        results = []
        for result in drill.run(rows):
            results.append(result)
            _show_progress(f"{len(results)} cases are done")
    except UpstreamError as error:  # the gateway's are findings, so it is the wall that went away
        raise SettingsError((f"the wall cannot be asked any more: {error}",)) from error
    finally:
        transport.close()
    order = [row.name for row in rows]
    results.sort(key=lambda result: order.index(result.case.scenario.name))
    if options.json:
        print(json.dumps(scorecard.payload(results), indent=2))
    else:
        _show_progress("")
        print("\n".join(scorecard.lines(results)))
    return scorecard.exit_code(results)


def chosen(names: Iterable[str], *, long: bool) -> tuple[Scenario, ...]:
    """The rows with these names, else all, the long ones only when told so."""
    wanted = tuple(names)
    known = {row.name for row in ROWS}
    if unknown := [name for name in wanted if name not in known]:
        raise SettingsError(tuple(f"there is no row {name}; see `cortex drill --help`" for name in unknown))
    return tuple(row for row in ROWS if (row.name in wanted if wanted else long or not row.long))


def _show_progress(text: str) -> None:
    """Writes over the last one; only where somebody watches."""
    if sys.stderr.isatty():
        print(f"\r{text:<30}\r", end="", file=sys.stderr, flush=True)


def _check(transport: Transport, gateway: str, wall: str, rows: Iterable[Scenario]) -> None:
    """Says what is missing before anything is judged. Raises SettingsError."""
    if _get(transport, f"{wall}/_wall/log") is None:
        raise SettingsError((f"there is no wall at {wall}; is `cortex wall` running?",))
    listed = _get(transport, f"{gateway}/api/providers")
    if listed is None:
        raise SettingsError((f"there is no gateway at {gateway}; is `cortex serve` running?",))
    there = {provider["name"] for provider in listed["providers"]}
    needed = {model.partition("/")[0] for row in rows for model in (row.target, *row.fallbacks)}
    if missing := sorted(needed - there):
        raise SettingsError(
            (f"the gateway has no provider {', '.join(missing)}; run it with config/drill.toml",)
        )


def _get(transport: Transport, url: str) -> Any:
    try:
        status, body = fetch(transport, "GET", url)
        return json.loads(body) if status == 200 else None
    except (UpstreamError, ValueError):
        return None


def _table(title: str, rows: Iterable[tuple[str, str]]) -> str:
    found = list(rows)
    wide = max(len(name) for name, _ in found)
    return "\n".join([f"{title}:", *(f"  {name:<{wide}}  {about}" for name, about in found)])
