"""Builds the load tools: three small C programs, so that the measuring costs less than what is measured."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

_SOURCES = Path(__file__).parent / "c"


class ToolMissing(Exception):
    """When a program that a measurement needs is not installed."""


@dataclass(frozen=True, slots=True)
class Tools:
    """The programs; each says at the top of its source what it takes and prints."""

    upstream: Path
    load: Path
    probe: Path


def build(folder: Path) -> Tools:
    """Compiles them into this folder; takes about a second. Raises ToolMissing."""
    return Tools(*(_compiled(name, folder) for name in ("upstream", "load", "probe")))


def _compiled(name: str, folder: Path) -> Path:
    compiler = shutil.which("gcc")
    if compiler is None:
        raise ToolMissing("gcc is missing: apt-get install gcc libc6-dev")
    program = folder / name
    options = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror"]
    subprocess.run([compiler, *options, "-o", program, _SOURCES / f"{name}.c"], check=True)
    return program
