"""On which terms an answer is gone on with: the request says it, else the provider, else the settings."""

from __future__ import annotations

from typing import Any

import pytest

from cortex_actors.chat import RecoveryWish
from cortex_actors.dispatch.recovery_terms import RecoveryTerms, is_wanted, recovery_terms
from cortex_actors.settings import RecoverySettings

SETTINGS = RecoverySettings(strategy="paragraph", max_retries=2)


@pytest.mark.parametrize(
    ("enabled", "own", "wish", "wanted"),
    [
        (True, "", None, True),
        (False, "", None, False),
        (True, "off", None, False),
        (False, "exact", None, True),
        (False, "off", True, True),
        (True, "exact", False, False),
    ],
)
def test_whether(enabled: bool, own: Any, wish: bool | None, wanted: bool) -> None:
    assert is_wanted(RecoverySettings(enabled=enabled), own, RecoveryWish(wish)) is wanted


@pytest.mark.parametrize(
    ("own", "wish", "terms"),
    [
        ("", RecoveryWish(), RecoveryTerms("paragraph", 2)),
        ("exact", RecoveryWish(), RecoveryTerms("exact", 2)),
        ("off", RecoveryWish(True), RecoveryTerms("paragraph", 2)),
        ("exact", RecoveryWish(True, "summarize"), RecoveryTerms("summarize", 2)),
        ("exact", RecoveryWish(True, max_retries=0), RecoveryTerms("exact", 0)),
    ],
)
def test_how(own: Any, wish: RecoveryWish, terms: RecoveryTerms) -> None:
    assert recovery_terms(SETTINGS, own, wish) == terms
