"""The examples in the documentation of the package are true."""

from __future__ import annotations

import doctest
import importlib

import pytest


@pytest.mark.parametrize("name", ["evidence", "resume_point", "allowance", "continuation", "seam"])
def test_every_example_gives_what_it_shows(name: str) -> None:
    module = importlib.import_module(f"cortex_actors.streaming.recovery.{name}")
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0
