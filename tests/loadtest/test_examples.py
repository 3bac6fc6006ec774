"""The examples in the documentation of the load test are true."""

from __future__ import annotations

import doctest
import importlib

import pytest


@pytest.mark.parametrize("name", ["histogram", "judgement", "option_values", "refusal", "report", "scenario"])
def test_every_example_gives_what_it_shows(name: str) -> None:
    result = doctest.testmod(importlib.import_module(f"cortex_actors.loadtest.{name}"))
    assert result.attempted > 0
    assert result.failed == 0
