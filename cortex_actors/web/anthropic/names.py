"""Names: what the layers below call a field, in the words of whoever wrote it.

    user                           metadata.user_id
    messages[3].tool_calls[0]...   messages[1].content[2]

A refusal from below and the list of what was dropped are of no use in words that the caller did not write.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from cortex_actors.errors import InvalidRequest

_WORDS: Mapping[str, str] = {
    "user": "metadata.user_id",
    "stop": "stop_sequences",
    "output_config": "output_config.effort",
    "parallel_tool_calls": "tool_choice.disable_parallel_tool_use",
    "response_format": "output_config.format",
    "tools.function.strict": "tools.strict",
}

_OF_A_MESSAGE = re.compile(r"messages\[(\d+)\]")


def in_their_words(field: str, origins: Sequence[str]) -> str:
    """The caller's name for a field; `origins` says where each message of the request came from."""
    found = _OF_A_MESSAGE.match(field)
    if found is not None and int(found[1]) < len(origins):
        return origins[int(found[1])]
    return _WORDS.get(field, field)


def refusal_in_their_words(error: InvalidRequest, origins: Sequence[str]) -> InvalidRequest:
    """The same refusal with the name that the caller knows; what was tried before it stays with it."""
    if error.field is None:
        return error
    translated = InvalidRequest(error.details, field=in_their_words(error.field, origins), title=error.title)
    translated.attempts = error.attempts
    return translated
