"""Promises of the client, kept over real sockets against `tests.upstream`.

P-1 to P-17 in comments are mistakes of an earlier client of this kind; the test beside one would catch it.
"""

from __future__ import annotations

from typing import Any

from cortex_actors.client import Manifest, load_manifest
from cortex_actors.client.manifest.mistakes import ManifestError

#: Seconds no passing test ever waits: what is proved to end "at once" ends before this.
LONG = 30.0

STREAM: dict[str, Any] = {
    "id": "stream_chat",
    "method": "POST",
    "path": "/chat/completions",
    "resource": "chat",
    "streaming": True,
}
PLAIN: dict[str, Any] = {"id": "get_thing", "method": "GET", "path": "/things/{id}", "resource": "things"}


def document(*endpoints: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A manifest as data."""
    return {"name": "demo", "version": "1", "types": {}, "endpoints": list(endpoints), **more}


def manifest(*endpoints: dict[str, Any], **more: Any) -> Manifest:
    """A manifest, read."""
    return load_manifest(document(*endpoints, **more))


def mistakes(source: Any) -> list[str]:
    """Everything that is wrong with a manifest."""
    try:
        load_manifest(source)
    except ManifestError as error:
        return [str(mistake) for mistake in error.mistakes]
    return []
