"""Failures in a row: what ends a row, and what outweighs it."""

from cortex_actors.resilience.failure_row import FailureRow


def row_of(failures: int) -> FailureRow:
    row = FailureRow()
    for number in range(100, 100 + failures):
        row.failed(number, after_first_token=False)
    return row


def test_a_row_needs_its_minimum() -> None:
    assert not row_of(4).is_over(5, 0.5)
    assert row_of(5).is_over(5, 0.5)


def test_a_whole_answer_that_was_asked_for_later_ends_the_row() -> None:
    row = row_of(5)
    row.succeeded(101)
    assert not row.is_over(1, 0.5)


def test_a_whole_answer_that_was_asked_for_before_is_old_news() -> None:
    row = row_of(5)
    row.succeeded(99)
    assert row.is_over(5, 0.5)


def test_answers_that_have_begun_outweigh_failures() -> None:
    row = row_of(5)
    for number in range(105, 110):
        row.answer_begun(number)
    assert row.is_over(5, 0.5)
    row.answer_begun(110)
    assert not row.is_over(5, 0.5)


def test_an_answer_that_is_cut_short_does_not_outweigh_anything() -> None:
    row = FailureRow()
    for number in range(5):
        row.answer_begun(number)
        row.failed(number, after_first_token=True)
    assert row.is_over(5, 1.0)


def test_answers_that_began_before_the_row_do_not_weigh() -> None:
    row = FailureRow()
    row.answer_begun(1)
    row.failed(100, after_first_token=False)
    row.answer_begun(99)
    assert row.is_over(1, 1.0)
