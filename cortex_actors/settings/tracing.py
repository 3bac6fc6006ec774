"""Where traces go, if anywhere.

Imports:  keys, texts.
Imported by: model, and through `cortex_actors.settings` by every layer above.
"""

from __future__ import annotations

from dataclasses import dataclass

from cortex_actors.settings import texts
from cortex_actors.settings.keys import setting


@dataclass(frozen=True, slots=True)
class TracingSettings:
    """Traces and GenAI metrics for OpenTelemetry; they carry no prompt and no answer."""

    endpoint: str = setting(
        "",
        'Root of an OTLP collector over HTTP, such as "http://127.0.0.1:4318"; empty for none.',
        complaint=texts.collector_url,
    )
