"""The request as a handler sees it: what the server gave, the gateway, and nothing parsed in advance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from wsgiref.types import WSGIEnvironment

from cortex_actors.dispatch.messages import StreamEnd
from cortex_actors.dispatch.stream import Stream
from cortex_actors.errors import CortexError
from cortex_actors.gateway import Gateway
from cortex_actors.settings import Settings
from cortex_actors.web.body import BodyReader, json_object
from cortex_actors.web.caller import SocketCaller
from cortex_actors.web.identity import Identity, identity_of
from cortex_actors.web.responses import Response

#: Where the request id and the trace of a request are kept in its environ, and the settings it is served by.
REQUEST_ID = "cortex.request_id"
TRACE = "cortex.trace"
SETTINGS = "cortex.settings"


@dataclass(slots=True)
class Trace:
    """What a request leaves behind for its line in the log."""

    stream: Stream | None = None
    end: StreamEnd | None = None
    #: The id of a stream that was read to its end here.
    stream_id: str | None = None
    error: CortexError | None = None
    #: The caller had left before there was anything to send.
    left: bool = False


@dataclass(slots=True)
class Request:
    """One request, for the time of one handler."""

    environ: WSGIEnvironment
    gateway: Gateway
    settings: Settings
    bodies: BodyReader
    request_id: str
    caller: SocketCaller
    trace: Trace = field(default_factory=Trace)

    @property
    def method(self) -> str:
        """GET, POST, ..."""
        return str(self.environ["REQUEST_METHOD"])

    @property
    def path(self) -> str:
        """The path without a slash at its end, so that /api/health/ is /api/health."""
        return path_of(self.environ)

    @property
    def identity(self) -> Identity:
        """Who asks."""
        return identity_of(self.environ)

    @property
    def accept(self) -> str | None:
        """The Accept header."""
        return self.environ.get("HTTP_ACCEPT")

    def json(self) -> dict[str, Any]:
        """The JSON object that the body is."""
        return json_object(self.bodies.read(self.environ), self.environ.get("CONTENT_TYPE") or "")

    def optional_json(self) -> dict[str, Any]:
        """The JSON object that the body is, or an empty one where there is no body."""
        data = self.bodies.read(self.environ)
        return json_object(data, self.environ.get("CONTENT_TYPE") or "") if data.strip() else {}


def settings_of(environ: WSGIEnvironment) -> Settings:
    """The settings a request is served by: those in force when it came, whatever is reloaded meanwhile."""
    found = environ[SETTINGS]
    assert isinstance(found, Settings)
    return found


def path_of(environ: WSGIEnvironment) -> str:
    """The path that routing, access and the shape of errors all go by."""
    path: str = environ.get("PATH_INFO", "")
    return path.rstrip("/") or "/"


Handler = Callable[[Request], Response]
