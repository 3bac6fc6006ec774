"""Where the requests of a deployment go, and with which key: one value, which decides who shares a provider.

Imports:  fields, known_providers, request_defaults.
Imported by: deployments, providers.

What cannot be told for certain is no place at all: a request must never go, with its key, to another address
than the file says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from cortex_actors.migration import request_defaults
from cortex_actors.migration.fields import REFERENCE, Fields
from cortex_actors.migration.known_providers import KNOWN, KnownProvider
from cortex_actors.settings import ProviderTypeName, texts
from cortex_actors.settings.keys import LONGEST_WAIT
from cortex_actors.settings.provider_types import provider_type
from cortex_actors.settings.toml_text import toml_value

#: What our settings allow at most.
_MOST_STREAMS = 100_000

#: What people write for a server that wants no key.
_NO_KEYS = frozenset(
    {
        "none",
        "null",
        "empty",
        "dummy",
        "fake",
        "fake-key",
        "no-key",
        "not-needed",
        "na",
        "n/a",
        "x",
        "anything",
    }
)


@dataclass(frozen=True, slots=True)
class Upstream:
    """Where requests go, and how; deployments that are equal in all of this become one provider."""

    prefix: str
    type: ProviderTypeName
    base_url: str = ""
    #: The name of its key in the environment; nothing for the usual one.
    keys_env: str = ""
    #: A key that stands in the file itself. Only ever compared.
    secret: str = field(default="", repr=False)
    headers: tuple[tuple[str, str], ...] = ()
    #: As TOML, so that they can be compared.
    options: str = ""
    priority: int | None = None
    max_streams: int | None = None
    #: LiteLLM counts streams by deployment, so one that has a limit shares its provider with no other model.
    alone: str = ""
    total: float | None = None
    first_token: float | None = None

    @property
    def has_usual_keys(self) -> bool:
        """Whether its keys are where the settings look for those of its type anyway."""
        return not (self.keys_env or self.secret)


def upstream(prefix: str, model: str, params: Fields, environ: Mapping[str, str]) -> Upstream | None:
    """The place that the parameters name; None, and a note, where they do not."""
    known = KNOWN[prefix]
    base_url = _base_url(known, params, environ)
    if base_url is None:
        return None
    # OpenAI's client at another address is not OpenAI.
    type_ = "openai_compatible" if known.type == "openai" and base_url else known.type
    if type_ == "openai_compatible" and not base_url:
        params.refuse("api_base", "it is missing, and this provider has no address of its own")
        return None
    keys_env, secret = _key(known, type_, params, environ)
    most = params.whole("max_parallel_requests", least=1, most=_MOST_STREAMS)
    return Upstream(
        prefix=prefix,
        type=type_,
        base_url=base_url,
        keys_env=keys_env,
        secret=secret,
        headers=request_defaults.headers(params),
        options=_options(known, type_, base_url, params),
        max_streams=most,
        alone=model if most else "",
        total=params.seconds("timeout", LONGEST_WAIT),
        first_token=params.seconds("stream_timeout", LONGEST_WAIT),
    )


def _base_url(known: KnownProvider, params: Fields, environ: Mapping[str, str]) -> str | None:
    """The address; empty for the type's own, None where it is not known."""
    for name in ("api_base", "base_url"):
        if name in params:
            base_url = params.text(name).rstrip("/")
            if complaint := texts.base_url(base_url) if base_url else "must not be empty":
                params.refuse(name, complaint)
                return None
            row = provider_type(known.type)
            return "" if row and base_url == row.base_url else base_url
    return known.base_url or environ.get(known.address, "").rstrip("/")


def _key(
    known: KnownProvider, type_: ProviderTypeName, params: Fields, environ: Mapping[str, str]
) -> tuple[str, str]:
    """The name of its key in the environment, or the key itself; neither is the usual name, or no key."""
    key = params.raw("api_key")
    if key is None:
        usual = _usual_names(known.type) if known.type != type_ else known.keys
        named = [name for name in usual if environ.get(name)]
        hosted = usual[:1] if known.base_url else ()
        return next(iter([*named, *hosted]), ""), ""
    text = str(key).strip()
    name = text.removeprefix(REFERENCE)
    if name != text and name and not texts.environment_name(name):
        return ("" if name in _usual_names(type_) else name), ""
    if not text or (type_ == "openai_compatible" and text.lower() in _NO_KEYS):
        return "", ""
    return "", text


def _usual_names(type_: ProviderTypeName) -> tuple[str, ...]:
    """The names under which the settings look for the keys of a type anyway."""
    row = provider_type(type_)
    if row is None or not row.keys_env:
        return ()
    return (row.keys_env, row.keys_env.removesuffix("S"), *row.also_keys)


def _options(known: KnownProvider, type_: ProviderTypeName, base_url: str, params: Fields) -> str:
    options = request_defaults.options(type_, params)
    if type_ == "openai_compatible" and not urlsplit(base_url).path:
        options["chat_path"] = "/chat/completions"  # to a bare host, /v1 would be added
    if not known.lists_models:
        options["models_path"] = ""
    if params.raw("drop_params") is False:
        params.refuse("drop_params", "what a provider does not take is always left out, and listed")
    return toml_value(options) if options else ""
