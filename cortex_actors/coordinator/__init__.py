r"""The streaming coordinator: an answer of any provider, chunk by chunk, and what is to be done to each.

For programs that do not run the gateway. The stages are those of `cortex_actors.streaming`, the providers
those of `cortex_actors.providers`; what is shown here is what a test runs against a real server.

    >>> from cortex_actors.coordinator import stream_chat
    >>> messages = [{"role": "user", "content": "Hola"}]
    >>> for chunk in stream_chat("openai", messages, key=key, base_url=f"{url}/v1"):
    ...     print(chunk.text, end="|")
    Ho|la| |world|.|

**Metrics**: `track_metrics` reports each second and once at the end. Numbers are real: chunks and bytes as
they came from the provider, before any stage took something away.

    >>> reports = []
    >>> stream = stream_chat("openai", messages, key=key, base_url=f"{url}/v1",
    ...                      track_metrics=True, on_metrics=reports.append)
    >>> stream.text()
    'Hola world.'
    >>> last = reports[-1]
    >>> last.stream_id == stream.id, last.provider, last.status, last.chunks_received, last.errors
    (True, 'openai', 'completed', 5, 0)
    >>> 0 < last.time_to_first_chunk_ms <= last.duration_ms
    True
    >>> last.bytes_received > 0 and last.chunks_per_second > 0 and last.bytes_per_second > 0
    True

**Transformation**: a function returns the chunk, another one, or SKIP. Blanks are text: who skips them joins
words. The reason to stop and the token counts never come by.

    >>> from dataclasses import replace
    >>> from datetime import UTC, datetime
    >>> from cortex_actors.coordinator import SKIP
    >>> def transform_chunk(chunk):
    ...     if not chunk.text:
    ...         return SKIP
    ...     return replace(chunk, metadata={"timestamp": datetime.now(UTC)})
    >>> stream = stream_chat("anthropic", messages, key=key, base_url=url, transform_chunk=transform_chunk)
    >>> [chunk.text for chunk in stream if "timestamp" in chunk.metadata]
    ['Ho', 'la', ' ', 'world', '.']
    >>> str(stream.status.finish)
    'stop'

**Validation**: a function says what is wrong with a chunk, or None. `on_invalid` is what follows: "stop", the
default, ends the stream with an error; "drop" and "replace" (`replacement`) go on, and are counted.

    >>> def validate_chunk(chunk):
    ...     if "world" in chunk.text:
    ...         return "Content violates policy"
    ...     return "Chunk too large" if len(chunk.text) > 1000 else None
    >>> stream = stream_chat("gemini", messages, key=key, base_url=url, validate_chunk=validate_chunk)
    >>> stream.text()
    Traceback (most recent call last):
    cortex_actors.errors.ContentRejected: The stage validate_chunk refused the answer: Content violates policy
    >>> stream = stream_chat("gemini", messages, key=key, base_url=url, validate_chunk=validate_chunk,
    ...                      on_invalid="replace", replacement="[…]")
    >>> stream.text(), stream.status.rejections
    ('Hola […].', {'validate_chunk': 1})

**Buffering**: so many chunks go out as one. The rest is never lost, and with `buffer_interval` it waits for
no longer than so many seconds.

    >>> stream = stream_chat("ollama", messages, base_url=url, buffer_chunks=2, buffer_interval=0.5)
    >>> [chunk.text for chunk in stream]
    ['Hola', ' world', '.']

**Recovery**: a stream that fails after it said something goes on in another attempt, as `strategy` says:
"exact" from the last character, "paragraph" from the last paragraph or sentence, "summarize" after a summary.
What the continuation repeats is recognised, and said once.

    >>> stream = stream_chat("openai", messages, key=key, base_url=f"{url}/broken/v1",
    ...                      stream_recovery=True, recovery={"strategy": "paragraph", "max_retries": 3})
    >>> stream.text(), stream.status.recoveries
    ('Hola world.', 1)

**Errors**: `on_error` hears of every failure, with the status and what the provider said. The text of an
error is never a part of the answer.

    >>> logged = []
    >>> def on_error(status, body):
    ...     logged.append(f"Stream error: {status} - {body}")
    >>> stream = stream_chat("mistral", messages, key=key, base_url=f"{url}/busy/v1", on_error=on_error)
    >>> stream.text()
    Traceback (most recent call last):
    cortex_actors.errors.UpstreamRateLimited: Slow down.
    >>> logged
    ['Stream error: 429 - {"error": {"message": "Slow down."}}']
    >>> stream.status.state
    'failed'

Any API that answers with an event stream, to a callback on a thread of the stream's own. `parse_chunk` gets
the data of each event; `[DONE]` is understood.

    >>> import json
    >>> from cortex_actors.chat import Chunk, Finish, FinishReason
    >>> from cortex_actors.coordinator import simple_stream, start_stream
    >>> def parse_provider_chunk(data):
    ...     said = json.loads(data)
    ...     if said.get("end"):
    ...         return Finish(FinishReason.STOP)
    ...     return Chunk(said["text"])
    >>> headers = {"Authorization": f"Bearer {key}"}
    >>> request_body = {"messages": messages, "stream": True}
    >>> texts = []
    >>> def process_chunk(chunk):
    ...     texts.append(chunk.text)
    >>> stream = simple_stream(
    ...     url=f"{url}/v1/chat",
    ...     request=request_body,
    ...     headers=headers,
    ...     callback=process_chunk,
    ...     parse_chunk=parse_provider_chunk,
    ...     options={"provider": "my_provider", "track_metrics": True},
    ... )
    >>> stream.wait(10).state, texts
    ('completed', ['Hola', ' world.'])

    >>> lines = []
    >>> def log_metrics(metrics):
    ...     lines.append(f"{metrics.provider} {metrics.status}: {metrics.chunks_received} chunks")
    >>> stream = start_stream(
    ...     f"{url}/v1/chat",
    ...     request_body,
    ...     headers,
    ...     process_chunk,
    ...     parse_chunk=parse_provider_chunk,
    ...     provider="my_provider",
    ...     timeout=120,
    ...     stream_recovery=True,
    ...     track_metrics=True,
    ...     on_metrics=log_metrics,
    ... )
    >>> stream.wait(10).state, lines[-1]
    ('completed', 'my_provider completed: 2 chunks')

A provider of one's own is a class with one method. What it returns is iterated as it is: the end of the
answer ends the loop, and leaving the loop lets go of the provider.

    >>> class MyAdapter:
    ...     def stream_chat(self, messages, **options):
    ...         request = {"messages": messages, "stream": True}
    ...         return start_stream(f"{url}/v1/chat", request, headers, parse_chunk=parse_provider_chunk,
    ...                             provider="my_provider", **options)
    >>> [chunk.text for chunk in MyAdapter().stream_chat(messages, timeout=300)]
    ['Hola', ' world.']

By its id, a stream can be looked at and ended from anywhere.

    >>> from cortex_actors.coordinator import cancel_stream, stream_status
    >>> stream = stream_chat("openai", messages, key=key, base_url=f"{url}/slow/v1")
    >>> next(stream).text
    'Ho'
    >>> stream_status(stream.id).state
    'running'
    >>> cancel_stream(stream.id)
    True
    >>> list(stream), stream_status(stream.id).state
    ([], 'cancelled')

What happens inside is logged at level DEBUG under `cortex_actors.coordinator`, with `stream_id` and
`provider`.

Belongs here:  starting, watching and ending streams; no stage and no dialect.
May import:    providers and everything below. Imported by: programs.
"""

from cortex_actors.coordinator.api import (
    cancel_stream,
    simple_stream,
    start_stream,
    stream_chat,
    stream_status,
)
from cortex_actors.coordinator.coordinator import Coordinator
from cortex_actors.coordinator.handle import StreamHandle
from cortex_actors.coordinator.options import StreamOptions
from cortex_actors.coordinator.sse_reader import DONE
from cortex_actors.coordinator.status import StreamStatus
from cortex_actors.streaming.meter import StreamMetrics
from cortex_actors.streaming.stages import SKIP

__all__ = [
    "DONE",
    "SKIP",
    "Coordinator",
    "StreamHandle",
    "StreamMetrics",
    "StreamOptions",
    "StreamStatus",
    "cancel_stream",
    "simple_stream",
    "start_stream",
    "stream_chat",
    "stream_status",
]
