"""Our names for fields, in the words of whoever wrote them."""

from __future__ import annotations

import pytest

from cortex_actors.errors import InvalidRequest
from cortex_actors.web.anthropic.names import in_their_words, refusal_in_their_words

ORIGINS = ("system", "messages[0]", "messages[1]", "messages[1]")


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("user", "metadata.user_id"),
        ("parallel_tool_calls", "tool_choice.disable_parallel_tool_use"),
        ("output_config", "output_config.effort"),
        ("tools.function.strict", "tools.strict"),
        ("messages[0].content", "system"),
        ("messages[3].tool_calls[0].function.arguments", "messages[1]"),
        ("messages[9].content", "messages[9].content"),
        ("messages", "messages"),
        ("thinking", "thinking"),
    ],
)
def test_a_field_has_the_name_that_the_caller_gave_it(ours: str, theirs: str) -> None:
    assert in_their_words(ours, ORIGINS) == theirs


def test_a_refusal_keeps_all_but_the_name() -> None:
    error = InvalidRequest("Not two at once.", field="parallel_tool_calls", title="No")
    error.attempts = ("one",)

    translated = refusal_in_their_words(error, ORIGINS)

    assert translated.field == "tool_choice.disable_parallel_tool_use"
    assert (translated.details, translated.title, translated.attempts) == ("Not two at once.", "No", ("one",))


def test_a_refusal_without_a_field_stays_as_it_is() -> None:
    error = InvalidRequest("No.")

    assert refusal_in_their_words(error, ORIGINS) is error
