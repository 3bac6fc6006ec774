"""What may stand behind the question mark, one name at a time; nonsense is a 400 that names it."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import parse_qs

from cortex_actors.errors import Forbidden, InvalidRequest
from cortex_actors.web.request import Request

_YES = frozenset({"1", "true", "yes", "on", ""})
_NO = frozenset({"0", "false", "no", "off"})

#: Most parameters that are read.
_MOST = 32


def text(request: Request, name: str) -> str | None:
    """The last value of a parameter; None where it is missing."""
    query = request.environ.get("QUERY_STRING", "")
    try:
        values = parse_qs(query, keep_blank_values=True, max_num_fields=_MOST).get(name)
    except ValueError:
        raise InvalidRequest(f"There are more than {_MOST} parameters.") from None
    return values[-1] if values else None


def flag(request: Request, name: str, *, default: bool = False) -> bool:
    """Whether a parameter says yes; a bare `?name` does."""
    said = text(request, name)
    if said is None:
        return default
    if said.lower() in _YES:
        return True
    if said.lower() in _NO:
        return False
    raise InvalidRequest("It must be true or false.", field=name)


def word(request: Request, name: str, words: Sequence[str]) -> str:
    """One of these words, the first where nothing is said."""
    said = text(request, name)
    if said is None:
        return words[0]
    if said in words:
        return said
    raise InvalidRequest(f"It must be one of {', '.join(words)}.", field=name)


def number(request: Request, name: str, default: int, most: int) -> int:
    """A whole number from 0; more than `most` is taken for that."""
    said = text(request, name)
    if said is None:
        return default
    if not (said.isascii() and said.isdecimal() and len(said) <= 18):
        raise InvalidRequest("It must be a whole number, 0 or more.", field=name)
    return min(int(said), most)


def detailed(request: Request) -> bool:
    """Whether `?detailed=true` is asked for. Raises Forbidden for who is no operator."""
    if not flag(request, "detailed"):
        return False
    if not request.identity.operator:
        raise Forbidden("Details are for operators.")
    return True
