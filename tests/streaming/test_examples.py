"""The examples in the documentation of the package are true."""

from __future__ import annotations

import doctest
import importlib
import inspect

import pytest

from cortex_actors import streaming

PUBLIC = [getattr(streaming, name) for name in streaming.__all__]


@pytest.mark.parametrize("public", PUBLIC, ids=streaming.__all__)
def test_every_public_name_has_an_example(public: object) -> None:
    assert ">>> " in (inspect.getdoc(public) or "")


@pytest.mark.parametrize("name", sorted({public.__module__ for public in PUBLIC}))
def test_every_example_gives_what_it_shows(name: str) -> None:
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted > 0
    assert result.failed == 0
