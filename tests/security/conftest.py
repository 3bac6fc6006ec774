"""One daemon a mode, with keys, short limits on slow callers, and a provider that says what a test wants.

Every test leaves it serving; at its end no key is in its log and nothing unexpected happened.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from cortex_actors.settings.caller_keys import digest_of
from cortex_actors.settings.toml_text import toml_value
from tests.live.daemon import Daemon
from tests.live.settings_file import provider, settings
from tests.upstream import ScriptedUpstream, openai_stream
from tests.web.keys import ADMIN, ALICE, OPERATOR

#: What the provider wants to see; it looks like nothing that a pattern would know.
UPSTREAM_KEY = "canary/upstream+secret=of:many&words"

#: Seconds a caller may take for a head, and for a body.
SLOWEST = 1.0

#: Fewer threads than there are slow callers; in `gevent` mode an idle connection has the time of a head.
SERVER = {
    "max_streams": 16,
    "spare_threads": 4,
    "head_timeout": SLOWEST,
    "body_timeout": SLOWEST,
    "keep_alive": 5.0,
}

_numbers = count(1)


def caller(name: str, key: str, **more: object) -> str:
    """The table of a caller."""
    fields = {"name": name, "key_sha256": digest_of(key), "requests_per_minute": 0, **more}
    return "\n".join(
        ["[[callers]]", *(f"{name} = {toml_value(value)}" for name, value in fields.items()), ""]
    )


@pytest.fixture(scope="session", params=["threads", "gevent"])
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def upstream() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream() as upstream:
        upstream.default = openai_stream(["Ho", "la"], usage=(9, 2))
        yield upstream


@pytest.fixture(scope="session")
def shared(
    mode: str, upstream: ScriptedUpstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Daemon]:
    text = settings(
        provider("one", upstream.url, keys_env="ONE_KEYS"),
        server=SERVER,
        retry={"backoff": 0.01, "backoff_max": 0.05},
    )
    text += caller("alice", ALICE) + caller("ops", OPERATOR, operator=True)
    environ = {"CORTEX_ADMIN__TOKEN": ADMIN, "ONE_KEYS": UPSTREAM_KEY}
    with Daemon(text, tmp_path_factory.mktemp("daemon"), mode=mode, environ=environ) as daemon:
        yield daemon
        daemon.terminate()
        assert daemon.wait() == 0
        daemon.assert_no_traceback()
        log = "".join(daemon.log)
        assert not [key for key in (ALICE, OPERATOR, ADMIN, UPSTREAM_KEY) if key in log]


@pytest.fixture
def daemon(shared: Daemon) -> Iterator[Daemon]:
    """The daemon of this mode; it must still be well after the test."""
    yield shared
    assert shared.get("/readyz").status == 200
    assert not shared.lines(" ERROR ")
    shared.assert_no_traceback()


@pytest.fixture
def model() -> str:
    """A model that no other test asks for."""
    return f"model-{next(_numbers)}"
