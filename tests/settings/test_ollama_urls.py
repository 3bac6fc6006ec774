"""Where Ollama servers are."""

from __future__ import annotations

import doctest

import pytest

from cortex_actors.settings import ollama_urls
from cortex_actors.settings.ollama_urls import as_url


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("localhost", "http://localhost:11434"),
        ("gpu.lan:8080", "http://gpu.lan:8080"),
        (":8080", "http://localhost:8080"),
        ("0.0.0.0", "http://localhost:11434"),
        ("0.0.0.0:8080", "http://localhost:8080"),
        ("[::]:8080", "http://localhost:8080"),
        ("[::1]", "http://[::1]:11434"),
        ("http://0.0.0.0:11434", "http://localhost:11434"),
        ("https://ollama.example", "https://ollama.example"),
        ("https://proxy.lan/ollama/", "https://proxy.lan/ollama"),
    ],
)
def test_an_address_in_any_of_ollamas_forms_becomes_a_url(text: str, url: str) -> None:
    assert as_url(text) == url


def test_the_examples_are_true() -> None:
    assert doctest.testmod(ollama_urls).failed == 0
