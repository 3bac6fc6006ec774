"""What a deployment says for every request (temperature, extra headers, ...), as options and headers of ours.

Imports:  fields.
Imported by: places.

Only what our settings take gets through: no credentials among options and headers, and values that TOML has.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from cortex_actors.migration.fields import Fields
from cortex_actors.settings import ProviderTypeName, texts

_SECRET = "credentials do not stand in the settings; keys_env names where they are"

#: Where a parameter belongs among the options of a type.
Places = Mapping[str, tuple[str, ...]]


def _in(table: str, names: str, **renamed: str) -> Places:
    return {
        name: (table, place) for name, place in {**{each: each for each in names.split()}, **renamed}.items()
    }


_OPENAI = _in(
    "body",
    "temperature top_p top_k min_p max_tokens max_completion_tokens presence_penalty frequency_penalty seed"
    " stop logit_bias reasoning_effort response_format parallel_tool_calls service_tier verbosity",
)
_PLACES: Mapping[str, Places] = {
    "anthropic": {**_in("body", "temperature top_p top_k thinking"), "max_tokens": ("max_tokens",)},
    "cohere": _in("body", "temperature max_tokens seed", top_p="p", top_k="k"),
    "gemini": {},
    "mistral": {**_OPENAI, "seed": ("body", "random_seed")},
    "ollama": {
        **_in(
            "model_options",
            "temperature top_p top_k min_p seed num_ctx num_predict num_gpu repeat_penalty",
            max_tokens="num_predict",
        ),
        "keep_alive": ("keep_alive",),
    },
    "openai": {**_OPENAI, "organization": ("organization",)},
}


def options(type_: ProviderTypeName, fields: Fields) -> dict[str, Any]:
    """The options in which the defaults of a deployment are kept."""
    found: dict[str, Any] = {}
    places = _PLACES.get(type_, _OPENAI)
    for name, place in places.items():
        if name in fields and _is_fit(name, value := fields.value(name), fields):
            _put(found, place, value)
    if any(place[0] == "body" for place in places.values()):
        for name, value in fields.table("extra_body").items():
            if _is_fit(f"extra_body.{name}", {name: value}, fields):
                _put(found, ("body", name), value)
    return found


def headers(fields: Fields) -> tuple[tuple[str, str], ...]:
    """The extra headers that our settings may hold."""
    found: dict[str, str] = {}
    for table in ("headers", "extra_headers"):
        for name, value in fields.table(table).items():
            if not isinstance(value, str) or (complaint := texts.header(name, value)):
                fields.refuse(f"{table}.{name}", "it is no text" if not isinstance(value, str) else complaint)
            elif texts.names_a_secret(name) or texts.looks_secret(value):
                fields.refuse(f"{table}.{name}", _SECRET)
            else:
                found[name] = value
    return tuple(found.items())


def _is_fit(name: str, value: Any, fields: Fields) -> bool:
    if value is None:
        return False  # a reference that said nothing, which is noted already
    if _holds_secret(value) or texts.names_a_secret(name):
        fields.refuse(name, _SECRET)
        return False
    if not _is_plain(value) or (name == "max_tokens" and (type(value) is not int or value < 0)):
        fields.refuse(name, "its value cannot be written down in the settings")
        return False
    if name == "organization" and (type(value) is not str or texts.header("OpenAI-Organization", value)):
        fields.refuse(name, "it is no text that a header can hold")
        return False
    return True


def _put(options: dict[str, Any], place: tuple[str, ...], value: Any) -> None:
    *tables, name = place
    for table in tables:
        options = options.setdefault(table, {})
    options[name] = value


def _is_plain(value: Any) -> bool:
    """Whether both TOML and JSON have such a value."""
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_plain(key) and _is_plain(item) for key, item in value.items())
    if isinstance(value, list):
        return all(map(_is_plain, value))
    if isinstance(value, str):
        return not any("\ud800" <= character <= "\udfff" for character in value)
    return isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value))


def _holds_secret(value: Any) -> bool:
    if isinstance(value, dict):
        return any(texts.names_a_secret(str(key)) or _holds_secret(item) for key, item in value.items())
    if isinstance(value, list):
        return any(map(_holds_secret, value))
    return texts.looks_secret(value)
