"""Pauses: they grow, they are drawn over the whole range, and a provider's word replaces ours."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from cortex_actors.resilience.backoff import Backoff

retries = st.integers(min_value=0, max_value=10_000)
seeds = st.integers(min_value=0, max_value=2**32)


def test_the_ceiling_doubles_up_to_the_cap() -> None:
    backoff = Backoff(base=0.5, factor=2.0, cap=3.0)
    assert [backoff.ceiling(retry) for retry in range(5)] == [0.5, 1.0, 2.0, 3.0, 3.0]


@settings(deadline=None)
@given(retry=retries, seed=seeds)
def test_every_pause_lies_between_the_floor_and_the_ceiling(retry: int, seed: int) -> None:
    backoff = Backoff(base=0.5, factor=3.0, cap=20.0, floor=0.1)
    assert 0.1 <= backoff.pause(retry, Random(seed)) <= backoff.ceiling(retry) <= 20.0


def test_jitter_spreads_pauses_over_the_whole_range() -> None:
    backoff, random = Backoff(base=4.0, cap=4.0, floor=0.0), Random(1)
    pauses = [backoff.pause(0, random) for _ in range(1000)]
    assert min(pauses) < 0.4
    assert max(pauses) > 3.6


@settings(deadline=None)
@given(retry=retries, seed=seeds, retry_after=st.floats(min_value=0.1, max_value=86_400))
def test_retry_after_replaces_the_backoff(retry: int, seed: int, retry_after: float) -> None:
    assert Backoff().pause(retry, Random(seed), retry_after) == retry_after


def test_a_retry_after_of_zero_is_no_tight_loop() -> None:
    assert Backoff(floor=0.2).pause(0, Random(1), retry_after=0.0) == 0.2
