"""What the gateway counts; the only user of prometheus-client.

    metrics     Metrics: one registry, every counter and histogram, one method for each thing that happens
    gaps        the gaps between pieces of an answer: counted on the stream's own thread, added up at its end
    scraped     figures that are kept elsewhere anyway, and read when somebody looks

May import: nothing of the project. Imported by: dispatch, gateway.

Labels take values from settings and from our own enums only: no caller can add a series.
"""

from cortex_actors.metrics.gaps import Gaps
from cortex_actors.metrics.metrics import NOBODY, Metrics

__all__ = ["NOBODY", "Gaps", "Metrics"]
