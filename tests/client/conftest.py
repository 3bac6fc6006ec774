"""A scripted upstream and clients of it, closed after the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from cortex_actors.client import Client, Context
from tests.client import LONG, document
from tests.upstream import ScriptedUpstream

#: Endpoints first, then options of the context; `manifest` holds what the manifest says besides.
Connect = Callable[..., Client]


@pytest.fixture
def upstream() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream() as upstream:
        yield upstream


@pytest.fixture
def connect(upstream: ScriptedUpstream) -> Iterator[Connect]:
    """Makes clients of the upstream that never wait long, and never pause between attempts."""
    with ExitStack() as stack:

        def connect(
            *endpoints: dict[str, Any], manifest: dict[str, Any] | None = None, **options: Any
        ) -> Client:
            context = {"base_url": upstream.url, "timeouts": LONG, "sleep": lambda seconds: None, **options}
            client = Client(document(*endpoints, **(manifest or {})), Context(**context))
            return stack.enter_context(client)

        yield connect
