"""Where Ollama servers are, from the names that Ollama's users already have in their environment.

Imports:  environment, given, keys, mistakes, model.
Imported by: providers_in_environment.
"""

from __future__ import annotations

from functools import partial

from cortex_actors.settings.environment import Environment, place, said
from cortex_actors.settings.given import Given, take
from cortex_actors.settings.keys import keys_of
from cortex_actors.settings.mistakes import Mistakes
from cortex_actors.settings.model import ProviderSettings

#: Each may be a list; a server that several of them name counts once.
URL_NAMES = ("OLLAMA_BASE_URL", "OLLAMA_URLS", "LOCAL_OLLAMA_URLS", "OLLAMA_HOST", "OLLAMA_API_BASE")
_PORT = 11434
#: Addresses that mean "listen everywhere" to a server and "this machine" to its client.
_EVERYWHERE = {"0.0.0.0", "[::]", ""}


def ollama_urls(environ: Environment, mistakes: Mistakes) -> list[Given]:
    """The servers named in the environment, in order, each with the name that gave it."""
    found: dict[str, Given] = {}
    for name in URL_NAMES:
        for text in filter(None, map(str.strip, said(environ, name).split(","))):
            convert = partial(keys_of(ProviderSettings)["base_url"].convert, as_url(text))
            given = take("base_url", convert, place(name), mistakes)
            if given:
                found.setdefault(given.value, given)
    return list(found.values())


def as_url(text: str) -> str:
    """The URL of an Ollama server, from a URL or from a bare `host`, `host:port` or `:port`.

    >>> as_url("0.0.0.0"), as_url("gpu.lan:8080"), as_url("https://ollama.example/")
    ('http://localhost:11434', 'http://gpu.lan:8080', 'https://ollama.example')
    """
    scheme, separator, rest = text.rstrip("/").rpartition("://")
    if separator:
        address, slash, path = rest.partition("/")
    else:
        address, slash, path = rest, "", ""
    host, colon, port = _split(address)
    if host in _EVERYWHERE:
        host = "localhost"
    if not separator and not colon:
        colon, port = ":", str(_PORT)
    return f"{scheme or 'http'}://{host}{colon}{port}{slash}{path}"


def _split(address: str) -> tuple[str, str, str]:
    """Host, colon and port; a bracketed IPv6 address keeps its own colons."""
    end = address.rfind("]") + 1
    host, colon, port = address[end:].partition(":")
    return address[:end] + host, colon, port
