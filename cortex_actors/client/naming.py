"""Names in Python for what a manifest calls in its own way.

    resource "chat", id "chat_completions"                              client.chat.completions
    resource "users", id "get_user"                                     client.users.get
    resource "chat", id "stream_chat", path "/chat/completions"         client.chat.completions

The method is what is left of the id without the resource and without "stream"; where nothing is left, the
last fixed part of the path. Where two endpoints of a resource would have one name, both keep their whole id.

Imports:  the model of manifests.
"""

from __future__ import annotations

import keyword
import re
from collections import Counter
from collections.abc import Iterable

from cortex_actors.client.manifest.model import Endpoint

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+|[0-9]+")
_PARAMETER = re.compile(r"\{.*\}|:.*")


def words(text: str) -> list[str]:
    """The words of a name, in lower case.

    >>> words("getHTTPUser_by-id"), words("/v1/chat.completions")
    (['get', 'http', 'user', 'by', 'id'], ['v1', 'chat', 'completions'])
    """
    return [word.lower() for word in _WORD.findall(text)]


def identifier(text: str) -> str:
    """A name for a variable, a parameter or a method.

    >>> identifier("userId"), identifier("from"), identifier("2fa"), identifier("¿?")
    ('user_id', 'from_', '_2fa', '_')
    """
    if text.isidentifier() and text.islower():
        return f"{text}_" if keyword.iskeyword(text) else text
    name = "_".join(words(text)) or "_"
    name = f"_{name}" if name[0].isdigit() else name
    return f"{name}_" if keyword.iskeyword(name) else name


def class_name(text: str) -> str:
    """A name for a class.

    >>> class_name("chat_completions"), class_name("ChatRequest"), class_name("HTTPError"), class_name("3d")
    ('ChatCompletions', 'ChatRequest', 'HTTPError', '_3d')
    """
    if text.isidentifier() and text[0].isupper():
        return text
    name = "".join(word[:1].upper() + word[1:] for word in words(text)) or "_"
    return name if name.isidentifier() and not keyword.iskeyword(name) else f"_{name}"


def method_names(endpoints: Iterable[Endpoint]) -> dict[str, str]:
    """Endpoint id -> the name of its method, for the endpoints of one resource."""
    endpoints = tuple(endpoints)
    short = {endpoint.id: _short_name(endpoint) for endpoint in endpoints}
    taken = Counter(short.values())
    return {id: name if taken[name] == 1 else identifier(id) for id, name in short.items()}


def variants(endpoint: Endpoint, name: str) -> tuple[str, ...]:
    """All methods an endpoint gives."""
    names = [name]
    if endpoint.streaming:
        names.append(f"{name}_stream")
    if endpoint.asynchronous:
        names.append(f"{name}_async")
    return tuple(names)


def _short_name(endpoint: Endpoint) -> str:
    resource = words(endpoint.resource or "")
    known = {"stream", *resource, *(word.removesuffix("s") for word in resource)}
    left = [word for word in words(endpoint.id) if word not in known]
    if left:
        return identifier("_".join(left))
    fixed = [part for part in endpoint.path.split("/") if part and not _PARAMETER.fullmatch(part)]
    return identifier(fixed[-1]) if fixed else identifier(endpoint.id)
