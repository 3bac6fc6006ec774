"""The examples in the documentation of the pipeline and its stages are true."""

from __future__ import annotations

import doctest
import importlib

import pytest

from cortex_actors.streaming import stages


@pytest.mark.parametrize("name", ["meter", "pipeline", "stages.patterns"])
def test_every_example_gives_what_it_shows(name: str) -> None:
    result = doctest.testmod(importlib.import_module(f"cortex_actors.streaming.{name}"))
    assert result.attempted > 0
    assert result.failed == 0


def test_every_public_name_says_what_it_is() -> None:
    values = {"SKIP", "Policy", "Transform", "Validate"}  # no place for a docstring
    assert [name for name in stages.__all__ if name not in values and not getattr(stages, name).__doc__] == []
