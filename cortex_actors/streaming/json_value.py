"""One JSON text into a value, with one name for everything that can be wrong with it.

`NaN` and `Infinity` are let through: servers written in Python send them among log probabilities, and the
text beside them is worth having.

Imports:  errors of this package.
"""

from __future__ import annotations

import json
from typing import Any

from cortex_actors.streaming.errors import NotJSON, Undecodable


def parse_json(text: str) -> Any:
    """The value of `text`; raises NotJSON, also for nesting or numbers beyond what Python reads.

    >>> parse_json('{"a": [1, null]}')
    {'a': [1, None]}
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise NotJSON(text) from error


def parse_or_mark(text: str) -> Any:
    """The value of `text`, or an `Undecodable` in its place.

    >>> parse_or_mark('{"a": ')
    Undecodable(text='{"a": ')
    """
    try:
        return parse_json(text)
    except NotJSON as error:
        return Undecodable(error.text)
