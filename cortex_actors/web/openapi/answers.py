"""The bodies that callers get, as schemas."""

from __future__ import annotations

from cortex_actors.web.openapi.words import (
    ANYTHING,
    BOOLEAN,
    INTEGER,
    NUMBER,
    STRING,
    TIMESTAMP,
    Schema,
    either,
    many,
    may_be_null,
    record,
    ref,
    said,
    table,
    word,
)

_COUNT = may_be_null(INTEGER)
_NAME = may_be_null(STRING)

_USAGE = record(
    {"prompt_tokens": INTEGER, "completion_tokens": INTEGER, "total_tokens": INTEGER},
    cached_tokens=INTEGER,
    reasoning_tokens=INTEGER,
)

ANSWERS: dict[str, Schema] = {
    "Error": record(
        {
            "error": STRING,
            "details": may_be_null(STRING),
            "code": said(STRING, "A word for programs; the list is in the README."),
            "request_id": STRING,
            "timestamp": TIMESTAMP,
        },
        field=said(STRING, "The field of the body that is wrong."),
        provider=STRING,
        attempts=many(ref("Attempt")),
    ),
    "OpenAIError": record(
        {"error": record({"message": STRING, "type": STRING, "param": _NAME, "code": _NAME})}
    ),
    "AnthropicError": record(
        {"type": word("error"), "error": record({"type": STRING, "message": STRING})}, request_id=STRING
    ),
    "Attempt": record(
        {
            "number": INTEGER,
            "provider": STRING,
            "model": STRING,
            "outcome": STRING,
            "status": _COUNT,
            "milliseconds": INTEGER,
        }
    ),
    "Usage": _USAGE,
    "ToolCall": record(
        {
            "id": {"type": "string", "minLength": 1, "maxLength": 256, "pattern": r"^[^\x00-\x1f\x7f]+$"},
            "type": word("function"),
            "function": record(
                {"name": {"type": "string", "pattern": r"^[A-Za-z0-9_.:-]{1,128}$"}, "arguments": STRING}
            ),
        }
    ),
    "Completion": record(
        {
            "response": STRING,
            "provider": STRING,
            "model": STRING,
            "usage": may_be_null(ref("Usage")),
            "finish_reason": _NAME,
            "request_id": STRING,
        },
        reasoning=STRING,
        tool_calls=many(ref("ToolCall")),
    ),
    "ChatCompletion": record(
        {
            "id": STRING,
            "object": word("chat.completion"),
            "created": INTEGER,
            "model": STRING,
            "choices": many(
                record(
                    {
                        "index": INTEGER,
                        "message": record({"role": word("assistant"), "content": _NAME}),
                        "finish_reason": _NAME,
                    }
                )
            ),
            "usage": may_be_null(ref("Usage")),
        }
    ),
    "Embeddings": record(
        {
            "object": word("list"),
            "data": many(
                record(
                    {
                        "object": word("embedding"),
                        "index": INTEGER,
                        "embedding": either(many(NUMBER), STRING),
                    }
                )
            ),
            "model": STRING,
            "usage": record({"prompt_tokens": INTEGER, "total_tokens": INTEGER}),
        }
    ),
    "Model": record({"id": STRING, "object": word("model"), "created": INTEGER, "owned_by": STRING}),
    "Models": record({"object": word("list"), "data": many(ref("Model"))}),
    "AnthropicMessage": record(
        {
            "id": STRING,
            "type": word("message"),
            "role": word("assistant"),
            "content": many(table(ANYTHING)),
            "model": STRING,
            "stop_reason": _NAME,
            "stop_sequence": _NAME,
            "usage": table(ANYTHING),
        }
    ),
    "Health": record(
        {
            "status": word("healthy", "degraded", "unhealthy", "no_workers"),
            "timestamp": TIMESTAMP,
            "workers": table(STRING),
            "summary": table(INTEGER),
            "uptime": NUMBER,
            "version": STRING,
        }
    ),
    "Probe": record(
        {"status": word("ok", "warn", "failing", "pass", "fail")},
        reasons=many(STRING),
        warnings=many(STRING),
    ),
    "Provider": record(
        {
            "name": STRING,
            "type": STRING,
            "status": STRING,
            "priority": INTEGER,
            "models": many(STRING),
            "capabilities": many(STRING),
            "local": BOOLEAN,
            "draining": BOOLEAN,
            "breaker": word("closed", "open", "half_open"),
            "in_flight": INTEGER,
            "max_streams": INTEGER,
            "requests": INTEGER,
            "failures": INTEGER,
            "mean_ttft_ms": may_be_null(NUMBER),
            "last_error": _NAME,
        }
    ),
    "Providers": record(
        {
            "providers": many(ref("Provider")),
            "total_count": INTEGER,
            "healthy_count": INTEGER,
            "default_strategy": STRING,
        }
    ),
    "Actor": record(
        {
            "id": STRING,
            "name": STRING,
            "class": STRING,
            "kind": word("worker", "supervisor"),
            "state": STRING,
            "generation": INTEGER,
            "restarts": INTEGER,
            "last_exit": may_be_null(table(ANYTHING)),
            "mailbox": may_be_null(table(ANYTHING)),
            "children": many(ref("Actor")),
        }
    ),
    "Actors": record({"timestamp": TIMESTAMP, "tree": ref("Actor")}),
    "OneActor": record({"timestamp": TIMESTAMP, "actor": ref("Actor"), "path": many(STRING)}),
    "Stream": record(
        {
            "id": STRING,
            "provider": _NAME,
            "model": _NAME,
            "state": STRING,
            "age": NUMBER,
            "attempts": many(ref("Attempt")),
            "chunks": INTEGER,
            "bytes": INTEGER,
            "slow": many(STRING),
        }
    ),
    "Streams": record({"timestamp": TIMESTAMP, "total": INTEGER, "streams": many(ref("Stream"))}),
    "OneStream": record({"timestamp": TIMESTAMP, "stream": ref("Stream")}),
    "Event": record(
        {
            "seq": INTEGER,
            "id": STRING,
            "time": TIMESTAMP,
            "kind": STRING,
            "level": word("info", "warning", "error"),
            "subject": STRING,
            "text": STRING,
            "fields": table(ANYTHING),
            "repeated": INTEGER,
        }
    ),
    "Events": record(
        {
            "timestamp": TIMESTAMP,
            "boot": STRING,
            "oldest": _COUNT,
            "latest": _COUNT,
            "events": many(ref("Event")),
        }
    ),
    "Done": record({"result": STRING}),
}
