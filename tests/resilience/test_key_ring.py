"""The key ring: whose turn it is, who rests and until when, and that no text gets out."""

from hashlib import sha256
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cortex_actors.resilience.key_ring import KEYLESS, NEED_SPACING, STRATEGIES, Key, KeyRing, KeyView, NoKey

A, B, C = "sk-canary-alpha", "sk-canary-beta", "sk-canary-gamma"


def key_id(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:8]


def ring(*keys: str, strategy: str = "round_robin", seed: int = 1) -> KeyRing:
    return KeyRing(keys, Random(seed), strategy=strategy)


def picked(keys: KeyRing, now: float) -> str | None:
    key = keys.pick(now)
    assert isinstance(key, Key)
    return key.reveal()


def view_of(keys: KeyRing, text: str) -> KeyView:
    return next(view for view in keys.snapshot().keys if view.id == key_id(text))


def test_round_robin_starts_with_the_first_key_and_takes_turns() -> None:
    keys = ring(A, B, C)
    assert [picked(keys, 0.0) for _ in range(7)] == [A, B, C, A, B, C, A]


def test_round_robin_skips_a_resting_key_without_losing_its_place() -> None:
    keys = ring(A, B, C)
    keys.rest(key_id(B), until=10.0)
    assert [picked(keys, 0.0) for _ in range(4)] == [A, C, A, C]
    assert picked(keys, 10.0) == B
    assert [picked(keys, 10.0) for _ in range(3)] == [A, C, B]


def test_least_used_takes_the_key_with_the_fewest_uses() -> None:
    keys = ring(A, B, strategy="least_used")
    keys.rest(key_id(B), until=10.0)
    assert [picked(keys, 0.0) for _ in range(3)] == [A, A, A]
    assert [picked(keys, 10.0) for _ in range(3)] == [B, B, B]


def test_random_uses_every_ready_key_and_only_those() -> None:
    keys = ring(A, B, C, strategy="random")
    keys.disable(key_id(C))
    assert {picked(keys, 0.0) for _ in range(100)} == {A, B}


def test_random_follows_its_random_source() -> None:
    first, second = (ring(A, B, C, strategy="random", seed=7) for _ in range(2))
    assert [picked(first, 0.0) for _ in range(20)] == [picked(second, 0.0) for _ in range(20)]


def test_an_unknown_strategy_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"fastest.*round_robin, least_used, random"):
        ring(A, strategy="fastest")


def test_a_resting_key_is_back_at_its_deadline_without_any_sweep() -> None:
    keys = ring(A)
    keys.rest(key_id(A), until=10.0)
    assert keys.pick(9.999) == NoKey(retry_at=10.0)
    assert picked(keys, 10.0) == A


def test_a_shorter_rest_does_not_shorten_a_longer_one() -> None:
    keys = ring(A)
    keys.rest(key_id(A), until=60.0)
    keys.rest(key_id(A), until=10.0)
    assert keys.pick(30.0) == NoKey(retry_at=60.0)


def test_no_key_tells_when_the_first_one_is_back() -> None:
    keys = ring(A, B, C)
    keys.rest(key_id(A), until=30.0)
    keys.rest_for_money(key_id(B), until=20.0)
    keys.disable(key_id(C))
    assert keys.pick(0.0) == NoKey(retry_at=20.0)


def test_a_refused_key_is_never_picked_again() -> None:
    keys = ring(A, B)
    keys.disable(key_id(A))
    assert {picked(keys, now) for now in (0.0, 1e3, 1e9)} == {B}


def test_when_all_keys_are_refused_waiting_does_not_help() -> None:
    keys = ring(A)
    keys.disable(key_id(A))
    assert keys.pick(1e9) == NoKey(retry_at=None)


def test_unblock_brings_back_a_resting_and_a_refused_key() -> None:
    keys = ring(A, B)
    keys.rest_for_money(key_id(A), until=1e6)
    keys.disable(key_id(B))
    keys.unblock(key_id(A))
    keys.unblock(key_id(B))
    assert {picked(keys, 0.0), picked(keys, 0.0)} == {A, B}


def test_what_is_known_of_a_key_survives_a_new_list_in_another_order() -> None:
    keys = ring(A, B)
    assert picked(keys, 0.0) == A
    keys.rest(key_id(A), until=100.0)
    keys.disable(key_id(B))
    keys.replace_keys([C, B, A])
    assert [picked(keys, 50.0) for _ in range(2)] == [C, C]
    assert view_of(keys, A).rested_until == 100.0
    assert view_of(keys, B).disabled


def test_a_key_that_left_the_list_and_came_back_starts_afresh() -> None:
    keys = ring(A, B)
    keys.disable(key_id(A))
    keys.replace_keys([B])
    keys.replace_keys([A, B])
    assert picked(keys, 0.0) == A


def test_late_news_of_a_removed_key_is_ignored() -> None:
    keys = ring(A)
    keys.replace_keys([B])
    keys.rest(key_id(A), until=10.0)
    keys.rest_for_money(key_id(A), until=10.0)
    keys.disable(key_id(A))
    keys.unblock(key_id(A))
    keys.succeeded(key_id(A))
    assert picked(keys, 0.0) == B


def test_a_key_listed_twice_has_one_turn() -> None:
    keys = ring(A, A, B)
    assert [picked(keys, 0.0) for _ in range(3)] == [A, B, A]


def test_a_provider_without_keys_is_always_admitted() -> None:
    keys = ring()
    assert keys.pick(0.0) is KEYLESS
    keys.rest(KEYLESS.id, until=1e9)
    keys.disable(KEYLESS.id)
    assert keys.pick(0.0) is KEYLESS
    assert KEYLESS.reveal() is None
    assert keys.snapshot().is_ready(0.0)


def test_the_view_counts_what_a_key_did() -> None:
    keys = ring(A, B)
    for now in (1.0, 2.0, 3.0):
        keys.pick(now)
    keys.succeeded(key_id(A))
    keys.rest(key_id(A), until=9.0)
    assert view_of(keys, A) == KeyView(
        id=key_id(A),
        used=2,
        succeeded=1,
        rate_limited=1,
        rested_until=9.0,
        resting_for="rate_limit",
        disabled=False,
        last_used=3.0,
    )


def test_a_success_does_not_end_a_rest_that_runs() -> None:
    keys = ring(A)
    keys.rest(key_id(A), until=20.0)
    keys.succeeded(key_id(A))
    assert keys.pick(15.0) == NoKey(retry_at=20.0)


def test_in_need_a_key_whose_rest_is_our_own_guess_is_tried_now_and_then() -> None:
    keys = ring(A)
    keys.pick(0.0)
    keys.rest(key_id(A), until=900.0, guessed=True)
    assert keys.pick_in_need(1.0) == NoKey(retry_at=900.0)
    key = keys.pick_in_need(NEED_SPACING)
    assert isinstance(key, Key)
    assert key.reveal() == A
    assert keys.pick_in_need(NEED_SPACING + 1.0) == NoKey(retry_at=900.0)


def test_a_success_in_need_ends_the_rest_that_was_our_guess() -> None:
    keys = ring(A)
    keys.rest(key_id(A), until=900.0, guessed=True)
    assert isinstance(keys.pick_in_need(100.0), Key)
    keys.succeeded(key_id(A))
    assert picked(keys, 101.0) == A


def test_in_need_the_key_that_is_back_first_is_tried() -> None:
    keys = ring(A, B)
    keys.rest(key_id(A), until=900.0, guessed=True)
    keys.rest(key_id(B), until=600.0, guessed=True)
    key = keys.pick_in_need(100.0)
    assert isinstance(key, Key)
    assert key.reveal() == B


def test_in_need_a_key_that_the_provider_wants_to_rest_stays_at_rest() -> None:
    keys = ring(A, B, C)
    keys.rest(key_id(A), until=900.0)
    keys.rest_for_money(key_id(B), until=900.0)
    keys.rest(key_id(C), until=900.0, guessed=True)
    keys.disable(key_id(C))
    assert isinstance(keys.pick_in_need(100.0), NoKey)


def test_no_key_text_is_in_any_output() -> None:
    keys = ring(A, B)
    keys.rest(key_id(B), until=1.0)
    key = keys.pick(0.0)
    shown = f"{key!r} {key} {keys.snapshot()!r} {keys.pick(0.0)!r} {keys!r}"
    assert "canary" not in shown
    assert key_id(A) in shown


events = st.lists(
    st.tuples(
        st.sampled_from(["pick", "rest", "money", "disable", "unblock", "succeeded"]),
        st.sampled_from([A, B, C]),
        st.floats(0, 30),
    ),
    max_size=40,
)


@settings(deadline=None)
@given(events=events, strategy=st.sampled_from(sorted(STRATEGIES)))
def test_whatever_happens_the_view_agrees_with_pick_and_the_promised_time_holds(
    events: list[tuple[str, str, float]], strategy: str
) -> None:
    keys, now = ring(A, B, C, strategy=strategy), 0.0
    for event, text, seconds in events:
        match event:
            case "pick":
                now += seconds
                view, key = keys.snapshot(), keys.pick(now)
                assert view.is_ready(now) == isinstance(key, Key)
                if isinstance(key, NoKey) and key.retry_at is not None:
                    assert key.retry_at > now
                    assert isinstance(keys.pick(key.retry_at), Key)
            case "rest":
                keys.rest(key_id(text), now + seconds)
            case "money":
                keys.rest_for_money(key_id(text), now + seconds)
            case "disable":
                keys.disable(key_id(text))
            case "unblock":
                keys.unblock(key_id(text))
            case "succeeded":
                keys.succeeded(key_id(text))


@settings(deadline=None)
@given(gaps=st.lists(st.floats(0, 5), min_size=1, max_size=30), count=st.integers(1, 6))
def test_round_robin_shares_evenly(gaps: list[float], count: int) -> None:
    keys, now = ring(*(f"key-{number}" for number in range(count))), 0.0
    for gap in gaps:
        now += gap
        keys.pick(now)
    used = [view.used for view in keys.snapshot().keys]
    assert max(used) - min(used) <= 1
    assert used == sorted(used, reverse=True)


def test_keys_take_turns_in_another_way_from_now_on() -> None:
    keys = ring(A, B, strategy="least_used")
    assert [picked(keys, 0.0) for _ in range(3)] == [A, B, A]
    keys.rest(key_id(B), until=10.0)
    keys.take_turns("round_robin")
    assert keys.snapshot().strategy == "round_robin"
    assert [picked(keys, 10.0) for _ in range(2)] == [B, A]
    with pytest.raises(ValueError, match="luck"):
        keys.take_turns("luck")
