"""Tests that need a tool from outside name its Debian package, and are named themselves where it is missing.

    pytestmark = pytest.mark.needs("nginx")

A missing tool makes its tests fail. They are left out only where bin/test could not install it and said so:
CORTEX_TESTS_WITHOUT=nginx,systemd. The end of the run says so again.
"""

from __future__ import annotations

import os
from collections import Counter

import pytest

_LEFT_OUT = pytest.StashKey[Counter[str]]()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(package): the test runs a program of this Debian package")
    config.stash[_LEFT_OUT] = Counter()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    without = {package.strip() for package in os.environ.get("CORTEX_TESTS_WITHOUT", "").split(",")}
    missing = {item: without & _needs(item) for item in items}
    for packages in missing.values():
        config.stash[_LEFT_OUT].update(packages)
    config.hook.pytest_deselected(items=[item for item in items if missing[item]])
    items[:] = [item for item in items if not missing[item]]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for package, number in sorted(config.stash[_LEFT_OUT].items()):
        line = f"NOT RUN for want of {package}: {number} tests. To run them: apt-get install {package}"
        terminalreporter.write_line(line, red=True, bold=True)


def _needs(item: pytest.Item) -> set[str]:
    return {mark.args[0] for mark in item.iter_markers("needs")}
