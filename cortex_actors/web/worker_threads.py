"""The worker of `threads` mode: gunicorn's gthread, with a drain before its end."""

from __future__ import annotations

from gunicorn.workers.gthread import ThreadWorker

from cortex_actors.web.server import Draining


class DrainingThreadWorker(Draining, ThreadWorker):
    """One thread a request, from a pool larger than the number of streams."""
