"""The environment's own form of every plain setting: `CORTEX_SECTION__KEY`.

Imports:  section_reader, given, keys, mistakes.
Imported by: seed_names, loading, and all that reads providers from the environment.

An unknown `CORTEX_` name is refused like an unknown key, with one exception: where a Kubernetes service is
called `cortex`, every pod nearby gets names such as CORTEX_SERVICE_HOST that nobody wrote.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial

from cortex_actors.settings.given import take
from cortex_actors.settings.keys import Key, keys_of
from cortex_actors.settings.mistakes import Mistakes, did_you_mean
from cortex_actors.settings.section_reader import SECRETS, SECTIONS, Draft

Environment = Mapping[str, str]

#: Names the configuration file; read before anything else.
CONFIG_NAME = "CORTEX_CONFIG"
#: Name the gateway that the commands of a client ask, and the key they show; not settings of the gateway.
URL_NAME = "CORTEX_URL"
KEY_NAME = "CORTEX_API_KEY"
#: Name -> (section, key) of every plain setting.
CORTEX_NAMES: Mapping[str, tuple[str, str]] = {
    f"CORTEX_{section}__{key}".upper(): (section, key)
    for section, cls in SECTIONS.items()
    for key in keys_of(cls)
}
#: Section -> the names that its credential may have, which has a reader of its own.
SECRET_NAMES: Mapping[str, tuple[str, str]] = {
    section: (name, f"{name}_FILE")
    for section, secret in SECRETS.items()
    for name in (f"CORTEX_{section}__{secret}".upper(),)
}
_READ_ELSEWHERE = frozenset(
    {CONFIG_NAME, URL_NAME, KEY_NAME, *(name for names in SECRET_NAMES.values() for name in names)}
)
_SERVICE_LINK = re.compile(r"CORTEX_(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP)(_\w+)?)")
_SERVICE_ADDRESS = re.compile(r"(tcp|udp)://")


def said(environ: Environment, name: str) -> str:
    """What a name says, without blanks around it; unset and empty are the same, as compose files need it."""
    return environ.get(name, "").strip()


def place(name: str) -> str:
    """How messages call a name of the environment."""
    return f"environment {name}"


def key_at(section: str, key: str) -> Key:
    """The key of a plain section."""
    return keys_of(SECTIONS[section])[key]


def from_cortex_names(environ: Environment, mistakes: Mistakes) -> Draft:
    """What the `CORTEX_` names say. Here empty is a value: an empty list or text is a thing one may want."""
    draft: Draft = {}
    for name, text in environ.items():
        if not name.startswith("CORTEX_") or name in _READ_ELSEWHERE or _is_service_link(name, text):
            continue
        if name not in CORTEX_NAMES:
            near = did_you_mean(name, [*CORTEX_NAMES, CONFIG_NAME])
            mistakes.add(place(name), f"is not a setting{near}")
            continue
        section, key = CORTEX_NAMES[name]
        convert = partial(key_at(section, key).from_text, text)
        given = take(f"{section}.{key}", convert, place(name), mistakes)
        draft |= {(section, key): given} if given else {}
    return draft


def _is_service_link(name: str, text: str) -> bool:
    return bool(_SERVICE_LINK.fullmatch(name)) or (
        name.endswith("_PORT") and bool(_SERVICE_ADDRESS.match(text))
    )
