"""What a provider's rate limit headers say: passed on to the caller, who may want to slow down.

    x-ratelimit-remaining-requests: 59             OpenAI, Groq, Mistral, xAI and many servers like them
    anthropic-ratelimit-tokens-remaining: 4000     Anthropic

Only what cannot do any harm in a header of ours is kept: few names, short values of printable ASCII.

Imports:     nothing of the package.
Imported by: dispatch.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

#: More than any provider is known to send.
MOST = 24

_NAME = re.compile(r"(?:x|anthropic)-ratelimit-([a-z0-9-]{1,48})")
_VALUE = re.compile(r"[\x20-\x7e]{1,64}")


def rate_limits(headers: Mapping[str, str]) -> dict[str, str]:
    """The limits by their names without what all of them begin with; names in lower case."""
    found: dict[str, str] = {}
    for name, value in headers.items():
        limit = _NAME.fullmatch(name.lower())
        if limit and len(found) < MOST and _VALUE.fullmatch(value.strip()):
            found[limit[1]] = value.strip()
    return found
