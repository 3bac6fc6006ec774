"""Surfaces: which API a path belongs to, and so what an error looks like there."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cortex_actors.errors import CortexError
from cortex_actors.web.anthropic.responses import error_response as anthropic_error
from cortex_actors.web.openai.errors import error_response as openai_error
from cortex_actors.web.responses import Response
from cortex_actors.web.responses import error_response as own_error

ErrorResponse = Callable[[CortexError, str], Response]

#: What a failure looks like under these paths, the first that fits; elsewhere it has our own shape.
ERRORS: Sequence[tuple[str, ErrorResponse]] = (
    ("/v1/messages", anthropic_error),
    ("/v1", openai_error),
)


def error_response(path: str, error: CortexError, request_id: str) -> Response:
    """The error as the callers of this path expect it."""
    return next((shape for place, shape in ERRORS if is_under(path, place)), own_error)(error, request_id)


def is_under(path: str, place: str) -> bool:
    """Whether a path is this place, or lies below it."""
    return f"{path}/".startswith(f"{place}/")
