"""The gaps between pieces of answers."""

from __future__ import annotations

from cortex_actors.metrics.gaps import BOUNDS, GapHistogram, Gaps


def samples(histogram: GapHistogram) -> dict[tuple[str, str], float]:
    """By the ending of the name and the bound."""
    (family,) = histogram.collect()
    return {
        (sample.name.removeprefix("gap"), sample.labels.get("le", "")): sample.value
        for sample in family.samples
        if sample.labels["provider"] == "one"
    }


def gaps(*seconds: float) -> Gaps:
    noted = Gaps()
    for gap in seconds:
        noted.note(gap)
    return noted


def test_each_bucket_holds_what_is_not_above_its_bound() -> None:
    histogram = GapHistogram("gap", "x")
    histogram.add("one", gaps(0.0005, 0.001, 0.02, 7.0, 99.0))
    found = samples(histogram)
    assert found["_bucket", "0.001"] == 2
    assert found["_bucket", "0.025"] == 3
    assert found["_bucket", "10.0"] == 4
    assert found["_bucket", "+Inf"] == 5
    assert found["_count", ""] == 5
    assert abs(found["_sum", ""] - 106.0215) < 1e-9


def test_attempts_add_up() -> None:
    histogram = GapHistogram("gap", "x")
    for _ in range(3):
        histogram.add("one", gaps(0.02))
    histogram.add("two", gaps(0.02, 0.02))
    assert samples(histogram)["_count", ""] == 3


def test_an_answer_in_one_piece_has_no_gap() -> None:
    histogram = GapHistogram("gap", "x")
    histogram.add("one", Gaps())
    assert samples(histogram)["_count", ""] == 0


def test_bounds_go_up() -> None:
    assert list(BOUNDS) == sorted(set(BOUNDS))
