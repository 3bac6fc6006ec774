"""The front door: HTTP in, values up; values down, HTTP out.

Belongs here: the WSGI application, what turns bytes into a `ChatRequest` and answers into bytes, the handlers
(one file a subject), the middleware (one visible list), and the server that runs it all.
May import: gateway and everything below; werkzeug and gunicorn have their only home here.
Imported by: cli.

    server -> middleware (one list) -> app (path -> handler) -> body, parsing -> gateway
                                                 framing, responses <- stream <-

Nothing here knows a provider, and nothing below knows HTTP.
"""
