"""A machine without a tool: whoever runs the tests is told which are not run, and how to run them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.deploy import ROOT
from tests.deploy.tools import command

SENTENCE = "NOT RUN"


def shell(
    script: str, folder: Path, environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs a script that has sourced debian.sh, as somebody who is not root."""
    fake = folder / "id"
    fake.write_text("#!/bin/sh\necho 1000\n", encoding="utf-8")
    fake.chmod(0o755)
    return subprocess.run(
        ["sh", "-euc", f". {ROOT}/bin/lib/debian.sh\n{script}"],
        env={"PATH": f"{folder}:{os.environ['PATH']}", **(environ or {})},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def pytest_without(packages: str, tests: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", tests, "-p", "no:cacheprovider"],
        env={**os.environ, "CORTEX_TESTS_WITHOUT": packages},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_command_that_is_there_costs_no_word(tmp_path: Path) -> None:
    done = shell('ensure_debian coreutils cat; echo "<${CORTEX_TESTS_WITHOUT-}>"', tmp_path)

    assert (done.returncode, done.stdout, done.stderr) == (0, "<>\n", "")


def test_what_only_root_may_install_is_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    script = """
        ensure_debian frobnicator frob
        ensure_debian tinkerer-tools tinker
        sh -c 'echo "$CORTEX_TESTS_WITHOUT"'
    """
    done = shell(script, tmp_path, {"CORTEX_TESTS_WITHOUT": "nginx"})

    assert (done.returncode, done.stdout) == (0, "nginx,frobnicator,tinkerer-tools\n")
    for package in ("frobnicator", "tinkerer-tools"):
        assert (
            f"{SENTENCE}: the tests that need {package}. To run them too: sudo apt-get install {package}\n"
            in (done.stderr)
        )


def test_tests_left_out_are_counted_under_the_name_of_the_package() -> None:
    done = pytest_without(
        "frobnicator,systemd", "tests/deploy/test_systemd.py::test_little_of_the_machine_is_exposed"
    )

    assert f"{SENTENCE} for want of systemd: 2 tests. To run them: apt-get install systemd" in done.stdout
    assert "2 deselected" in done.stdout
    assert "frobnicator" not in done.stdout


def test_a_missing_tool_fails_its_tests_and_names_the_package() -> None:
    with pytest.raises(
        pytest.fail.Exception, match="frob is missing; to run this test: apt-get install frobnicator"
    ):
        command("frob", "frobnicator")
