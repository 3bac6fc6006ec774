"""The bodies that callers send, as schemas. The parsers are the truth; a test sends what these describe."""

from __future__ import annotations

from cortex_actors.web.openapi.words import (
    ANYTHING,
    BOOLEAN,
    STRING,
    Schema,
    either,
    many,
    may_be_null,
    real,
    record,
    ref,
    said,
    table,
    text,
    whole,
    word,
)

_NAME = text(256, 1, r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]+$")
_TOKENS = whole(1, 2**31 - 1)
_TOOL_NAME = text(pattern=r"^[A-Za-z0-9_.:-]{1,128}$")

_SAMPLING = {
    "temperature": may_be_null(real(0, 2)),
    "top_p": may_be_null(real(0, 1)),
}

_CHAT = {
    **_SAMPLING,
    "model": may_be_null(said(_NAME, "A model, a public name of the settings, or `auto`.")),
    "provider": may_be_null(said(_NAME, "A configured provider; the others are not asked then.")),
    "fallbacks": may_be_null(many(_NAME, most=16)),
    "max_tokens": may_be_null(_TOKENS),
    "stop": may_be_null(either(STRING, many(STRING, most=16))),
    "seed": may_be_null(whole(-(2**63) + 1, 2**63 - 1)),
    "tools": may_be_null(many(ref("Tool"), most=128)),
    "tool_choice": may_be_null(
        either(
            word("auto", "none", "required"),
            record({"type": word("function"), "function": record({"name": _TOOL_NAME})}),
        )
    ),
    "parallel_tool_calls": may_be_null(BOOLEAN),
    "response_format": may_be_null(ref("ResponseFormat")),
    "user": may_be_null(_NAME),
    "limits": may_be_null(
        said(ref("Limits"), "Limits of this request alone; they only tighten the configured.")
    ),
    "recovery": may_be_null(
        said(
            either(
                BOOLEAN,
                {
                    **record(
                        {},
                        strategy=may_be_null(word("exact", "paragraph", "summarize")),
                        max_retries=may_be_null(whole(0, 10)),
                    ),
                    "additionalProperties": False,
                },
            ),
            "Whether an answer that breaks off is gone on with, and how.",
        )
    ),
    "stages": may_be_null(said(many(STRING, most=16), "Configured stages that the answer passes.")),
}

_MODELS = {"models": may_be_null(said(many(_NAME, most=16), "Models to ask one after another."))}

REQUESTS: dict[str, Schema] = {
    "Limits": {
        **record(
            {},
            first_token=may_be_null(real(0.001, 86_400)),
            idle=may_be_null(real(0.001, 86_400)),
            total=may_be_null(real(0.001, 86_400)),
        ),
        "additionalProperties": False,
        "description": "Seconds.",
    },
    "Tool": record(
        {
            "type": word("function"),
            "function": record(
                {"name": _TOOL_NAME},
                description=may_be_null(STRING),
                parameters=may_be_null(table(ANYTHING)),
                strict=may_be_null(BOOLEAN),
            ),
        }
    ),
    "ResponseFormat": either(
        record({"type": word("text", "json_object")}),
        record(
            {"type": word("json_schema"), "json_schema": record({"schema": table(ANYTHING)}, name=_NAME)},
        ),
    ),
    "Part": either(
        record({"type": word("text"), "text": STRING}),
        record(
            {
                "type": word("image_url"),
                "image_url": record({"url": text(pattern=r"^(https://|data:image/)[!-~]+$")}),
            }
        ),
    ),
    "Message": either(
        record(
            {
                "role": word("system", "developer", "user", "assistant"),
                "content": either(STRING, many(ref("Part"), least=1)),
            },
            name=may_be_null(_NAME),
        ),
        record(
            {"role": word("assistant"), "tool_calls": many(ref("ToolCall"), least=1)},
            content=may_be_null(STRING),
        ),
        record({"role": word("tool"), "tool_call_id": _NAME, "content": STRING}),
    ),
    "ChatRequest": record(
        {"messages": many(ref("Message"), least=1)},
        **_CHAT,
        resumable=may_be_null(said(BOOLEAN, "Numbered events that can be resumed; for server-sent events.")),
        on_disconnect=may_be_null(word("cancel", "drain", "detach")),
    ),
    "CompletionRequest": record(
        {"model": _NAME, "messages": many(ref("Message"), least=1)},
        **{name: schema for name, schema in _CHAT.items() if name != "model"},
        **_MODELS,
        max_completion_tokens=may_be_null(_TOKENS),
        n=may_be_null(whole(1, 1)),
        stream=may_be_null(BOOLEAN),
        stream_options=may_be_null(record({}, include_usage=may_be_null(BOOLEAN))),
    ),
    "EmbeddingsBody": record(
        {
            "model": _NAME,
            "input": either(
                text(shortest=1),
                many(text(shortest=1), least=1, most=2048),
                many(whole(0, 2**31), least=1),
            ),
        },
        dimensions=may_be_null(whole(1, 65_536)),
        encoding_format=may_be_null(word("float", "base64")),
        user=may_be_null(_NAME),
    ),
    "AnthropicTurn": record(
        {
            "role": word("user", "assistant"),
            "content": either(
                text(shortest=1), many(record({"type": word("text"), "text": text(shortest=1)}), least=1)
            ),
        }
    ),
    "MessagesRequest": record(
        {"model": _NAME, "max_tokens": _TOKENS, "messages": many(ref("AnthropicTurn"), least=1)},
        **_SAMPLING,
        system=may_be_null(STRING),
        stop_sequences=may_be_null(many(STRING, most=64)),
        stream=may_be_null(BOOLEAN),
        top_k=may_be_null(whole(0, 2**31 - 1)),
        metadata=may_be_null(record({}, user_id=may_be_null(_NAME))),
    ),
    "CountTokensRequest": record(
        {"model": _NAME, "messages": many(ref("AnthropicTurn"), least=1)}, system=may_be_null(STRING)
    ),
    "BreakerOrder": record(
        {"mode": word("open", "closed", "auto")}, model=may_be_null(said(_NAME, "One model; else all."))
    ),
    "UnblockOrder": record({"key": said(STRING, "The key's id, as the views show it.")}),
    "ProviderTable": said(table(ANYTHING), "One `[[providers]]` table of the settings file."),
}
