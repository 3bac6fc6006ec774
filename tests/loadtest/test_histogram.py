"""The histogram: percentiles to about a percent, from any number of processes."""

from __future__ import annotations

import random

import pytest

from cortex_actors.loadtest.histogram import Histogram

EXACTNESS = 0.012


def recorded(*seconds: float) -> Histogram:
    histogram = Histogram()
    for each in seconds:
        histogram.record(each)
    return histogram


@pytest.mark.parametrize("share", [0.01, 0.5, 0.9, 0.99, 0.999])
def test_a_percentile_is_right_to_about_a_percent_from_microseconds_to_minutes(share: float) -> None:
    source = random.Random(7)
    values = sorted(10 ** source.uniform(-5, 2) for _ in range(5000))

    found = recorded(*values).percentile(share)

    exact = values[round(share * len(values)) - 1]
    assert found == pytest.approx(exact, rel=EXACTNESS)


def test_the_longest_is_exact() -> None:
    assert recorded(0.1, 0.7654321, 0.2).percentile(1.0) == 0.7654321


def test_a_percentile_is_never_outside_of_what_was_counted() -> None:
    histogram = recorded(0.0123)

    assert [histogram.percentile(share) for share in (0.0, 0.5, 0.999)] == [0.0123] * 3


def test_nothing_counted_has_no_percentile_and_no_mean() -> None:
    assert Histogram().percentile(0.5) is None
    assert Histogram().mean is None


def test_no_time_at_all_counts_as_the_shortest_there_is() -> None:
    assert recorded(0.0, -1.0).percentile(0.5) == 1e-6


def test_two_that_are_added_up_are_one_that_counted_everything() -> None:
    source = random.Random(3)
    values = [source.expovariate(10) for _ in range(1000)]
    one, other = recorded(*values[:300]), recorded(*values[300:])

    one.add(other)

    together = recorded(*values)
    assert list(one.buckets()) == list(together.buckets())
    assert (one.count, one.least, one.most) == (together.count, together.least, together.most)
    assert one.mean == pytest.approx(together.mean)
