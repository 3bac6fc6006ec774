"""The plain sections, from the file and from all that the environment may say about them.

Imports:  model, document, given, keys, mistakes.
Imported by: environment, seed_names, loading; report and reference for the order of sections.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import partial
from typing import Any

from cortex_actors.settings.document import Document
from cortex_actors.settings.given import Given, Table, read_table
from cortex_actors.settings.keys import keys_of
from cortex_actors.settings.mistakes import Mistakes, did_you_mean
from cortex_actors.settings.model import Settings

#: Section name -> its dataclass, in the order of the reference file.
SECTIONS: Mapping[str, type] = {
    item.name: type(item.default) for item in fields(Settings) if is_dataclass(item.default)
}
#: The lists of tables, which have readers of their own.
LISTS = ("providers", "models", "callers", "stages")
#: The credentials of sections: each comes from CORTEX_SECTION__NAME, or from the file that its _FILE names.
SECRETS: Mapping[str, str] = {"admin": "token", "redis": "password"}

#: (section, key) -> what was written for it.
Draft = dict[tuple[str, str], Given]


def from_file(document: Document, mistakes: Mistakes) -> Draft:
    """What the file says about the plain sections; a name it should not have at the top is a mistake."""
    draft: Draft = {}
    for section, content in document.data.items():
        if section in SECTIONS:
            table = Table(section, content, partial(document.where, section), _keys_env(section))
            found = read_table(table, keys_of(SECTIONS[section]), mistakes, hint=_home)
            draft |= {(section, key): given for key, given in found.items()}
        elif section not in LISTS:
            near = _home(section) or did_you_mean(section, [*SECTIONS, *LISTS])
            mistakes.add(document.where(section), f"{section} is not a section{near}")
    return draft


def complete(draft: Draft) -> dict[str, Any]:
    """Every plain section as its dataclass: what was written, and defaults for the rest."""
    return {
        section: cls(**{key: draft[section, key].value for key in keys_of(cls) if (section, key) in draft})
        for section, cls in SECTIONS.items()
    }


def _keys_env(section: str) -> str:
    return f"CORTEX_{section}__{SECRETS[section]}".upper() if section in SECRETS else ""


def _home(name: str) -> str:
    """The end of a sentence about a key in the wrong section."""
    homes = [f"{section}.{name}" for section, cls in SECTIONS.items() if name in keys_of(cls)]
    return f"; did you mean {' or '.join(homes)}?" if homes else ""
