"""What instances share of resumable streams: the parts that there are only with a journal in Redis.

    gate         whether readers wait for Redis
    mirror       copies the journals that are written here
    elsewhere    streams that other instances run

Runs on:   whoever starts and stops the gateway; the parts on threads of their own, see there.
"""

from __future__ import annotations

import logging
import secrets
import socket
from collections.abc import Callable

from cortex_actors.errors import SettingsError
from cortex_actors.gateway.follower import GoOn
from cortex_actors.gateway.resumption import Asking
from cortex_actors.journal.gate import Gate
from cortex_actors.journal.journal import Journal
from cortex_actors.journal.mirror import Mirror
from cortex_actors.journal.parcels import PATIENCE, Place
from cortex_actors.journal.shelf import Shelf
from cortex_actors.settings import Settings

_log = logging.getLogger(__name__)

#: How long Redis may take to get the last events of this instance, in seconds.
_FAREWELL = 2.0


class Sharing:
    """The way to Redis, and what is found there."""

    def __init__(self, settings: Settings, shelf: Shelf, go_on: Callable[[Asking, GoOn], None]) -> None:
        try:
            from cortex_actors.gateway.elsewhere import Elsewhere
            from cortex_actors.journal.redis_streams import RedisStreams
        except ImportError as error:
            needed = "journal.backend is redis, which needs its library: pip install cortex-actors[redis]"
            raise SettingsError((needed,)) from error
        said, redis = settings.journal, settings.redis
        password = redis.password.reveal() if redis.password else None
        place = Place(redis.url, password, said.prefix, said.ttl, said.lease)
        self._redis = RedisStreams(place, f"{socket.gethostname()}-{secrets.token_hex(8)}")
        self.gate = Gate(redis.timeout)
        self.mirror = Mirror(
            self._redis, self.gate, lease=said.lease, ttl=said.ttl, retry_every=redis.retry_every
        )
        self.elsewhere = Elsewhere(
            self._redis,
            shelf,
            limit=said.stream_bytes,
            # Every instance needs so long to renew its leases after Redis was away.
            settle=redis.retry_every + 2 * PATIENCE,
            go_on=go_on,
        )
        shelf.on_drop = self.mirror.forget

    def give_up(self, journal: Journal) -> bool:
        """Lets another instance go on with a stream at once; False when Redis does not hear of it."""
        return self.mirror.release(journal, _FAREWELL)

    def close(self) -> None:
        """Writes what is still to be written, and stops."""
        if not self.mirror.flush(_FAREWELL):
            _log.warning("the journal in Redis lacks the last events")
        self.mirror.close()
        self._redis.close()
