"""Reads what a manifest says besides endpoints and types: credentials, policies, limits, errors, servers.

Imports:  retry, limiter and url of the client; mistakes, model and section of this package.
"""

from __future__ import annotations

import re
from typing import Any, get_args

from cortex_actors.client.limiter import RateLimit
from cortex_actors.client.manifest.mistakes import step
from cortex_actors.client.manifest.model import DEFAULT_AUTH, NO_AUTH, AuthSpec, ErrorType, Server
from cortex_actors.client.manifest.section import Section
from cortex_actors.client.retry import Growth, RetryPolicy
from cortex_actors.client.url import is_base

_STATUS = re.compile(r"[1-5][0-9]{2}|[1-5]xx")
#: Where a credential would stand, if it could.
_SECRETS = ("token", "key", "api_key", "password", "secret", "value")
_NO_SECRETS = "a manifest carries no credentials; name a variable of the environment in env_var"


def read_auth(manifest: Section) -> dict[str, AuthSpec]:
    """The ways to sign in: one for all, or several by name."""
    table = manifest.table("auth")
    if table is None:
        return {}
    if isinstance(table.values.get("type"), str):
        return {DEFAULT_AUTH: _auth(table)}
    found = {name: _auth(section) for name, section in manifest.tables("auth")}
    if NO_AUTH in found:
        table.wrong(NO_AUTH, f"{NO_AUTH!r} is what an endpoint says to send no credential")
    return found


def _auth(section: Section) -> AuthSpec:
    section.refuse(*_SECRETS, because=_NO_SECRETS)
    kind = section.word("type", ("bearer", "api_key", "basic"))
    if not section.has("type"):
        section.wrong("type", "type is required: bearer, api_key or basic")
    spec = AuthSpec(
        type=kind or "bearer",
        env_var=section.text("env_var"),
        username_env_var=section.text("username_env_var"),
        password_env_var=section.text("password_env_var"),
        header=section.text("header"),
        parameter=section.text("query"),
        prefix=section.text("prefix"),
        optional=bool(section.flag("optional")),
    )
    allowed = {"bearer": {"prefix"}, "api_key": {"header", "query", "prefix"}, "basic": set()}[spec.type]
    allowed |= {"username_env_var", "password_env_var"} if spec.type == "basic" else {"env_var"}
    for key in ("env_var", "username_env_var", "password_env_var", "header", "query", "prefix"):
        if section.has(key) and key not in allowed:
            section.wrong(key, f"means nothing to {spec.type}")
    section.finish()
    return spec


def read_retry_policies(manifest: Section) -> dict[str, RetryPolicy]:
    """The retry policies; `policies` is their older name."""
    if manifest.has("retry_policies"):
        manifest.refuse("policies", because="is an older name of retry_policies, which is here too")
    tables = manifest.tables("retry_policies" if manifest.anything("retry_policies") else "policies")
    return {name: _retry(section) for name, section in tables}


def _retry(section: Section) -> RetryPolicy:
    given: dict[str, Any] = {
        "max_attempts": section.whole("max_attempts", least=1),
        "backoff": section.word("backoff", get_args(Growth)),
        "base": _seconds(section.number("base_ms", least=0)),
        "cap": _seconds(section.number("max_ms", least=0)),
        "jitter": _jitter(section),
        "max_elapsed": _seconds(section.number("max_elapsed_ms", above=0)),
        "longest_wait": _seconds(section.number("max_retry_after_ms", least=0)),
        "repeat_unsafe": section.flag("repeat_unsafe", None),
    }
    section.finish()
    return RetryPolicy(**{key: value for key, value in given.items() if value is not None})


def _jitter(section: Section) -> float | None:
    """true and false are the usual share, and none."""
    if isinstance(section.values.get("jitter"), bool):
        return RetryPolicy().jitter if section.flag("jitter") else 0.0
    share = section.number("jitter", least=0)
    if share is not None and share > 1:
        section.wrong("jitter", "must be true, false or a share from 0 to 1")
        return None
    return share


def read_rate_limits(manifest: Section) -> dict[str, RateLimit]:
    """The rate limits: so many calls in so many seconds."""
    found: dict[str, RateLimit] = {}
    for name, section in manifest.tables("rate_limits"):
        limit, window = section.whole("limit", least=1), section.number("window", above=0)
        for key, value in (("limit", limit), ("window", window)):
            if value is None and not section.has(key):
                section.wrong(key, f"{key} is required")
        found[name] = RateLimit(limit or 1, window or 1.0)
        section.finish()
    return found


def read_error_types(manifest: Section) -> dict[str, ErrorType]:
    """What statuses mean, by their name."""
    found: dict[str, ErrorType] = {}
    for status, section in manifest.tables("error_types"):
        name = section.text("name")
        if not _STATUS.fullmatch(status):
            section.report.add(
                section.pointer, "must stand under a status such as 404, or a class such as 5xx"
            )
        if name is None:
            section.wrong("name", "name is required")
        elif name in found:
            section.wrong("name", f"is the name of {found[name].status} already")
        error = ErrorType(
            name=name or status,
            status=status,
            type=section.text("type"),
            retryable=section.flag("retryable", None),
            description=section.text("description") or "",
        )
        found[error.name] = error
        section.finish()
    return found


def read_servers(manifest: Section) -> dict[str, Server]:
    """Where the API is served; a list of servers, or servers by name."""
    rows = (
        manifest.tables("servers")
        if isinstance(manifest.values.get("servers"), dict)
        else (
            (section.text("name") or f"server-{n}", section)
            for n, section in enumerate(manifest.rows("servers"))
        )
    )
    found: dict[str, Server] = {}
    for name, section in rows:
        if name in found:
            section.wrong("name", "is the name of another server already")
        url = read_address(section, "url")
        if url is None and not section.has("url"):
            section.wrong("url", "url is required")
        section.text("name")
        found[name] = Server(name=name, url=url or "", description=section.text("description") or "")
        section.finish()
    return found


def read_resources(manifest: Section) -> dict[str, str]:
    """What the resources are; a text, or an object with a description."""
    table = manifest.table("resources")
    found: dict[str, str] = {}
    for name, value in table.values.items() if table else ():
        if table and isinstance(value, dict):
            section = Section(value, step(table.pointer, name), table.report)
            found[name] = section.text("description") or ""
            section.finish()
        elif table and isinstance(value, str):
            found[name] = value
        elif table:
            table.wrong(name, "must be a text or an object with a description")
    return found


def read_address(section: Section, key: str) -> str | None:
    """An address that calls can be sent to."""
    url = section.text(key)
    if url is not None and not is_base(url):
        section.wrong(key, "must begin with http:// or https:// and name a host")
        return None
    return url


def _seconds(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000
