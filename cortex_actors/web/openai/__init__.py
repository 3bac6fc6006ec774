"""The OpenAI surface: chat completions, models and embeddings, so that a client only changes its base URL.

Belongs here: how an OpenAI body becomes a `ChatRequest` or an `EmbeddingsRequest`, and an answer becomes
chunks, completions, vectors and error objects. Whoever answers upstream, a caller sees OpenAI's words; what
its provider could not be told is named in a header.
May import: the modules of `web` that are neither handlers nor `app`, and what lies below `web`.
Imported by: web.handlers.openai; web.app for the shape of errors.

    body -> parsing, embeddings -> request        answer -> framing (a stream), payloads, embeddings (whole)
"""
