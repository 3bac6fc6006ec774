"""`[[callers]]`: who has a key, and whether anybody without one may reach the gateway.

Imports:  access, document, given, keys, mistakes, model, sections.
Imported by: loading.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from functools import partial
from ipaddress import ip_address
from typing import Any

from cortex_actors.settings.access import AdminSettings, AuthSettings, CallerSettings, RateLimitSettings
from cortex_actors.settings.document import Document
from cortex_actors.settings.given import Table, read_table
from cortex_actors.settings.keys import keys_of
from cortex_actors.settings.mistakes import Mistakes, did_you_mean
from cortex_actors.settings.model import ProviderSettings

#: The limits that a caller has from [rate_limits] where its table says nothing.
SHARED = tuple(item.name for item in fields(RateLimitSettings) if item.name in keys_of(CallerSettings))
_INSTEAD = "a key itself is never read from this file; put its SHA-256 into key_sha256"


def caller_list(
    document: Document,
    limits: RateLimitSettings,
    admin: AdminSettings,
    providers: Sequence[ProviderSettings],
    mistakes: Mistakes,
) -> tuple[CallerSettings, ...]:
    """Every caller with a key; two of one name or of one key are a mistake, as is an unknown provider."""
    entries = document.data.get("callers", [])
    if not isinstance(entries, list):
        mistakes.add(document.where("callers"), "callers is a list of tables: write [[callers]]")
        return ()
    callers = [_caller(document, position, entry, limits, mistakes) for position, entry in enumerate(entries)]
    known = {provider.name for provider in providers}
    for position, caller in enumerate(callers):
        place = partial(document.where, "callers", position)
        for key in ("name", "key_sha256"):
            said = getattr(caller, key)
            if said and any(getattr(other, key) == said for other in callers[:position]):
                mistakes.add(place(key), f"{_label(position, caller.name)}.{key} is that of another caller")
        if caller.key_sha256 and caller.key_sha256 == admin.token_sha256:
            label = _label(position, caller.name)
            mistakes.add(place("key_sha256"), f"{label}.key_sha256 is that of the admin token")
        for name in caller.providers:
            if name not in known:
                near = did_you_mean(name, known)
                mistakes.add(
                    place("providers"), f"{_label(position, caller.name)}: there is no provider {name}{near}"
                )
    return tuple(callers)


def check_reach(
    host: str, auth: AuthSettings, callers: Sequence[CallerSettings], where: str, mistakes: Mistakes
) -> None:
    """Notes an address that others can reach, where nobody needs a key and nobody said that this is meant."""
    if not callers and not auth.allow_anonymous and not is_loopback(host):
        mistakes.add(
            where,
            f"server.host ({host}) is within reach of other machines, and no caller has a key: add one with "
            "`cortex keys new`, or set auth.allow_anonymous = true to serve everybody",
        )


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address; a name counts only where it always means that."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _caller(
    document: Document, position: int, entry: object, limits: RateLimitSettings, mistakes: Mistakes
) -> CallerSettings:
    content = entry if isinstance(entry, dict) else {}
    name = content.get("name")
    label = _label(position, name if isinstance(name, str) else "")
    table = Table(label, entry, partial(document.where, "callers", position), instead=_INSTEAD)
    given = read_table(table, keys_of(CallerSettings), mistakes)
    for needed in ("name", "key_sha256"):
        if isinstance(entry, dict) and needed not in content:
            mistakes.add(table.place(""), f"{label} needs a {needed}")
    values: dict[str, Any] = {key: getattr(limits, key) for key in SHARED}
    return CallerSettings(**values | {key: item.value for key, item in given.items()})


def _label(position: int, name: str) -> str:
    return f"callers.{name or position + 1}"
