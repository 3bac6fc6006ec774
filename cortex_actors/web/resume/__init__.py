"""Resuming: what a stream looks like that a caller may come back to.

    options    what a request says about it: resumable, on_disconnect, Last-Event-ID
    records    a stream as the journal keeps it, and what can be read from that
    framing    records as SSE or NDJSON, each with its id
    body       the body of a response that reads a journal
    drained    the body of a stream that is finished though its caller has left

May import: `web.framing`, `web.responses`, `web.parsing` and their like, and what lies below `web`.
Imported by: `web.handlers`.
"""
