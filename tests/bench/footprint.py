"""What a target takes before anybody asks it for much: time to start, memory when idle, space on the disk."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from tests.bench import processes
from tests.bench.runs import Bench, Figures
from tests.bench.targets import Target, upstream_of
from tests.bench.targets import answers as is_answered

_ROOT = Path(__file__).parents[2]

#: What the package is built from.
_PACKAGE = ("cortex_actors", "setup.cfg", "pyproject.toml", "README.md", "LICENSE")

#: After its first answer a target is left alone for so long, in seconds.
_REST = 2.0


def start_and_rest(bench: Bench, target: Target) -> Figures:
    """Seconds to its first answer, and the memory it has when it rests."""
    with upstream_of(bench.tools.upstream, 2, 0) as upstream:
        began = time.monotonic()
        with bench.serve(target, upstream) as serving:
            processes.until(lambda: is_answered(serving.port), f"{target.name} does not answer")
            seconds = time.monotonic() - began
            time.sleep(_REST * bench.pace)
            return {
                "seconds": seconds,
                "resident_bytes": processes.resident_bytes(serving.pids),
                "proportional_bytes": processes.proportional_bytes(serving.pids),
            }


def installed_bytes(extras: str = "") -> int:
    """Space of the package with all it needs, without pip; installs this checkout into a folder for that."""
    with tempfile.TemporaryDirectory() as folder:
        copy, site = Path(folder) / "copy", Path(folder) / "site"
        copy.mkdir()
        for name in _PACKAGE:
            _copy(_ROOT / name, copy / name)
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*command, "--target", str(site), f"{copy}{extras}"], check=True)
        return space_of(site.rglob("*"))


def space_of(files: Iterable[Path]) -> int:
    """Bytes that files take on the disk, in whole blocks."""
    return sum(512 * file.lstat().st_blocks for file in files if not file.is_dir())


def _copy(source: Path, to: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, to, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source, to)
