"""The cluster: the same question to every instance, each on a thread of its own, none waited for long.

What one instance cannot say (it is down, it hangs, it refuses the key) is told in its place: a view with a
hole in it must show the hole.

Runs on:   the request's thread, which waits for those that ask; at most `_PATIENCE` seconds.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence

from cortex_actors.errors import InvalidRequest, UpstreamError
from cortex_actors.transport import HTTPTransport, UpstreamRequest
from cortex_actors.web.payloads import Payload
from cortex_actors.web.request import Request

#: For all instances together, in seconds.
_PATIENCE = 2.0

#: Bytes of one instance's answer.
_MOST = 16 * 2**20

_NETWORK = HTTPTransport()


def everywhere(request: Request, path: str) -> list[Payload]:
    """What every instance answers at this path: {instance, ok, answer | error}, in the settings' order."""
    peers = request.settings.server.peers
    if not peers:
        raise InvalidRequest("No instances are configured; server.peers names them.", field="scope")
    return ask(peers, path, _credentials(request))


def ask(peers: Sequence[str], path: str, headers: dict[str, str]) -> list[Payload]:
    """Asks all peers at once."""
    told: dict[str, Payload] = {}

    def one(peer: str) -> None:
        told[peer] = _answer(peer, path, headers)

    threads = [threading.Thread(target=one, args=(peer,), daemon=True) for peer in peers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(_PATIENCE)
    late: Payload = {"ok": False, "error": "It did not answer in time."}
    return [{"instance": peer, **told.get(peer, late)} for peer in peers]


def _answer(peer: str, path: str, headers: dict[str, str]) -> Payload:
    exchange = _NETWORK.exchange(
        UpstreamRequest("GET", peer.rstrip("/") + path, headers),
        connect_timeout=_PATIENCE / 2,
        read_timeout=_PATIENCE / 2,
    )
    try:
        response = exchange.open()
        try:
            body = b""
            while len(body) < _MOST and (data := response.read()):
                body += data
        finally:
            response.close()
        answer = json.loads(body)
    except UpstreamError as error:
        return {"ok": False, "error": error.details or error.title}
    except ValueError:
        return {"ok": False, "error": "Its answer is not JSON."}
    if response.status != 200:
        return {"ok": False, "error": f"It answered {response.status}."}
    return {"ok": True, "answer": answer}


def _credentials(request: Request) -> dict[str, str]:
    """What the operator showed us: the others judge it themselves."""
    shown = {"authorization": "HTTP_AUTHORIZATION", "x-api-key": "HTTP_X_API_KEY"}
    return {header: request.environ[key] for header, key in shown.items() if key in request.environ}
