"""Nothing that a request says is dropped silently, and README tells what becomes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from cortex_actors.chat import ChatRequest
from cortex_actors.errors import InvalidRequest
from cortex_actors.providers.catalog import TYPES, create
from tests.providers.carried import DIALECTS, ROWS, Row, made, table, verdict
from tests.providers.reading import HELLO, delta, read, sse

README = Path(__file__).parents[2] / "README.md"


@pytest.mark.parametrize("type", DIALECTS)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.label)
def test_what_a_request_says_goes_up_is_refused_or_is_named(row: Row, type: str) -> None:
    assert verdict(made(type), row) in ("yes", "refused", "header")


@pytest.mark.parametrize("type", DIALECTS)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.label)
def test_a_refusal_names_its_field(row: Row, type: str) -> None:
    try:
        made(type).build_request(row.said, model="m", key=None)
    except InvalidRequest as error:
        named = error.field
    else:
        named = "nothing was refused"

    assert named


def test_the_table_has_every_dialect_but_the_mock() -> None:
    assert set(DIALECTS) == set(TYPES) - {"mock"}


def test_readme_has_this_very_table() -> None:
    told = README.read_text(encoding="utf-8")

    assert "\n".join(table()) in told, "write it with: python -m tests.providers.carried"


def test_v1_of_cohere_drops_nothing_silently_either() -> None:
    adapter = create("prov", "cohere", "http://host", options={"api": "v1"})

    assert [row.label for row in ROWS if verdict(adapter, row) == "dropped silently"] == []


@pytest.mark.parametrize("type", ["openai", "openai_compatible", "xai", "mock"])
def test_logprobs_are_read_where_they_can_be_asked_for(type: str) -> None:
    adapter = create("prov", type, "http://host")
    logprobs = {"content": [{"token": "a", "logprob": -0.5, "bytes": [97], "top_logprobs": []}]}
    payload = delta(content="a")
    payload["choices"][0]["logprobs"] = logprobs

    reading = read(adapter, sse(payload, delta("stop")))

    assert adapter.carries_logprobs
    assert [event.logprobs for event in reading.events if hasattr(event, "logprobs")] == [logprobs]


@pytest.mark.parametrize("field", ["logprobs", "top_logprobs"])
@pytest.mark.parametrize("type", ["groq", "mistral", "anthropic", "gemini", "cohere", "ollama"])
def test_logprobs_are_refused_by_name_where_answers_have_none(type: str, field: str) -> None:
    request = ChatRequest(HELLO.messages, extra={field: 1})

    with pytest.raises(InvalidRequest) as caught:
        create("prov", type, "http://host").build_request(request, model="m", key=None)

    assert caught.value.field == field
