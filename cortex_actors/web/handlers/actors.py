"""Actors: the supervision tree over HTTP, read from published records; no actor is asked, so none can hang.

GET /api/actors    every actor, parents first: state, restarts, last exit, mailbox, what it is busy with
"""

from __future__ import annotations

from cortex_actors.otp.tree import TreeNode
from cortex_actors.web.payloads import Payload
from cortex_actors.web.request import Request
from cortex_actors.web.responses import Response, json_response, timestamp


def actors(request: Request) -> Response:
    """GET /api/actors"""
    return json_response(200, {"timestamp": timestamp(), "tree": node_payload(request.gateway.tree())})


def node_payload(node: TreeNode) -> Payload:
    """One actor and all below it; durations in seconds."""
    last, mailbox = node.last_exit, node.mailbox
    return {
        "id": node.id,
        "name": node.name,
        "class": node.cls,
        "kind": node.kind,
        "state": node.state,
        "generation": node.generation,
        "uptime": _rounded(node.uptime),
        "restarts": node.restarts,
        "restarts_in_period": node.restarts_in_period,
        "max_restarts": node.max_restarts,
        "last_exit": last and {"kind": last.kind, "detail": last.detail, "ago": _rounded(last.ago)},
        "backoff": _rounded(node.backoff_until),
        "mailbox": mailbox
        and {
            "depth": mailbox.depth,
            "bound": mailbox.bound,
            "high_water": mailbox.high_water,
            "refused": mailbox.refused,
            "received": mailbox.received,
            "handled": mailbox.handled,
        },
        "busy_with": node.busy_with,
        "busy_for": _rounded(node.busy_for),
        "children": [node_payload(child) for child in node.children],
    }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
