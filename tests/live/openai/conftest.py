"""A daemon in front of every dialect, and a client of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from openai import OpenAI
from openai.types.chat import ChatCompletion

from tests.live.daemon import Daemon
from tests.live.openai.setup import HELLO, client_of, every_dialect, keys
from tests.upstream import ScriptedUpstream
from tests.upstream.dialects import DIALECTS, Dialect


@pytest.fixture(scope="module", params=["threads"])
def mode(request: pytest.FixtureRequest) -> str:
    """What differs between the modes lies below this surface; one smoke test is made in the other."""
    return str(request.param)


@pytest.fixture(scope="module")
def configured(upstream: ScriptedUpstream) -> str:
    return every_dialect(upstream.url)


@pytest.fixture(scope="module")
def environ() -> dict[str, str]:
    return keys()


@pytest.fixture(params=DIALECTS.values(), ids=DIALECTS)
def dialect(request: pytest.FixtureRequest) -> Dialect:
    """Who answers."""
    asked: Dialect = request.param
    return asked


@pytest.fixture
def client(daemon: Daemon) -> Iterator[OpenAI]:
    with client_of(daemon) as client:
        yield client


@pytest.fixture(params=["whole", "stream"])
def ask(request: pytest.FixtureRequest, client: OpenAI) -> Any:
    """Asks for a completion in both ways, which must not make a difference."""

    def whole(**fields: Any) -> ChatCompletion:
        return client.chat.completions.create(**{**HELLO, **fields})

    def streamed(**fields: Any) -> ChatCompletion:
        options = {"include_usage": True}
        with client.chat.completions.stream(**{**HELLO, "stream_options": options, **fields}) as stream:
            return stream.get_final_completion()

    return whole if request.param == "whole" else streamed
