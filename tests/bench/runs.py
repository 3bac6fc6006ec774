"""The four runs, for one target: what is asked of it, and the figures that come of it.

A  burst     16 callers, 20 deltas that cost nothing             requests a second
B  paced     1, 32 and 128 callers, 64 deltas 20 ms apart        first chunk, time under way of each delta,
             then more and more callers                          streams at once without a loss or a stall
C  patient   1,000 callers, 16 deltas 500 ms apart               memory of a stream, CPU time of a delta
D  health    B with 128 callers, and one that asks for health    its times

Every target is warmed up for a second before it is measured.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.bench import processes
from tests.bench.build import Tools
from tests.bench.targets import CHAT, Serving, Target, upstream_of

Figures = dict[str, Any]

#: Callers of run B whose times are compared, and numbers that are tried for as long as all goes well.
PACED = (1, 32, 128)
SUSTAINED = (192, 256, 384, 512)

#: An answer of run B takes 64 x 20 ms; one that takes a tenth more has fallen behind, in milliseconds.
_PACED_ANSWER = 64 * 20.0
_MOST_LATE = 1.1

#: The health page: so many times, so far apart, in microseconds.
_PROBES, _PROBE_PAUSE = 200, 20_000

_PATIENT = 1000


@dataclass(frozen=True, slots=True)
class Bench:
    """What all runs have in common; `pace` shortens them for a trial."""

    tools: Tools
    folder: Path
    pace: float = 1.0
    #: Callers of B and C, where a trial has fewer.
    paced: tuple[int, ...] = PACED
    sustained: tuple[int, ...] = SUSTAINED
    patient: int = _PATIENT
    #: Between two deltas of C, in microseconds.
    patient_interval: int = 500_000
    warm_up: float = 1.0
    _count: list[int] = field(default_factory=list)

    def serve(self, target: Target, upstream: int) -> AbstractContextManager[Serving]:
        """Starts the target in a folder of its own."""
        self._count.append(upstream)
        own = self.folder / f"{len(self._count)}-{target.name.replace(' ', '-')}"
        own.mkdir()
        return target.start(upstream, own)

    def load(self, serving: Serving, callers: int, seconds: float, deltas: int) -> Figures:
        """What `load` prints."""
        return _printed(self.loading(serving, callers, seconds, deltas))

    def loading(self, serving: Serving, callers: int, seconds: float, deltas: int) -> subprocess.Popen[str]:
        """`load` under way."""
        numbers = (callers, seconds * self.pace, deltas)
        return _started(self.tools.load, serving.port, CHAT, *numbers)

    def warm(self, serving: Serving, callers: int, deltas: int) -> None:
        """Gets threads, connections and caches into being."""
        _printed(_started(self.tools.load, serving.port, CHAT, callers, self.warm_up, deltas))


def trial(tools: Tools, folder: Path) -> Bench:
    """Everything as short and as small as it can be, to see that it works; its figures say nothing."""
    return Bench(tools, folder, 0.05, (1, 4), (6,), patient=8, patient_interval=20_000, warm_up=0.2)


def run_a(bench: Bench, target: Target) -> Figures:
    """Requests a second when tokens cost nothing."""
    with upstream_of(bench.tools.upstream, 20, 0) as upstream, bench.serve(target, upstream) as serving:
        bench.warm(serving, 16, 20)
        before = processes.cpu_seconds(serving.pids)
        found = bench.load(serving, 16, 8, 20)
        found["cpu_us_per_request"] = _each(processes.cpu_seconds(serving.pids) - before, found["done"])
        return found


def run_b(bench: Bench, target: Target) -> Figures:
    """Times that are added, and how many streams are sustained."""
    with upstream_of(bench.tools.upstream, 64, 20_000) as upstream, bench.serve(target, upstream) as serving:
        bench.warm(serving, 32, 64)
        found: Figures = {str(callers): bench.load(serving, callers, 10, 64) for callers in bench.paced}
        found["sustained"] = 0
        for callers in (*bench.paced, *bench.sustained):
            tried = found.get(str(callers)) or bench.load(serving, callers, 10, 64)
            found[str(callers)] = tried
            if not is_sustained(tried):
                break
            found["sustained"] = callers
        return found


def run_c(bench: Bench, target: Target) -> Figures:
    """What an open stream costs."""
    interval = bench.patient_interval
    with (
        upstream_of(bench.tools.upstream, 16, interval) as upstream,
        bench.serve(target, upstream) as serving,
    ):
        bench.warm(serving, 8, 16)
        cpu, memory = processes.cpu_seconds(serving.pids), processes.resident_bytes(serving.pids)
        with processes.watched(serving.pids) as peak:
            found = bench.load(serving, bench.patient, 20, 16)
        found["cpu_us_per_delta"] = _each(processes.cpu_seconds(serving.pids) - cpu, found["deltas"])
        found["bytes_per_stream"] = max(0, peak.bytes - memory) / bench.patient
        return found


def run_d(bench: Bench, target: Target) -> Figures:
    """How long health takes to be told under load; nothing for a target that has no such page."""
    with upstream_of(bench.tools.upstream, 64, 20_000) as upstream, bench.serve(target, upstream) as serving:
        if serving.health is None:
            return {}
        bench.warm(serving, 32, 64)
        load = bench.loading(serving, bench.paced[-1], 8, 64)
        time.sleep(bench.pace)  # until all streams are open
        times = round(_PROBES * bench.pace)
        probe = _printed(_started(bench.tools.probe, serving.port, serving.health, times, _PROBE_PAUSE))
        return {**probe, "load": _printed(load)}


RUNS: Mapping[str, Callable[[Bench, Target], Figures]] = {"A": run_a, "B": run_b, "C": run_c, "D": run_d}


def faults(found: Figures) -> int:
    """Answers that were not what they should be."""
    return sum(found[kind] for kind in ("cut", "refused", "inexact", "unconnected", "hung"))


def is_sustained(found: Figures) -> bool:
    """Whether nothing was lost, nothing stalled, and nothing fell behind."""
    in_time: bool = found["total"]["p50"] <= _MOST_LATE * _PACED_ANSWER
    return in_time and not faults(found) and not found["stalls"]


def _each(cpu_seconds: float, number: int) -> float:
    return 1e6 * cpu_seconds / number if number else 0.0


def _started(program: Path, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [str(program), *(str(each) for each in arguments)], stdout=subprocess.PIPE, text=True
    )


def _printed(running: subprocess.Popen[str]) -> Figures:
    told, _ = running.communicate()
    found: Figures = json.loads(told)
    return found
