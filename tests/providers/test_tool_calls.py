"""Tool-call fragments from servers that leave things out, and what callers are told."""

from __future__ import annotations

from cortex_actors.chat import ToolCallDelta
from cortex_actors.providers.openai_compatible import OpenAICompatibleAdapter
from cortex_actors.providers.tool_calls import ToolCallLedger, invented_id
from tests.providers.reading import delta, read, sse


def calls(*deltas: object) -> list[tuple[str, str, str]]:
    adapter = OpenAICompatibleAdapter(name="x", base_url="http://h/v1")
    return read(adapter, sse(*(delta(tool_calls=fragments) for fragments in deltas))).calls


def test_fragments_are_joined_by_index() -> None:
    assert calls(
        [{"index": 0, "id": "a", "function": {"name": "f", "arguments": "{"}}],
        [{"index": 1, "id": "b", "function": {"name": "g", "arguments": "["}}],
        [{"index": 1, "function": {"arguments": "]"}}, {"index": 0, "function": {"arguments": "}"}}],
    ) == [("a", "f", "{}"), ("b", "g", "[]")]


def test_id_and_name_are_told_once_though_a_server_repeats_them() -> None:
    again = {"index": 0, "id": "a", "function": {"name": "f", "arguments": "1"}}
    assert calls([again], [again], [again]) == [("a", "f", "111")]


def test_whole_calls_without_an_index_are_numbered_in_order() -> None:
    assert calls(
        [{"id": "a", "function": {"name": "f", "arguments": "{}"}}],
        [{"id": "b", "function": {"name": "f", "arguments": "[]"}}],
    ) == [("a", "f", "{}"), ("b", "f", "[]")]


def test_fragments_without_an_index_belong_to_the_call_of_their_id_or_to_the_last() -> None:
    assert calls(
        [{"id": "a", "function": {"name": "f", "arguments": "1"}}],
        [{"id": "b", "function": {"name": "g", "arguments": "2"}}],
        [{"id": "a", "function": {"arguments": "3"}}],
        [{"function": {"arguments": "4"}}],
    ) == [("a", "f", "13"), ("b", "g", "24")]


def test_a_name_may_come_after_the_id() -> None:
    assert calls([{"index": 0, "id": "a", "function": {}}], [{"index": 0, "function": {"name": "f"}}]) == [
        ("a", "f", "")
    ]


def test_arguments_that_are_an_object_become_text() -> None:
    assert calls([{"index": 0, "id": "a", "function": {"name": "f", "arguments": {"x": "é"}}}]) == [
        ("a", "f", '{"x": "é"}')
    ]


def test_a_call_without_an_id_gets_one_that_stays_the_same() -> None:
    nameless = [{"index": 0, "function": {"name": "f", "arguments": "{}"}}]
    [(first, _, _)] = calls(nameless)
    assert first.startswith("call_")
    assert calls(nameless) == [(first, "f", "{}")]


def test_made_up_ids_differ_between_calls_and_between_answers() -> None:
    assert len({invented_id(answer, index) for answer in ("a", "b") for index in (0, 1)}) == 4


def test_a_function_call_of_the_old_kind_is_a_tool_call() -> None:
    adapter = OpenAICompatibleAdapter(name="x", base_url="http://h/v1")
    fragments = [{"name": "f", "arguments": ""}, {"arguments": "{}"}]
    [(id, name, arguments)] = read(adapter, sse(*(delta(function_call=each) for each in fragments))).calls
    assert id
    assert (name, arguments) == ("f", "{}")


def test_calls_that_are_no_functions_are_passed_over() -> None:
    assert calls([{"index": 0, "id": "a", "type": "custom", "custom": {"name": "x"}}, None, 7]) == []


def test_a_ledger_counts_from_the_highest_index_it_knows() -> None:
    ledger = ToolCallLedger()
    ledger.fragment(index=3, id="a", name="f", arguments="", answer="")
    following = ledger.fragment(index=None, id="b", name="g", arguments="{}", answer="")
    assert following == ToolCallDelta(4, "b", "g", "{}")
