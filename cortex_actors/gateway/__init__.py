"""The gateway as one thing: settings in, a running actor tree out, and the few calls the front end makes.

    gateway        Gateway: start, open_stream, complete, embed, the views, drain, stop
    parts          what outlives every actor: providers, rosters, boards, names
    composition    the tree: which actor stands where, under whom, with which arguments
    bookkeeping    the end of a stream: one count, one log line
    probes         the answers to health questions

May import: everything below the web. Imported by: web.
"""

from cortex_actors.gateway.gateway import Gateway
from cortex_actors.gateway.probes import HealthView, Probe

__all__ = ["Gateway", "HealthView", "Probe"]
