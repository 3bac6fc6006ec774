"""Stages: what happens to answers on their way to the caller, and the stages that the settings name.

Imports:  document, given, keys, mistakes, texts.
Imported by: model, loading, and through `cortex_actors.settings` by every layer above.

What `use` names is not looked at here: that would run somebody's code. It is made, and what is wrong with it
told, when the gateway starts and by `cortex check-config`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from cortex_actors.settings import texts
from cortex_actors.settings.document import Document
from cortex_actors.settings.given import Table, read_table
from cortex_actors.settings.keys import keys_of, setting
from cortex_actors.settings.mistakes import Mistakes, did_you_mean


@dataclass(frozen=True, slots=True)
class StreamingSettings:
    """What every answer passes on its way to the caller."""

    stages: tuple[str, ...] = setting(
        (), "Names of [[stages]] that every answer passes; providers and requests may add to them."
    )


@dataclass(frozen=True, slots=True)
class StageSettings:
    """One stage; the name is yours."""

    name: str = setting("", "Your name for it: a-z 0-9 _ . -, at most 64.", complaint=texts.provider_name)
    use: str = setting(
        "",
        "drop_empty, timestamp, max_chars, deny_patterns, buffer, log_metrics, or package.module:function.",
        complaint=texts.stage_use,
    )
    kind: Literal["transform", "validate", "measure"] = setting(
        "transform", "How a function of your own is called: transform, validate or measure."
    )
    policy: Literal["stop", "drop", "replace"] = setting(
        "stop", "What becomes of what a validation refuses: stop (an error), drop, replace."
    )
    replacement: str = setting("", "What stands in the place of what was refused, for replace.")
    options: Mapping[str, Any] = setting({}, "Its options, by their names.")


def stage_list(document: Document, mistakes: Mistakes) -> tuple[StageSettings, ...]:
    """Every stage of the file; two of one name are a mistake."""
    entries = document.data.get("stages", [])
    if not isinstance(entries, list):
        mistakes.add(document.where("stages"), "stages is a list of tables: write [[stages]]")
        return ()
    stages = [_stage(document, position, entry, mistakes) for position, entry in enumerate(entries)]
    for position, stage in enumerate(stages):
        if stage.name and any(other.name == stage.name for other in stages[:position]):
            where = document.where("stages", position, "name")
            mistakes.add(where, f"stages.{stage.name} has the name of another stage")
    return tuple(stages)


def check_stage_names(
    named: Mapping[str, Sequence[str]],
    stages: Sequence[StageSettings],
    origins: Mapping[str, str],
    label: str,
    mistakes: Mistakes,
) -> None:
    """Notes every stage that is not there; `named` are those that each table names in its `stages`."""
    known = [stage.name for stage in stages]
    for table, names in named.items():
        where = origins.get(f"{table}.stages") or origins.get(table) or label
        for name in names:
            if name not in known:
                mistakes.add(where, f"{table}.stages: there is no stage {name}{did_you_mean(name, known)}")


def _stage(document: Document, position: int, entry: object, mistakes: Mistakes) -> StageSettings:
    content = entry if isinstance(entry, dict) else {}
    name = content.get("name")
    fits = isinstance(name, str) and not texts.provider_name(name)
    label = f"stages.{name if fits else position + 1}"
    table = Table(label, entry, partial(document.where, "stages", position))
    given = read_table(table, keys_of(StageSettings), mistakes)
    for needed in ("name", "use"):
        if isinstance(entry, dict) and needed not in content:
            mistakes.add(table.place(""), f"{label} needs a {needed}")
    return StageSettings(**{key: item.value for key, item in given.items()})
