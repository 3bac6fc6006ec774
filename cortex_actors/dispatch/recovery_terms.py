"""On which terms an answer that breaks off is gone on with: the request says it, else the provider, else the
settings.

Pure. Imported by: recovery.
"""

from __future__ import annotations

from dataclasses import dataclass

from cortex_actors.chat import RecoveryStrategy, RecoveryWish
from cortex_actors.settings import RecoverySettings
from cortex_actors.settings.recovery import ProviderRecovery


@dataclass(frozen=True, slots=True)
class RecoveryTerms:
    """How one answer is gone on with, and how often that may fail."""

    strategy: RecoveryStrategy
    max_retries: int


def is_wanted(settings: RecoverySettings, own: ProviderRecovery, wish: RecoveryWish) -> bool:
    """Whether an answer of a provider with these settings of its own is gone on with."""
    if wish.enabled is not None:
        return wish.enabled
    return own != "off" if own else settings.enabled


def recovery_terms(settings: RecoverySettings, own: ProviderRecovery, wish: RecoveryWish) -> RecoveryTerms:
    """How it is gone on with, if it is."""
    of_provider = None if own == "" or own == "off" else own
    return RecoveryTerms(
        wish.strategy or of_provider or settings.strategy,
        settings.max_retries if wish.max_retries is None else wish.max_retries,
    )
