"""The section about answers that break off: whether and how they are gone on with.

Imports:  keys; chat (the strategies are those a request may name).
Imported by: model, and through `cortex_actors.settings` by every layer above.
"""

# ruff: noqa: RUF009  (`setting` declares a dataclass field, it does not share a value)

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cortex_actors.chat import RecoveryStrategy
from cortex_actors.settings.keys import setting

#: What a provider may say for itself; nothing is as [recovery] says.
ProviderRecovery = Literal["", "off", "exact", "paragraph", "summarize"]


@dataclass(frozen=True, slots=True)
class RecoverySettings:
    """What becomes of an answer in plain text that breaks off: somebody is asked for the rest of it."""

    enabled: bool = setting(
        True, "Whether it is gone on with, unless a provider or a request says otherwise."
    )
    strategy: RecoveryStrategy = setting(
        "exact",
        "What is shown to who goes on: exact, all of it; paragraph, to the last whole sentence; summarize, "
        "all of it, to be summed up first.",
    )
    max_retries: int = setting(
        3, "Attempts to go on for one request, within those of [retry].", least=1, most=10
    )
    max_characters: int = setting(
        1_048_576,
        "Characters of an answer that are remembered; a longer one is not gone on with.",
        least=1,
        most=2**31 - 1,
    )
    least_tokens: int = setting(
        16, "Tokens that the rest may have in any case, where the caller set a limit.", least=1, most=100_000
    )
