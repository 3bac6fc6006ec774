"""The worker of `gevent` mode: gunicorn's gevent worker, with a drain before its end."""

from __future__ import annotations

from gunicorn.workers.ggevent import GeventWorker

from cortex_actors.web.server import Draining


class DrainingGeventWorker(Draining, GeventWorker):
    """One greenlet a connection."""
