"""Destinations: fields by which other gateways let a caller choose the server, its headers or its key.

A field that nobody here knows goes along for providers that speak OpenAI's API, and such a provider may be a
gateway too. One that obeyed these fields would send our operator's requests, with its keys, wherever a caller
likes; so they are refused.
"""

from __future__ import annotations

from collections.abc import Iterable

from cortex_actors.web.fields import Fields

#: In lower case and without what stands between words: base_url, baseURL and base-url are one.
_DESTINATIONS = frozenset(
    {
        "apibase", "baseurl", "apiurl", "url", "endpoint", "azureendpoint", "awsbedrockruntimeendpoint",
        "host", "proxy", "apikey", "organization", "headers", "extraheaders", "defaultheaders",
        "litellmparams", "userconfig", "modellist",
    }
)  # fmt: skip


def refuse_destinations(fields: Fields, names: Iterable[str]) -> None:
    """Raises InvalidRequest for the first of these names that says where a request goes, or as whom."""
    for name in names:
        if (
            name.lower().replace("_", "").replace("-", "") in _DESTINATIONS
            and fields.values[name] is not None
        ):
            raise fields.refuse(name, "is for the operator to say: callers choose a model, not a server")
