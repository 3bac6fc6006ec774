"""What is remembered of models that refuse an assistant message at the end."""

from __future__ import annotations

from cortex_actors.dispatch.prefill import PrefillMemory


def test_a_model_may_be_tried_until_it_refuses() -> None:
    memory = PrefillMemory()
    assert memory.may_try("m")
    memory.refused("m")
    memory.refused("m")
    assert not memory.may_try("m")
    assert memory.may_try("other")


def test_callers_who_make_up_names_do_not_fill_the_memory() -> None:
    memory = PrefillMemory()
    for number in range(10_000):
        memory.refused(f"model-{number}")
    assert not memory.may_try("model-9999")
    assert memory.may_try("model-0"), "the oldest is asked once more"
