"""The table of foreign exceptions: no row hides another, and nothing unknown passes."""

from __future__ import annotations

from http.client import BadStatusLine, RemoteDisconnected

import pytest
from urllib3.exceptions import ProtocolError

from cortex_actors.errors import MalformedStream, TruncatedStream, UpstreamConnectError, UpstreamTimeout
from cortex_actors.transport.failures import _TRANSLATIONS, FOREIGN, Limits, translate

LIMITS = Limits(connect=1.0, read=2.0)


def test_every_row_is_reached() -> None:
    rows = [foreign for foreign, _, _ in _TRANSLATIONS]
    for index, row in enumerate(rows):
        assert not any(issubclass(row, earlier) for earlier in rows[:index]), row


def test_every_foreign_failure_has_a_row() -> None:
    rows = [foreign for foreign, _, _ in _TRANSLATIONS]
    assert set(FOREIGN) <= set(rows)


@pytest.mark.parametrize(
    ("error", "before", "inside"),
    [
        (RemoteDisconnected("gone"), UpstreamConnectError, TruncatedStream),
        (BadStatusLine("SSH"), MalformedStream, MalformedStream),
        (TimeoutError(), UpstreamTimeout, UpstreamTimeout),
        (ConnectionResetError(), UpstreamConnectError, TruncatedStream),
    ],
)
def test_what_matters_is_what_urllib3_wrapped(
    error: Exception, before: type[Exception], inside: type[Exception]
) -> None:
    wrapped = ProtocolError("Connection aborted.", error)
    assert type(translate(wrapped, LIMITS, phase="head")) is before
    assert type(translate(wrapped, LIMITS, phase="body")) is inside


def test_a_bug_is_not_a_failure_of_the_provider() -> None:
    with pytest.raises(TypeError):
        translate(KeyError("bug"), LIMITS, phase="head")
