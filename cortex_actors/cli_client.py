"""The commands that talk to a running gateway: chat, providers, health, tree.

Runs on:   the main thread of a short-lived process.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cortex_actors.errors import UpstreamConnectError, UpstreamError
from cortex_actors.streaming.sse import SSEDecoder
from cortex_actors.transport import HTTPTransport, UpstreamRequest, UpstreamResponse

#: To connect, and to wait for bytes, in seconds; the gateway has limits of its own.
_CONNECT = 5.0
_READ = 600.0


class GatewaySaidNo(UpstreamError):
    """When the gateway answers with an error; carries its own words."""

    title = "The gateway said no"


def chat(options: argparse.Namespace) -> int:
    """Asks one question and prints the answer piece by piece; 1 when the answer is not whole."""
    question: dict[str, Any] = {"messages": [{"role": "user", "content": options.text}]}
    question.update({key: getattr(options, key) for key in ("model", "provider") if getattr(options, key)})
    request = UpstreamRequest(
        "POST",
        f"{options.url.rstrip('/')}/api/chat",
        {"Content-Type": "application/json", "Accept": "text/event-stream"},
        json.dumps(question).encode(),
    )
    with _answer(request) as response:
        return _print_answer(response)


def providers(options: argparse.Namespace) -> int:
    """Lists the providers, the one tried first on top."""
    for provider in _get(options, "/api/providers")["providers"]:
        row = [provider[key] for key in ("priority", "name", "type", "status")]
        print("{:>4}  {:<24} {:<18} {:<14}".format(*row), ", ".join(provider["models"]))
    return 0


def health(options: argparse.Namespace) -> int:
    """Says how the gateway is."""
    answer = _get(options, "/api/health", also=(503,))
    summary = answer["summary"]
    print(f"{answer['status']}: {summary['available']} of {summary['total']} providers available")
    for name, status in answer["workers"].items():
        print(f"  {name:<24} {status}")
    return 0 if answer["status"] in ("healthy", "degraded") else 1


def tree(options: argparse.Namespace) -> int:
    """Draws the supervision tree."""
    for line in _branches(_get(options, "/api/actors")["tree"], "", ""):
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


def _print_answer(response: UpstreamResponse) -> int:
    decoder = SSEDecoder()
    while data := response.read():
        for event in decoder.decode(data):
            if event.event == "delta":
                print(json.loads(event.data).get("text", ""), end="", flush=True)
            elif event.event == "end":
                print()
                return 0
            elif event.event == "error":
                error = json.loads(event.data)
                print(f"\ncortex: {error['error']}: {error['details']}", file=sys.stderr)
                return 1
    print("\ncortex: the connection ended before the answer did", file=sys.stderr)
    return 1


def _get(options: argparse.Namespace, path: str, also: tuple[int, ...] = ()) -> Any:
    request = UpstreamRequest("GET", options.url.rstrip("/") + path, {"Accept": "application/json"})
    with _answer(request, also) as response:
        body = bytearray()
        while data := response.read():
            body += data
        return json.loads(body)


@contextmanager
def _answer(request: UpstreamRequest, also: tuple[int, ...] = ()) -> Iterator[UpstreamResponse]:
    """The gateway's answer. Raises GatewaySaidNo unless it is a 200 or one of `also`."""
    transport = HTTPTransport()
    try:
        response = transport.exchange(request, connect_timeout=_CONNECT, read_timeout=_READ).open()
        if response.status != 200 and response.status not in also:
            raise GatewaySaidNo(_reason(response.status, response.read_error_body()))
        yield response
    except UpstreamConnectError as error:
        raise UpstreamConnectError(f"Nobody answers at {request.url}; is `cortex serve` running?") from error
    finally:
        transport.close()


def _reason(status: int, body: bytes) -> str:
    try:
        answer = json.loads(body)
        return f"{status} {answer['error']}: {answer['details']}"
    except (ValueError, KeyError, TypeError):
        return f"{status}"
