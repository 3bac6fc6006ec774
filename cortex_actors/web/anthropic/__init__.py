"""The Anthropic surface: the Messages API, so that a client of Anthropic's only changes its base URL.

Belongs here: how a Messages body becomes a `ChatRequest`, and an answer becomes content blocks, named events
and messages. Whoever answers upstream, a caller sees Anthropic's words; what its provider could not be told
is named in a header.
May import: the modules of `web` that are neither handlers nor `app`, and what lies below `web`.
Imported by: web.handlers.anthropic; web.app for the shape of errors.

    body -> parsing (turns) -> ChatRequest        answer -> blocks -> framing (a stream), payloads (whole)
"""
