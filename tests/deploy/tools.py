"""The tools of Debian that these tests run; a missing one fails its tests and says how to get it."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest


def command(name: str, package: str) -> str:
    """The path of a command; servers are where only root's PATH looks."""
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if found is None:
        pytest.fail(f"{name} is missing; to run this test: apt-get install {package}", pytrace=False)
    return found


def run(*arguments: str | os.PathLike[str]) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end, whatever that is."""
    return subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=False)
