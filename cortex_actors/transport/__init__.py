"""The road to a provider: one HTTP exchange, opened, read piece by piece, cancelled from anywhere.

Belongs here: everything that touches an upstream socket; the only home of requests and urllib3.
May import:   errors.
Imported by:  providers (the request value, and the mock), dispatch (exchanges), gateway (makes transports).
"""

from cortex_actors.transport.http_transport import HTTPTransport
from cortex_actors.transport.interface import Exchange, Transport, UpstreamRequest, UpstreamResponse

__all__ = ["Exchange", "HTTPTransport", "Transport", "UpstreamRequest", "UpstreamResponse"]
