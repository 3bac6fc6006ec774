"""The rolling window: what it counts, and when it forgets."""

from hypothesis import given, settings
from hypothesis import strategies as st

from cortex_actors.resilience.outcome_window import Counts, OutcomeWindow

calls = st.lists(st.tuples(st.floats(0, 20), st.booleans(), st.booleans()), max_size=60)


def test_a_new_window_is_empty() -> None:
    assert OutcomeWindow(60.0).counts(0.0) == Counts()


def test_calls_failures_and_slow_first_tokens_are_counted_apart() -> None:
    window = OutcomeWindow(60.0)
    window.add(1.0)
    window.add(2.0, failed=True)
    window.add(20.0, slow=True)
    assert window.counts(20.0) == Counts(calls=3, failures=1, slow=1)


def test_a_call_is_forgotten_when_the_window_has_passed_over_it() -> None:
    window = OutcomeWindow(60.0)
    window.add(1.0, failed=True)
    window.add(50.0)
    assert window.counts(59.0).failures == 1
    assert window.counts(61.0) == Counts(calls=1)
    assert window.counts(1000.0) == Counts()


def test_a_call_that_is_counted_already_can_still_fail() -> None:
    window = OutcomeWindow(60.0)
    window.add(1.0)
    window.add(2.0, calls=0, failed=True)
    assert window.counts(2.0) == Counts(calls=1, failures=1)


def test_clear_forgets_everything() -> None:
    window = OutcomeWindow(60.0)
    window.add(1.0)
    window.clear()
    assert window.counts(1.0) == Counts()


@settings(deadline=None)
@given(calls=calls)
def test_the_counts_lie_between_those_of_the_exact_window_and_of_one_bucket_less(
    calls: list[tuple[float, bool, bool]],
) -> None:
    window, now, made = OutcomeWindow(60.0, buckets=12), 0.0, []
    for gap, failed, slow in calls:
        now += gap
        window.add(now, failed=failed, slow=slow)
        made.append((now, failed))
    counts = window.counts(now)
    assert sum(at > now - 55.0 for at, _ in made) <= counts.calls <= sum(at > now - 60.0 for at, _ in made)
    surely = sum(failed for at, failed in made if at > now - 55.0)
    assert surely <= counts.failures <= sum(failed for at, failed in made if at > now - 60.0)
