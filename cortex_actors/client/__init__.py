"""The client: calls any HTTP API that a manifest describes, and streams its answers. A library of its own.

Belongs here: everything a caller of an API needs, and nothing about what we serve ourselves.
May import:   transport, streaming, resilience, errors; of the providers only how they write Retry-After.
Imported by:  the command line. The names below are public.

The examples run against a server at `url` whose manifest is in `file`:

    {"name": "demo", "version": "1", "types": {"ChatRequest": {"fields": {"prompt": "string"}}},
     "endpoints": [{"id": "stream_chat", "method": "POST", "path": "/chat/completions", "resource": "chat",
                    "streaming": true, "stream_format": "sse", "request": "ChatRequest",
                    "event_types": ["start", "message", "done"]}]}

A manifest and a context make a client; a streaming call returns when its answer has begun.

>>> manifest = load_manifest(file)
>>> context = Context(base_url=url, auth=Bearer("t0ken"), timeouts=Timeouts(idle=60))
>>> client = Client(manifest, context)
>>> response = client.execute_stream("stream_chat", {"prompt": "Hello"})
>>> response.status, response.headers["content-type"], response.metadata["endpoint_id"]
(200, 'text/event-stream', 'stream_chat')
>>> for event in response:
...     print(event)
Event(event='start', data='{"status": "starting"}', id='1', retry=5000)
Event(event='message', data='{"delta": "Hello"}', id='2', retry=None)
Event(event='message', data='{"delta": " world"}', id='3', retry=None)
Event(event='done', data='{"status": "complete"}', id='4', retry=None)

The data of an event is text until somebody wants JSON; `default` stands in for what is none.

>>> event.json(), event.is_message, Event(data="[DONE]").json(default=None)
({'status': 'complete'}, False, None)
>>> Event(data="[DONE]").json()
Traceback (most recent call last):
cortex_actors.streaming.errors.NotJSON: a text of 6 characters is not JSON

A response is an iterator like any other: lazy, so `islice` reads no more than it hands out.

>>> def ask(prompt="Hello", **options):
...     return client.execute_stream("stream_chat", {"prompt": prompt}, **options)
>>> with ask() as response:
...     deltas = (event.json() for event in response if event.is_message)
...     list(islice(deltas, 1))
[{'delta': 'Hello'}]
>>> "".join(event.json(default={}).get("delta", "") for event in ask())
'Hello world'

Handlers get each event under its name. What they have no method for goes to `on_unknown`, or nowhere.

>>> class Printer:
...     def on_start(self, data):
...         print("started:", data["status"])
...     def on_message(self, data):
...         print(data["delta"])
...     def on_unknown(self, name, data):
...         print("unknown", name, data)
>>> dispatch_event(Event("start", '{"status": "now"}'), Printer())
started: now
>>> for result in dispatch_stream(ask(), Printer()):  # or ask().dispatch(Printer())
...     pass
started: starting
Hello
 world
unknown done {"status": "complete"}

`cancel` may be called from any thread and wakes the one that waits for the next event. The last id is known
afterwards as well, which is when it is needed; `reconnect=True` does the rest by itself.

>>> response = ask("wait")
>>> consumer = Thread(target=lambda: [seen.set() for event in response])
>>> consumer.start(); _ = seen.wait(10); response.cancel(); consumer.join(10); consumer.is_alive()
False
>>> last_id = response.last_event_id
>>> [event.id for event in ask(last_event_id=last_id)], [event.id for event in ask("cut", reconnect=True)]
(['2', '3', '4'], ['1', '2', '3', '4'])

What goes wrong is an error with a name: before the stream, and in the middle of it.

>>> try:
...     ask("fail", max_retries=0)
... except StatusError as error:
...     print(error, error.retriable)
stream_chat: 500 out of order True
>>> try:
...     Client(manifest, Context(base_url=nobody)).execute_stream("stream_chat", {}, max_retries=0)
... except (ConnectionFailed, TimedOut) as error:
...     print(type(error).__name__)
ConnectionFailed
>>> try:
...     for event in ask("cut"):
...         print(event.id)
... except StreamInterrupted as error:
...     print("interrupted behind", error.last_event_id)
1
interrupted behind 1

Whoever wants to know listens; whoever has bytes of an event stream may decode them without any of this.

>>> telemetry = [on("stream.connected", lambda event: print("connected to", event.metadata["endpoint_id"]))]
>>> with Client(manifest, context.having(telemetry=telemetry)) as client:
...     for event in client.chat.completions_stream(prompt="Hello"):  # takes one event at a time, keeps none
...         pass
connected to stream_chat
>>> decoder = SSEDecoder()
>>> decoder.decode(b": a comment\\n\\ndata: one\\ndata: tw")
[]
>>> decoder.decode(b"o\\n\\n")[0].data
'one\\ntwo'
>>> [event.data for event in decode_stream([b"data: a", b"\\n\\n"])]
['a']
>>> [event.data for event in decode_sse_body("data: a\\n\\ndata: a body may end without its blank line")]
['a', 'a body may end without its blank line']

All of it together, with a type for everything: `cortex manifest generate api.json`.

>>> def chat(prompt):
...     with Client(manifest, Context(base_url=url, timeouts=300.0)) as client:
...         for event in client.chat.completions_stream(prompt=prompt):
...             match event.json(default=None):
...                 case {"delta": text}:
...                     print(text)
...                 case {"status": "complete"}:
...                     print("[Stream complete]")
>>> chat("Hello")
Hello
 world
[Stream complete]
"""

from cortex_actors.client.auth import APIKey, Auth, Basic, Bearer
from cortex_actors.client.call_options import CallOptions
from cortex_actors.client.client import Client
from cortex_actors.client.context import Context
from cortex_actors.client.errors import (
    APIError,
    ConnectionFailed,
    InvalidCall,
    StatusError,
    StreamInterrupted,
    TimedOut,
    UnexpectedAnswer,
)
from cortex_actors.client.event import Event
from cortex_actors.client.event_handlers import dispatch_event, dispatch_stream
from cortex_actors.client.formats import decode_sse_body, decode_stream
from cortex_actors.client.futures import Polling, combine
from cortex_actors.client.manifest.document import load_manifest
from cortex_actors.client.manifest.mistakes import ManifestError
from cortex_actors.client.manifest.model import Manifest
from cortex_actors.client.multipart import File
from cortex_actors.client.reconnection import Reconnect
from cortex_actors.client.response import Response
from cortex_actors.client.retry import RetryPolicy
from cortex_actors.client.semaphores import BytesSemaphore, CountingSemaphore
from cortex_actors.client.shipped import shipped
from cortex_actors.client.stream_response import StreamResponse
from cortex_actors.client.telemetry import TelemetryEvent, on
from cortex_actors.client.timeouts import Timeouts

__all__ = [
    "APIError",
    "APIKey",
    "Auth",
    "Basic",
    "Bearer",
    "BytesSemaphore",
    "CallOptions",
    "Client",
    "ConnectionFailed",
    "Context",
    "CountingSemaphore",
    "Event",
    "File",
    "InvalidCall",
    "Manifest",
    "ManifestError",
    "Polling",
    "Reconnect",
    "Response",
    "RetryPolicy",
    "StatusError",
    "StreamInterrupted",
    "StreamResponse",
    "TelemetryEvent",
    "TimedOut",
    "Timeouts",
    "UnexpectedAnswer",
    "combine",
    "decode_sse_body",
    "decode_stream",
    "dispatch_event",
    "dispatch_stream",
    "load_manifest",
    "on",
    "shipped",
]
