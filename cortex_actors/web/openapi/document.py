"""The whole OpenAPI 3.1 document, made once."""

from __future__ import annotations

from typing import Any

from cortex_actors import __version__
from cortex_actors.web.openapi.answers import ANSWERS
from cortex_actors.web.openapi.operations import OPERATIONS
from cortex_actors.web.openapi.requests import REQUESTS

_ABOUT = (
    "A streaming gateway for language models. A stream that was accepted ends as exactly what it is: "
    "complete, or with one error that says why."
)

DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Cortex Actors", "version": __version__, "description": _ABOUT},
    "tags": [
        {"name": "chat", "description": "Answers, streamed or whole"},
        {"name": "openai", "description": "The OpenAI API"},
        {"name": "anthropic", "description": "The Anthropic API"},
        {"name": "health", "description": "Probes"},
        {"name": "operator", "description": "Views of a running gateway; they ask no actor"},
        {"name": "admin", "description": "Orders, with the admin token"},
        {"name": "about", "description": "Documents"},
    ],
    "paths": OPERATIONS,
    "components": {
        "schemas": {**REQUESTS, **ANSWERS},
        "securitySchemes": {
            "bearer": {"type": "http", "scheme": "bearer"},
            "key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
        },
    },
    # Nothing at all where no caller has a key: a gateway on loopback is open.
    "security": [{"bearer": []}, {"key": []}, {}],
}
