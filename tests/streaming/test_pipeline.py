"""The pipeline: stages in one order whatever the order they are named in, and nothing without stages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cortex_actors.chat import Chunk, Finish, FinishReason, Usage
from cortex_actors.errors import StageError
from cortex_actors.streaming.pipeline import ORDER, Alarm, Batch
from cortex_actors.streaming.stages import buffer, deny_patterns, measure, transform, validate
from tests.streaming.stages_at_work import Bench, events, text_of, texts

END: Batch = (Usage(7, 2), Finish(FinishReason.STOP))


def test_the_order_is_one_visible_list() -> None:
    assert ORDER == ("measure", "transform", "validate", "buffer")
    stages = [
        buffer(2),
        validate(lambda chunk: None, name="v1"),
        transform(lambda chunk: chunk, name="t1"),
        measure(lambda metrics: None),
        transform(lambda chunk: chunk, name="t2"),
        validate(lambda chunk: None, name="v2"),
    ]
    assert [stage.name for stage in Bench(stages).pipeline.stages] == [
        *("measure", "t1", "t2", "v1", "v2", "buffer")
    ]


def test_a_transform_comes_before_the_validation_that_judges_it() -> None:
    louder = transform(lambda chunk: Chunk(chunk.text.upper()))
    calm = validate(lambda chunk: "shouts" if chunk.text.isupper() else None, policy="replace")
    assert text_of(Bench([calm, louder]).through([texts("Ho")])) == ""


def test_all_stages_together_give_the_answer_and_its_end() -> None:
    stages = [
        measure(lambda metrics: None),
        transform(lambda chunk: Chunk(chunk.text.replace("o", "0"))),
        validate(lambda chunk: "bad" if chunk.text == "!" else None, policy="drop"),
        deny_patterns(patterns=["sec[r]et"], policy="replace", replacement="***"),
        buffer(3, interval=1.0),
    ]
    batches = [texts("Ho", "la", "!"), texts(" sec"), (), texts("ret", " o"), END]
    assert events(Bench(stages).through(batches))[-2:] == list(END)
    assert text_of(Bench(stages).through(batches)) == "H0la *** 0"


def test_without_stages_batches_go_through_as_they_are() -> None:
    batches = [texts("a", "b"), (), END]
    assert list(Bench([]).pipeline.run(iter(batches))) == batches


def test_a_source_that_ends_early_loses_nothing() -> None:
    stages = [buffer(100), deny_patterns(patterns=["a+b"], policy="drop")]
    assert text_of(Bench(stages).through([texts("Ho", "la aa")])) == "Hola aa"


def test_an_alarm_gives_the_earliest_moment_and_forgets_it() -> None:
    alarm = Alarm()
    alarm.by(5.0)
    alarm.by(3.0)
    alarm.by(4.0)
    assert alarm.take() == 3.0
    assert alarm.take() == float("inf")


def test_a_pipeline_that_is_left_is_left_quietly() -> None:
    stages = [measure(lambda metrics: None), deny_patterns(patterns=["x.y"]), buffer(2)]
    running = Bench(stages).pipeline.run(iter([texts("a", "b"), texts("c")]))
    assert next(running) is not None
    assert isinstance(running, Iterator)
    del running


def test_one_bad_stage_ends_the_stream_once() -> None:
    bench = Bench([transform(lambda chunk: 1 / 0), buffer(2)])  # type: ignore[arg-type,return-value]
    running = bench.pipeline.run(iter([texts("a")]))
    with pytest.raises(StageError):
        list(running)
    assert list(running) == []
