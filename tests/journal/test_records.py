"""Records: numbered without holes, bounded, and it is known who wrote which."""

from __future__ import annotations

from cortex_actors.journal.records import Records, is_final, weight


def filled(count: int, line: bytes = b"delta {}") -> Records:
    records = Records()
    for _ in range(count):
        records.add(line)
    return records


def test_records_are_numbered_from_one() -> None:
    records = filled(3)

    assert (records.first, records.last) == (1, 3)
    assert [record.number for record in records.between(1, 3, 10_000)] == [1, 2, 3]


def test_what_is_dropped_is_the_oldest_and_numbers_stay() -> None:
    records = filled(10)

    records.drop_to(3 * weight(b"delta {}"))

    assert (records.first, records.last) == (8, 10)
    assert records.size == 3 * weight(b"delta {}")
    assert records.written == 10 * weight(b"delta {}")


def test_the_newest_is_never_dropped() -> None:
    records = filled(2, b"x" * 1000)

    records.drop_to(0)

    assert (records.first, records.last) == (2, 2)


def test_at_least_one_record_is_given_however_large_it_is() -> None:
    records = filled(3, b"x" * 1000)

    assert [record.number for record in records.between(2, 3, 10)] == [2]


def test_each_record_knows_the_instance_that_wrote_it() -> None:
    records = filled(2)
    records.begin_epoch(2)
    records.begin_epoch(3)  # one that took over and wrote nothing
    records.add(b"delta {}")

    assert [record.epoch for record in records.between(1, 3, 10_000)] == [1, 1, 3]


def test_a_journal_may_begin_in_the_middle() -> None:
    records = Records(first=17, epoch=2)
    records.add(b"delta {}")

    assert (records.first, records.last) == (17, 17)
    assert records.epoch_of(17) == 2
    assert records.epoch_of(3) == 2


def test_what_ends_a_stream() -> None:
    assert is_final(b'end {"end":"complete"}')
    assert is_final(b'error {"code":"x"}')
    assert not is_final(b'delta {"text":"end "}')
