"""The fleet: a scenario run by this process, or dealt out to several that begin at the same moment.

Runs on:   the thread that calls `run`; each part in a process of its own when there are several.
Receives:  tallies, about once a second, and one last time.
Sends:     the moment to begin at, and the word to stop when the user interrupts.
"""

from __future__ import annotations

import multiprocessing
import resource
import signal
import time
from multiprocessing.connection import Connection, wait
from typing import Any, TypeAlias

from cortex_actors.errors import SettingsError
from cortex_actors.loadtest.judgement import Expectation
from cortex_actors.loadtest.runner import Progress, Runner
from cortex_actors.loadtest.scenario import Part, Scenario
from cortex_actors.loadtest.tally import Tally, added_up

#: From the word to begin to the beginning, in seconds: every process must have heard it.
_LEAD = 0.1

#: Descriptors of a process beside its connections.
_BESIDE = 64

_STOP = "stop"

#: Between the process that leads and one that works.
_Line: TypeAlias = "Connection[Any, Any]"


def run(scenario: Scenario, expectation: Expectation, progress: Progress) -> Tally:
    """The whole scenario. Raises SettingsError when this machine does not allow so many connections."""
    _allow_descriptors(scenario.connections)
    if scenario.processes == 1:
        return Runner(scenario, expectation).run(progress)
    context = multiprocessing.get_context("spawn")
    processes = []
    lines = []
    for number in range(scenario.processes):
        ours, theirs = context.Pipe()
        part = Part(number, scenario.processes)
        process = context.Process(target=_work, args=(theirs, scenario, expectation, part), daemon=True)
        process.start()
        theirs.close()
        processes.append(process)
        lines.append(ours)
    try:
        return _lead(lines, progress)
    finally:
        for process in processes:
            process.join()


def _lead(lines: list[_Line], progress: Progress) -> Tally:
    for line in lines:
        line.recv()
    starts_at = time.monotonic() + _LEAD
    for line in lines:
        line.send(starts_at)
    latest: dict[int, Tally] = {}
    running = list(lines)
    while running:
        try:
            for line in [line for line in wait(running) if isinstance(line, Connection)]:
                tally, is_last = line.recv()
                latest[lines.index(line)] = tally
                if is_last:
                    running.remove(line)
            if len(latest) == len(lines):
                progress(added_up(latest.values()))
        except KeyboardInterrupt:
            for line in running:
                line.send(_STOP)
    return added_up(latest.values())


def _work(line: _Line, scenario: Scenario, expectation: Expectation, part: Part) -> None:
    """A process of the fleet; it hears of interrupts from the one that leads."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _allow_descriptors(scenario.connections)
    runner = Runner(scenario, expectation, part)

    def report(tally: Tally) -> None:
        line.send((tally, False))
        if line.poll():
            raise KeyboardInterrupt

    line.send("ready")
    line.send((runner.run(report, line.recv()), True))


def _allow_descriptors(connections: int) -> None:
    wanted = connections + _BESIDE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise SettingsError((f"{connections} connections need {wanted} open files; the limit is {hard}",))
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
