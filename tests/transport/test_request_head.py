"""The head of a request says what it must, once, and nothing that could be two requests."""

from __future__ import annotations

import pytest

from cortex_actors.transport.request_head import request_head

HEADERS = (("authorization", "Bearer k"), ("accept", "text/event-stream"))


def test_a_head_is_the_request_line_and_every_header() -> None:
    head = request_head("POST", "/v1/chat?x=1", "api.example:8443", HEADERS, b"{}")
    assert head == (
        b"POST /v1/chat?x=1 HTTP/1.1\r\nhost: api.example:8443\r\nauthorization: Bearer k\r\n"
        b"accept: text/event-stream\r\ncontent-length: 2\r\n\r\n"
    )


@pytest.mark.parametrize(("method", "told"), [("GET", False), ("POST", True)])
def test_only_a_method_that_has_a_body_says_that_there_is_none(method: str, told: bool) -> None:
    assert (b"content-length: 0\r\n" in request_head(method, "/", "a", (), None)) is told


@pytest.mark.parametrize(
    "header",
    [
        ("x", "a\r\nx-injected: 1"),
        ("x", "a\nb"),
        ("x", "a\0"),
        ("x", "é" + chr(0x2028)),
        ("x y", "a"),
        ("", "a"),
    ],
)
def test_a_header_that_could_be_more_than_one_is_refused_without_its_text(header: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="a header holds characters") as raised:
        request_head("GET", "/", "a", (("authorization", "Bearer secret"), header), None)
    assert "secret" not in str(raised.value)
