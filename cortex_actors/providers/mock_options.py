"""The mock's script as options of the configuration.

Imports:     mock_script, options.
Imported by: mock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from cortex_actors.providers.mock_script import MockRequest, MockScript, Script
from cortex_actors.providers.options import Option

SCRIPT_OPTIONS: Mapping[str, Option] = {
    "reasoning": Option("text", "", "What to think aloud before the answer."),
    "open_delay": Option("number", 0.0, "Seconds before the status."),
    "first_delay": Option("number", 0.0, "Seconds before the first chunk."),
    "chunk_delay": Option("number", 0.04, "Seconds before every later chunk."),
    "usage": Option("true or false", True, "Whether token counts are sent."),
    "status": Option("whole number", 200, "Any other than 200 is a refusal."),
    "error_code": Option("text", None, "The code of a refusal or an error event."),
    "error_message": Option("text", MockScript().error_message, "Its reason."),
    "retry_after": Option("number", None, "Seconds in the Retry-After of a refusal."),
    "fail_at": Option("whole number", None, "The chunk, counted from 1, instead of which the stream fails."),
    "fail_with": Option("text", "error", "How it fails.", choices=("error", "cut", "stall", "end")),
    "fail_times": Option(
        "whole number", None, "How many requests fail before all is well; none is for ever."
    ),
    "responses": Option("list", (), "Answers, in turn; without any, the mock echoes."),
}


def script_from(options: Mapping[str, Any]) -> Script:
    """The options as a script: answers take turns, and failures stop after `fail_times` requests."""
    names = {field.name for field in fields(MockScript)} & set(SCRIPT_OPTIONS)
    failing = MockScript(**{name: options[name] for name in names})
    healthy = replace(failing, status=200, fail_at=None)
    responses: list[str | None] = [str(text) for text in options["responses"]]
    responses = responses or [None]

    def script(request: MockRequest) -> MockScript:
        fails = options["fail_times"] is None or request.number <= options["fail_times"]
        return replace(failing if fails else healthy, text=responses[(request.number - 1) % len(responses)])

    return script
