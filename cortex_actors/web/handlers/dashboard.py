"""The dashboard: one page and what it is made of, all from the package; nothing is built and nothing fetched.

GET /dashboard             the page, for everybody: it holds no data (also at /dev/dashboard)
GET /dashboard/{file}      its scripts, styles and pictures

The page reads /api/dashboard/feed and orders through /api/admin, with the token that is typed into it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

from cortex_actors.errors import NotFound
from cortex_actors.web.request import Request
from cortex_actors.web.responses import Response

#: The files below are known by what follows this.
FILES = "/dashboard/"

_PAGE = "dashboard.html"

_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "LICENSE": "text/plain; charset=utf-8",
}

#: Its own files alone, also where somebody manages to write markup into a name.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is sent; the tag changes with the content."""

    content: bytes
    content_type: str
    tag: str


def dashboard(request: Request) -> Response:
    """GET /dashboard"""
    return _sent(request, _ASSETS[_PAGE])


def dashboard_file(request: Request) -> Response:
    """GET /dashboard/{file}"""
    asset = _ASSETS.get(request.path.removeprefix(FILES))
    if asset is None:
        raise NotFound("The dashboard has no such file.")
    return _sent(request, asset)


def _sent(request: Request, asset: Asset) -> Response:
    headers = [("ETag", asset.tag), ("Cache-Control", "no-cache"), ("Content-Security-Policy", _POLICY)]
    if request.environ.get("HTTP_IF_NONE_MATCH") == asset.tag:
        return Response(304, [], headers)
    about = [("Content-Type", asset.content_type), ("Content-Length", str(len(asset.content)))]
    return Response(200, [asset.content], [*about, *headers])


def _assets(folder: Traversable, prefix: str = "") -> dict[str, Asset]:
    """Every file of the folder by its path in it, read once: a table has no paths to climb out of."""
    found: dict[str, Asset] = {}
    for entry in folder.iterdir():
        if entry.is_dir():
            found |= _assets(entry, f"{prefix}{entry.name}/")
        elif content_type := _TYPES.get(entry.name.rpartition(".")[2]):
            content = entry.read_bytes()
            tag = hashlib.sha256(content).hexdigest()[:32]
            found[prefix + entry.name] = Asset(content, content_type, f'"{tag}"')
    return found


_ASSETS: Mapping[str, Asset] = _assets(files("cortex_actors.web") / "static")
