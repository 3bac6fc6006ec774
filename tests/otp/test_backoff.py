from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from cortex_actors.otp.backoff import Backoff


def test_it_doubles_up_to_its_cap() -> None:  # behaviour 25
    backoff = Backoff(min=1.0, max=60.0, factor=2.0, jitter=0.0)
    delays = [backoff.delay(failures, Random(1)) for failures in range(8)]
    assert delays == [1, 2, 4, 8, 16, 32, 60, 60]


@given(failures=st.integers(0, 10_000), seed=st.integers())
def test_it_is_jittered_within_its_fraction_and_never_over_the_cap(failures: int, seed: int) -> None:
    """behaviour 25"""
    plain = Backoff(jitter=0.0).delay(failures, Random(seed))
    delay = Backoff(jitter=0.2).delay(failures, Random(seed))
    assert 0.8 * plain <= delay <= min(60.0, 1.2 * plain)


def test_children_that_fell_together_come_back_apart() -> None:  # behaviour 25
    backoff, random = Backoff(), Random(1)
    assert len({backoff.delay(0, random) for _ in range(10)}) == 10
