"""Daemons for tests: one a file and mode, which every test must leave as it found it; others on demand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.live import framings
from tests.live.daemon import Daemon, wait_until
from tests.live.framings import Framing
from tests.live.settings_file import QUICK, provider, settings
from tests.upstream import ScriptedUpstream

_numbers = count(1)

Launch = Callable[..., Daemon]


@pytest.fixture(scope="module", params=["threads", "gevent"])
def mode(request: pytest.FixtureRequest) -> str:
    """How the daemon serves its requests."""
    return str(request.param)


@pytest.fixture(params=framings.ALL, ids=lambda framing: framing.name)
def framing(request: pytest.FixtureRequest) -> Framing:
    """How the caller wants its answer."""
    asked: Framing = request.param
    return asked


@pytest.fixture(scope="module")
def upstream() -> Iterator[ScriptedUpstream]:
    """Behind the provider `one`."""
    with ScriptedUpstream() as upstream:
        yield upstream


@pytest.fixture(scope="module")
def spare() -> Iterator[ScriptedUpstream]:
    """Behind the provider `two`, which is asked when `one` fails."""
    with ScriptedUpstream() as upstream:
        yield upstream


@pytest.fixture
def model() -> str:
    """A model that no other test asks for: its script and its requests belong to this test."""
    return f"model-{next(_numbers)}"


@pytest.fixture(scope="module")
def configured(upstream: ScriptedUpstream, spare: ScriptedUpstream) -> str:
    """The settings of the daemon of this file; a test file may have its own."""
    return settings(provider("one", upstream.url, priority=1), provider("two", spare.url, priority=2))


@pytest.fixture(scope="module")
def backdoor() -> bool:
    """Whether the daemon of this file has the routes of `chaos`; a test file may have its own."""
    return False


@pytest.fixture(scope="module")
def pool_threads() -> int:
    """How many threads the daemon of this file serves from at most; a test file may have other settings."""
    server, readers = QUICK["server"], QUICK["journal"]["max_readers"]
    return int(server["max_streams"] + server["spare_threads"] + server["max_followers"] + readers)


@pytest.fixture(scope="module")
def environ() -> dict[str, str]:
    """The environment of the daemon of this file, as for keys; a test file may have its own."""
    return {}


@pytest.fixture(scope="module")
def shared(
    mode: str,
    configured: str,
    environ: dict[str, str],
    backdoor: bool,
    pool_threads: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Daemon]:
    """The daemon of this file. It must end well, with nothing unexpected in its log."""
    folder = tmp_path_factory.mktemp("daemon")
    with Daemon(configured, folder, mode=mode, environ=environ, backdoor=backdoor) as daemon:
        daemon.warm_up(pool_threads)
        yield daemon
        daemon.terminate()
        assert daemon.wait() == 0
        daemon.assert_no_traceback()


@pytest.fixture
def daemon(shared: Daemon, upstream: ScriptedUpstream, spare: ScriptedUpstream) -> Iterator[Daemon]:
    """The daemon of this file; at the end of a test nothing of the test may be left in it."""
    yield shared
    wait_until(
        lambda: _idle(upstream) and _idle(spare), "a request upstream was neither answered nor given up"
    )
    shared.assert_settled()


@pytest.fixture
def launch(mode: str, tmp_path: Path) -> Iterator[Launch]:
    """Starts daemons of the test's own."""
    with ExitStack() as stack:

        def start(text: str, **how: Any) -> Daemon:
            folder = tmp_path / str(next(_numbers))
            folder.mkdir()
            return stack.enter_context(Daemon(text, folder, mode=mode, **how))

        yield start


def _idle(upstream: ScriptedUpstream) -> bool:
    return all(each.answered.is_set() or each.closed.is_set() for each in list(upstream.requests))
