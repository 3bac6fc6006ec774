"""A secret shows itself to nobody who does not ask."""

from __future__ import annotations

import copy
import json
from dataclasses import asdict

import pytest

from cortex_actors.settings import ProviderSettings, Secret

KEY = "sk-canary-5f1d"


def test_a_secret_gives_its_text_only_to_reveal() -> None:
    secret = Secret(KEY)
    shown = f"{secret} {secret!r} {[secret]} {secret!s:>40}"
    assert "canary" not in shown
    assert "5f1d" not in shown
    assert secret.reveal() == KEY


def test_the_mask_tells_two_keys_apart() -> None:
    assert str(Secret("one")) != str(Secret("two"))
    assert str(Secret("one")) == str(Secret("one"))
    assert str(Secret("one")).startswith("***")


def test_secrets_are_equal_by_their_text() -> None:
    assert Secret("one") == Secret("one")
    assert Secret("one") != Secret("two")
    assert Secret("one") != "one"
    assert len({Secret("one"), Secret("one")}) == 1


def test_a_secret_stays_hidden_when_what_holds_it_is_unfolded() -> None:
    provider = ProviderSettings(name="x", keys=(Secret(KEY),))
    assert KEY not in repr(provider)
    assert KEY not in repr(asdict(provider))
    assert copy.deepcopy(provider) == provider
    with pytest.raises(TypeError):
        json.dumps(Secret(KEY))
