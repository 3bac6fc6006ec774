"""The gateway as one thing: settings in, a running actor tree out, and the few calls the front end makes.

    gateway        Gateway: start, open_stream, complete, embed, the views, drain, stop
    parts          what outlives every actor: providers, rosters, boards, names
    composition    the tree: which actor stands where, under whom, with which arguments
    bookkeeping    the books of each request: one count, one log line; `request_trace` for a tracer
    probes         the answers to health questions

    views          what operators see of running streams; `rates` of the last minute, `process` of the process
    chronicle      what becomes of actors, providers and keys, as events and figures; `audience` follows them
    gauges         figures that are kept anyway, for whoever scrapes

    reload         other settings while it runs: `changes` says what they mean, `changeover` puts them into
                   force, `roll` lets providers come and go
    administration what operators may do: `operators` with actors, `provider_orders` with providers; `audit`
                   writes it down

    resumable      streams that callers come back to: `pump` fills their journals, `sharing` is what instances
                   share of them, `elsewhere` and `follower` are streams of other instances, `resumption` what
                   all of them need from the front end

May import: everything below the web. Imported by: web.
"""

from cortex_actors.gateway.gateway import Gateway
from cortex_actors.gateway.probes import HealthView, Probe

__all__ = ["Gateway", "HealthView", "Probe"]
