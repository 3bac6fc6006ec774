"""The wall's log as a drill reads it, over HTTP, with the wall's clock set right."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from urllib.parse import quote

from cortex_actors.drill.caller import fetch
from cortex_actors.drill.wall_log import Entry, entry
from cortex_actors.transport import Transport


class WallClient:
    """Asks one wall; any thread may."""

    def __init__(self, url: str, transport: Transport, clock: Callable[[], float] = time.time) -> None:
        self.url = url.rstrip("/")
        self._transport = transport
        self._clock = clock

    def entries(self, mark: str) -> tuple[Entry, ...]:
        """The requests with this mark, oldest first."""
        status, body = fetch(self._transport, "GET", f"{self.url}/_wall/log?mark={quote(mark)}")
        if status != 200:
            raise ValueError(f"the wall answered {status}")
        told = json.loads(body)
        skew = float(told["now"]) - self._clock()
        return tuple(entry(payload, skew) for payload in told["requests"])
