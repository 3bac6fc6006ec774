"""The request for the rest: who is shown what, in which words, and at which price."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cortex_actors.chat import ChatRequest, Message, ResponseFormat, TextPart, Tool, ToolCall
from cortex_actors.streaming.recovery import Continuation, Manner, continuation, is_plain_text
from tests.streaming.recovery.texts import REQUEST

SAID = "It rained all night. The river ro"


def turns(asked: Continuation) -> list[tuple[str, str]]:
    """The messages behind those of the caller."""
    messages = asked.request.messages[len(REQUEST.messages) :]
    return [(message.role, message.text) for message in messages]


def test_a_target_that_continues_an_assistant_message_gets_one() -> None:
    asked = continuation(REQUEST, SAID, prefill=True)
    assert asked.manner is Manner.PREFILL
    assert turns(asked) == [("assistant", SAID)]


def test_white_space_at_the_end_is_not_shown_to_such_a_target() -> None:
    asked = continuation(REQUEST, "First.\n\n", prefill=True)
    assert turns(asked) == [("assistant", "First.")]


def test_every_other_target_is_asked_to_go_on_and_to_begin_with_the_last_words() -> None:
    asked = continuation(REQUEST, "The old house by the sea had stood empty for many years ")
    (role, shown), (asker, words) = turns(asked)
    assert (role, shown, asker) == ("assistant", asked.said, "user")
    assert words.startswith("Continue from where you left off. ")
    assert words.endswith(":\n\nstood empty for many years")


def test_the_last_words_of_a_script_without_spaces_are_its_last_characters() -> None:
    asked = continuation(REQUEST, "云端的网关把每一个词都送到读者手中")
    assert turns(asked)[1][1].endswith(":\n\n都送到读者手中")


def test_a_paragraph_is_begun_again_behind_the_last_whole_sentence() -> None:
    asked = continuation(REQUEST, SAID, "paragraph")
    assert turns(asked) == [
        ("assistant", "It rained all night."),
        ("user", "Continue from where you left off. Start with a new paragraph."),
    ]
    assert asked.said == SAID


def test_a_paragraph_for_a_target_that_continues_needs_no_words() -> None:
    assert turns(continuation(REQUEST, SAID, "paragraph", prefill=True)) == [
        ("assistant", "It rained all night.")
    ]


def test_a_text_without_a_whole_sentence_is_shown_as_it_is() -> None:
    assert turns(continuation(REQUEST, "one two", "paragraph"))[0] == ("assistant", "one two")


def test_a_summary_is_asked_for_in_one_user_turn() -> None:
    asked = continuation(REQUEST, SAID, "summarize", prefill=True)
    assert asked.manner is Manner.SUMMARY
    interrupted = "The following is a partial response that was interrupted:"
    summarize = (
        "Please briefly summarize what was covered above, then continue with the rest of the response."
    )
    assert turns(asked) == [("user", f"{interrupted}\n\n{SAID}\n\n{summarize}")]


@pytest.mark.parametrize("said", ["", "  \n"])
def test_with_nothing_said_yet_the_request_is_the_same(said: str) -> None:
    asked = continuation(REQUEST, said)
    assert asked.manner is Manner.ANEW
    assert asked.request is REQUEST


def test_the_beginning_that_the_caller_wrote_stays_one_message_with_the_rest() -> None:
    begun = ChatRequest((*REQUEST.messages, Message("assistant", (TextPart("Once upon"),))))
    asked = continuation(begun, " a time", prefill=True)
    assert turns(asked) == [("assistant", "Once upon a time")]
    assert (asked.said, asked.given) == ("Once upon a time", len("Once upon"))
    assert [role for role, _ in turns(continuation(begun, " a time"))] == ["assistant", "user"]


def test_an_assistant_turn_that_called_a_tool_is_no_beginning() -> None:
    called = Message("assistant", (TextPart("Let me see."),), tool_calls=(ToolCall("1", "look", "{}"),))
    asked = continuation(ChatRequest((*REQUEST.messages, called)), "It is", prefill=True)
    assert turns(asked) == [("assistant", "Let me see."), ("assistant", "It is")]


# -- the price


def limited(most: int, **extra: Any) -> ChatRequest:
    return replace(REQUEST, max_tokens=most, extra=extra)


def test_the_token_limit_is_reduced_by_what_was_used() -> None:
    assert continuation(limited(100), SAID, used=60, prefill=True).request.max_tokens == 40


def test_where_nobody_counted_tokens_they_are_estimated() -> None:
    assert continuation(limited(100), "x" * 80, prefill=True).request.max_tokens == 80
    assert continuation(limited(100), "字" * 40, prefill=True).request.max_tokens == 70


def test_what_must_be_said_again_is_allowed_for() -> None:
    exact = continuation(limited(1000), SAID, used=500, prefill=True).request.max_tokens
    paragraph = continuation(limited(1000), SAID, "paragraph", used=500, prefill=True).request.max_tokens
    assert exact == 500
    assert paragraph == 500 + 4  # " The river ro"


def test_the_limit_has_a_floor_which_is_never_above_the_callers_own() -> None:
    assert continuation(limited(100), SAID, used=99).request.max_tokens == 16
    assert continuation(limited(100), SAID, used=5000, least_tokens=30).request.max_tokens == 30
    assert continuation(limited(5), SAID, used=4).request.max_tokens == 5


def test_thinking_keeps_its_budget() -> None:
    thinking = {"type": "enabled", "budget_tokens": 1024}
    assert continuation(limited(2000, thinking=thinking), SAID, used=1900).request.max_tokens == 1040


def test_no_limit_stays_none() -> None:
    assert continuation(REQUEST, SAID, used=5).request.max_tokens is None


# -- what can be gone on with


def test_plain_text_can_be_gone_on_with_tools_on_offer_or_not() -> None:
    assert is_plain_text(REQUEST)
    assert is_plain_text(replace(REQUEST, tools=(Tool("look"),)))
    assert is_plain_text(replace(REQUEST, extra={"modalities": ["text"]}))
    assert is_plain_text(replace(REQUEST, extra={"n": 1, "logprobs": False, "thinking": {"type": "enabled"}}))


@pytest.mark.parametrize(
    "changes",
    [
        {"response_format": ResponseFormat("json_object")},
        {"response_format": ResponseFormat("json_schema", {})},
        {"extra": {"n": 2}},
        {"extra": {"logprobs": True}},
        {"extra": {"top_logprobs": 3}},
        {"extra": {"functions": [{"name": "f"}]}},
        {"extra": {"guided_json": {"type": "object"}}},
    ],
)
def test_json_logprobs_and_several_answers_cannot(changes: dict[str, Any]) -> None:
    assert not is_plain_text(replace(REQUEST, **changes))
