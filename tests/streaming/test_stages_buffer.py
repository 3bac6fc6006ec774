"""The buffer: several chunks go out as one, none is ever lost, and none waits for longer than it was told."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cortex_actors.chat import AnswerInfo, Chunk, Finish, FinishReason, ToolCallDelta, Usage
from cortex_actors.errors import StageFailed
from cortex_actors.streaming.pipeline import Batch
from cortex_actors.streaming.stages import buffer, transform
from cortex_actors.streaming.stages.buffer import MOST_HELD
from tests.streaming.stages_at_work import Bench, events, text_of, texts

STOP = Finish(FinishReason.STOP)


def test_so_many_chunks_go_out_as_one_and_the_rest_at_the_end() -> None:
    assert Bench([buffer(2)]).through([texts("a"), texts("b"), texts("c")]) == [texts("ab"), texts("c")]


def test_the_rest_goes_out_before_the_reason_to_stop() -> None:
    batches = [texts("a", "b"), (*texts("c"), Usage(7, 2)), (STOP,), (Usage(7, 3),)]
    said = Bench([buffer(2)]).through(batches)
    assert events(said) == [*texts("ab", "c"), Usage(7, 2), STOP, Usage(7, 3)]


def test_a_buffer_of_one_chunk_changes_nothing() -> None:
    batches = [texts("a", "b"), (STOP,)]
    assert events(Bench([buffer(1)]).through(batches)) == events(batches)


def test_order_is_kept_and_what_differs_is_not_joined() -> None:
    call = Chunk(tool_calls=(ToolCallDelta(0, "id", "f", "{}"),))
    probable = Chunk("p", logprobs={"content": []})
    noted = Chunk("n", metadata={"at": 1})
    batch = (
        *(Chunk(reasoning="H"), Chunk(reasoning="m")),
        *(*texts("a", "b"), Usage(1, 1), *texts("c"), call, *texts("d", "e")),
        *(probable, noted, Chunk("both", reasoning="x"), AnswerInfo(model="m"), *texts("f", "g")),
    )
    assert events(Bench([buffer(100)]).through([batch])) == [
        *(Chunk(reasoning="Hm"), Chunk("ab"), Usage(1, 1), Chunk("c"), call, Chunk("de")),
        *(probable, noted, Chunk("both", reasoning="x"), AnswerInfo(model="m"), Chunk("fg")),
    ]


def test_what_comes_before_the_first_chunk_does_not_wait() -> None:
    batches = [(AnswerInfo(model="m"), Usage(7, 0)), texts("a")]
    assert Bench([buffer(5)]).through(batches) == batches


def test_nothing_waits_for_longer_than_the_interval_although_nothing_comes() -> None:
    bench = Bench([buffer(100, interval=0.5)])
    arrivals = ((0.0, texts("a")), (0.25, texts("b")), (9.0, texts("c")), (20.0, (STOP,)))
    assert list(bench.at(*arrivals)) == [(0.5, texts("ab")), (9.5, texts("c")), (20.0, (STOP,))]


def test_an_interval_that_never_passes_asks_for_no_tick() -> None:
    bench = Bench([buffer(2, interval=0.5)])
    assert list(bench.at((0.0, texts("a", "b")), (3.0, (STOP,)))) == [(0.0, texts("ab")), (3.0, (STOP,))]


def test_it_is_bounded_in_characters_however_many_chunks_it_may_hold() -> None:
    chunk, most = "x" * 1000, 0

    def source(bench: Bench) -> Iterator[Batch]:
        for _ in range(1000):
            yield texts(chunk)

    bench = Bench([buffer(10_000)])
    said = bench.through(source(bench))
    most = max(len(event.text) for event in events(said) if isinstance(event, Chunk))
    assert text_of(said) == chunk * 1000
    assert most < MOST_HELD + len(chunk)


def test_what_is_held_goes_out_before_the_error_of_another_stage_is_told() -> None:
    def fragile(chunk: Chunk) -> Chunk:
        if chunk.text == "c":
            raise ValueError
        return chunk

    came, error = Bench([buffer(100), transform(fragile)]).broken([texts("a", "b", "c")])
    assert came == [texts("ab")]
    assert isinstance(error, StageFailed)


@pytest.mark.parametrize(("chunks", "interval"), [(0, None), (-1, None), (2, 0.0), (2, -1.0)])
def test_a_buffer_that_holds_nothing_is_refused(chunks: int, interval: float | None) -> None:
    with pytest.raises(ValueError, match="one chunk at least"):
        buffer(chunks, interval)
