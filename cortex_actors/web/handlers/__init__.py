"""Handlers: one function an endpoint, one file a subject.

Belongs here: functions `Request -> Response`; a failure is raised as a `CortexError`, never rendered here.
May import: the rest of `web` except `app`, `middleware` and `server`. Imported by: `web.app`, which holds
the table of paths.
"""
