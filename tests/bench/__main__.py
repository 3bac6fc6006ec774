"""The benchmark: every run on every target, in turns, and one table.

    bin/bench                          5 rounds of everything; about 40 minutes
    bin/bench --runs 1 --only A,D      a look
    bin/bench soak                     10,000 mixed streams: see `tests.bench.soak`

Targets take turns within a round, so that what else the machine does falls on all of them. Only the ratios
mean anything: the gateway, the upstream and the callers share its cores.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.bench import soak, table
from tests.bench.build import ToolMissing, build
from tests.bench.footprint import installed_bytes, start_and_rest
from tests.bench.runs import RUNS, Bench, Figures, trial
from tests.bench.targets import Target, cortex, direct, instances, litellm, nginx

_MEASURES = (*RUNS, "start", "size")

#: By its name: what pip installs with it.
_EXTRAS = {"cortex threads": "", "cortex gevent": "[gevent]"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures and prints; exit status 2 when something that is needed is missing."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == ["soak"]:
        return soak.main(given[1:])
    options = _parser().parse_args(given)
    targets = [target for target in _targets(options.litellm) if _wanted(target.name, options.targets)]
    names = [target.name for target in targets]
    rounds: list[dict[str, Figures]] = []
    try:
        with tempfile.TemporaryDirectory(prefix="cortex-bench-") as folder:
            bench = (trial if options.trial else Bench)(build(Path(folder)), Path(folder))
            for number in range(1, options.runs + 1):
                rounds.append(_round(bench, targets, options.only, number, of=options.runs))
    except ToolMissing as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}, Linux {platform.release()}\n")
    print("\n".join(table.text(rounds, names)))
    _write(options.markdown, "\n".join(table.markdown(rounds, names)))
    _write(options.json, json.dumps(table.payload(rounds, names), indent=1))
    return 0


def _round(
    bench: Bench, targets: Sequence[Target], only: Sequence[str], number: int, *, of: int
) -> dict[str, Figures]:
    found: dict[str, Figures] = {target.name: {} for target in targets}
    for measure in (measure for measure in _MEASURES if measure in only):
        for target in (each for each in targets if measure in (each.measures or _MEASURES)):
            print(f"round {number} of {of}: {measure}, {target.name}", file=sys.stderr, flush=True)
            try:
                figures = _measured(bench, measure, target, is_first=number == 1)
            except (TimeoutError, AssertionError, subprocess.CalledProcessError) as error:
                print(f"  not measured: {error}", file=sys.stderr, flush=True)
                continue
            if figures:
                found[target.name][measure] = figures
    return found


def _measured(bench: Bench, measure: str, target: Target, *, is_first: bool) -> Any:
    if measure in RUNS:
        return RUNS[measure](bench, target)
    if measure == "start":
        return start_and_rest(bench, target)
    if is_first and target.name in _EXTRAS:  # it is the same every time
        return {"bytes": installed_bytes(_EXTRAS[target.name])}
    return {}


def _targets(litellm_command: str | None) -> list[Target]:
    found = [
        Target(table.DIRECT, direct),
        Target(table.NGINX, nginx),
        Target("cortex threads", cortex("threads")),
        Target("cortex gevent", cortex("gevent")),
        Target("2 x threads", instances("threads", 2), ("A",)),
        Target("2 x gevent", instances("gevent", 2), ("A",)),
    ]
    command = litellm_command or shutil.which("litellm")
    if command:
        found.append(Target("LiteLLM", litellm(command)))
    return found


def _wanted(name: str, asked: Sequence[str]) -> bool:
    return not asked or name in asked


def _write(file: Path | None, text: str) -> None:
    if file is not None:
        file.write_text(text + "\n", encoding="utf-8")


def _list(text: str) -> list[str]:
    return text.split(",")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bin/bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--runs",
        type=int,
        default=5,
        metavar="N",
        help="rounds of it all; medians are shown (default: %(default)s)",
    )
    parser.add_argument(
        "--only", type=_list, default=list(_MEASURES), metavar="NAME,...",
        help=f"measures to take (default: {','.join(_MEASURES)})",
    )  # fmt: skip
    parser.add_argument(
        "--targets", type=_list, default=[], metavar="NAME,...",
        help="targets to measure, such as 'direct,nginx,cortex gevent' (default: all)",
    )  # fmt: skip
    parser.add_argument(
        "--trial", action="store_true", help="seconds instead of minutes, to see that it works"
    )
    parser.add_argument("--litellm", metavar="COMMAND", help="LiteLLM's command, where it is not on the PATH")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    parser.add_argument(
        "--markdown", type=Path, metavar="FILE", help="write the table there, as README has it"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
