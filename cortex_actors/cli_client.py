"""The commands that talk to a running gateway: chat, providers, health, tree.

They know it by its manifest, as any other program would that uses our client.

Runs on:   the main thread of a short-lived process.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cortex_actors.client import (
    APIError,
    Client,
    ConnectionFailed,
    Context,
    RetryPolicy,
    StatusError,
    StreamInterrupted,
    shipped,
)
from cortex_actors.errors import UpstreamConnectError, UpstreamError


class GatewaySaidNo(UpstreamError):
    """When the gateway answers with an error; carries its own words."""

    title = "The gateway said no"


def chat(options: argparse.Namespace) -> int:
    """Asks one question and prints the answer piece by piece; 1 when the answer is not whole."""
    question = [{"role": "user", "content": options.text}]
    printer = _Printer()
    with _client(options) as client:
        try:
            with client.chat.answer_stream(
                question, model=options.model, provider=options.provider
            ) as answer:
                answer.dispatch(printer)
        except StreamInterrupted:
            pass  # the printer says so
    return printer.status()


def providers(options: argparse.Namespace) -> int:
    """Lists the providers, the one tried first on top."""
    with _client(options) as client:
        listed = client.gateway.providers()["providers"]
    for provider in listed:
        row = [provider[key] for key in ("priority", "name", "type", "status")]
        print("{:>4}  {:<24} {:<18} {:<14}".format(*row), ", ".join(provider["models"]))
    return 0


def health(options: argparse.Namespace) -> int:
    """Says how the gateway is."""
    with _client(options) as client:
        try:
            answer = client.gateway.health()
        except StatusError as error:
            if error.status != 503 or "summary" not in (error.data or {}):
                raise
            answer = error.data  # nobody can be asked, and this is what it says about them
    summary = answer["summary"]
    print(f"{answer['status']}: {summary['available']} of {summary['total']} providers available")
    for name, status in answer["workers"].items():
        print(f"  {name:<24} {status}")
    return 0 if answer["status"] in ("healthy", "degraded") else 1


def tree(options: argparse.Namespace) -> int:
    """Draws the supervision tree."""
    with _client(options) as client:
        answer = client.gateway.actors()
    for line in _branches(answer["tree"], "", ""):
        print(line)
    return 0


def _branches(node: dict[str, Any], stem: str, roots: str) -> Iterator[str]:
    story = [node["state"]]
    if node["restarts"]:
        story.append(f"{node['restarts']} restarts")
    if last := node["last_exit"]:
        story.append(f"last exit {last['ago']:.0f} s ago: {last['kind']} {last['detail']}".rstrip())
    yield f"{stem}{node['id']}  {', '.join(story)}"
    children = node["children"]
    for number, child in enumerate(children):
        youngest = number == len(children) - 1
        yield from _branches(
            child, roots + ("└─ " if youngest else "├─ "), roots + ("   " if youngest else "│  ")
        )


class _Printer:
    """Prints an answer while it arrives, and knows whether it was whole."""

    def __init__(self) -> None:
        self._error: str | None = "the connection ended before the answer did"

    def on_delta(self, data: dict[str, Any]) -> None:
        """A piece of it."""
        print(data.get("text", ""), end="", flush=True)

    def on_end(self, data: dict[str, Any]) -> None:
        """It is whole."""
        self._error = None

    def on_error(self, data: dict[str, Any]) -> None:
        """It is not, and never will be."""
        self._error = f"{data['error']}: {data['details']}"

    def status(self) -> int:
        """Ends the line; the exit status."""
        print()
        if self._error is None:
            return 0
        print(f"cortex: {self._error}", file=sys.stderr)
        return 1


@contextmanager
def _client(options: argparse.Namespace) -> Iterator[Client]:
    """A client of the gateway at --url; what goes wrong is told in the gateway's words."""
    # By design no second attempt: whoever types a command wants to know now.
    context = Context(base_url=options.url, retry=RetryPolicy(max_attempts=1))
    try:
        with Client(shipped("cortex"), context) as client:
            yield client
    except ConnectionFailed as error:
        raise UpstreamConnectError(f"Nobody answers at {options.url}; is `cortex serve` running?") from error
    except APIError as error:
        raise GatewaySaidNo(_reason(error)) from error


def _reason(error: APIError) -> str:
    if isinstance(error, StatusError) and isinstance(error.data, dict) and "details" in error.data:
        return f"{error.status} {error.data.get('error')}: {error.data['details']}"
    return error.message
