"""What a change of settings means: which parts of it hold at once, and what is different then.

Pure: values in, values out.

    in_effect(said, started)    the settings that can be in force now, and what waits for the next start
    changes(before, after)      what is different, by name
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

from cortex_actors.settings import ProviderSettings, Settings

#: Sections, or keys of them, that a process keeps to its end: sockets, threads, the shape of the tree.
AT_START: Mapping[str, frozenset[str] | None] = {
    "server": frozenset({"host", "port", "own_port", "reuse_port", "mode", "spare_threads", "pid_file"}),
    "supervision": None,
    "redis": None,
    "journal": None,
}

#: Keys for which a process makes room when it starts: less holds at once, more at the next start.
AT_MOST: Mapping[str, frozenset[str]] = {"server": frozenset({"max_streams", "drain_timeout"})}


#: Lists of tables that are told as a whole; providers are told one by one.
_LISTS = frozenset({"models", "stages", "callers"})


@dataclass(frozen=True, slots=True)
class Changes:
    """What became of a change of settings, by the names of what changed."""

    #: Names of providers.
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    #: `section.key`, and `models`, `callers` or `stages` for those lists.
    settings: tuple[str, ...] = ()
    #: `section.key` of what the file says and this process cannot do before it is started again.
    next_start: tuple[str, ...] = ()

    @property
    def any(self) -> bool:
        """Whether anything is different now."""
        return bool(self.added or self.removed or self.changed or self.settings)

    def __str__(self) -> str:
        told = {
            "providers added": self.added,
            "removed": self.removed,
            "changed": self.changed,
            "settings": self.settings,
            "at the next start": self.next_start,
        }
        return "; ".join(f"{what}: {', '.join(names)}" for what, names in told.items() if names) or "nothing"


def in_effect(said: Settings, started: Settings) -> tuple[Settings, tuple[str, ...]]:
    """What can be in force in a process that was started with other settings, and what cannot yet."""
    waiting: list[str] = []
    sections: dict[str, Any] = {}
    for section in {**AT_START, **AT_MOST}:
        here, there = getattr(started, section), getattr(said, section)
        kept = {
            key: getattr(here, key)
            for key in _different(here, there)
            if _waits(section, key, getattr(here, key), getattr(there, key))
        }
        sections[section] = replace(there, **kept)
        waiting += [f"{section}.{key}" for key in kept]
    return replace(said, **sections), tuple(waiting)


def changes(before: Settings, after: Settings, next_start: tuple[str, ...] = ()) -> Changes:
    """What is different between two settings that are, or were, in force."""
    were, are = _enabled(before), _enabled(after)
    return Changes(
        added=tuple(name for name in are if name not in were),
        removed=tuple(name for name in were if name not in are),
        changed=tuple(name for name in are if name in were and are[name] != were[name]),
        settings=tuple(_settings(before, after)),
        next_start=next_start,
    )


def _waits(section: str, key: str, here: Any, there: Any) -> bool:
    if key in AT_MOST.get(section, ()):
        return bool(there > here)
    keys = AT_START.get(section, frozenset())
    return keys is None or key in keys


def _settings(before: Settings, after: Settings) -> Iterator[str]:
    for item in fields(Settings):
        here, there = getattr(before, item.name), getattr(after, item.name)
        if is_dataclass(here):
            yield from (f"{item.name}.{key}" for key in _different(here, there))
        elif item.name in ("models", "callers", "stages") and here != there:
            yield item.name


def _different(here: Any, there: Any) -> tuple[str, ...]:
    return tuple(item.name for item in fields(here) if getattr(here, item.name) != getattr(there, item.name))


def _enabled(settings: Settings) -> dict[str, ProviderSettings]:
    return {provider.name: provider for provider in settings.providers if provider.enabled}
