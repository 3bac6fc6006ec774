"""Actors as JSON: one object a node of the tree; durations in seconds, moments in ISO 8601."""

from __future__ import annotations

import time

from cortex_actors.otp.mailbox import MailboxStats
from cortex_actors.otp.stacks import Stack
from cortex_actors.otp.tree import TreeNode
from cortex_actors.web.payloads import Payload
from cortex_actors.web.responses import timestamp


def node_payload(node: TreeNode, now: float | None = None) -> Payload:
    """One actor and all below it; `now` in epoch seconds."""
    now = time.time() if now is None else now
    last = node.last_exit
    return {
        "id": node.id,
        "name": node.name,
        "class": node.cls,
        "kind": node.kind,
        "restart": node.restart,
        "state": node.state,
        "generation": node.generation,
        "started_at": None if node.uptime is None else timestamp(now - node.uptime),
        "uptime": rounded(node.uptime),
        "restarts": node.restarts,
        "restarts_in_period": node.restarts_in_period,
        "max_restarts": node.max_restarts,
        "period": node.period or None,
        "last_exit": last
        and {
            "kind": last.kind,
            "detail": last.detail,
            "at": timestamp(now - last.ago),
            "ago": rounded(last.ago),
        },
        "backoff": rounded(node.backoff_until),
        "backoff_until": None if node.backoff_until is None else timestamp(now + node.backoff_until),
        "mailbox": node.mailbox and _mailbox_payload(node.mailbox),
        "busy_with": node.busy_with,
        "busy_for": rounded(node.busy_for),
        "children_count": node.children_count,
        "children": [node_payload(child, now) for child in node.children],
    }


def stack_payload(stack: Stack | None) -> Payload | None:
    """Where an actor stands, the outermost call first; None for one that has no thread."""
    if stack is None:
        return None
    return {
        "kind": stack.kind,
        "name": stack.name,
        "frames": [
            {"file": frame.file, "line": frame.line, "function": frame.function, "code": frame.code}
            for frame in stack.frames
        ],
    }


def rounded(seconds: float | None) -> float | None:
    """To the millisecond."""
    return None if seconds is None else round(seconds, 3)


def _mailbox_payload(mailbox: MailboxStats) -> Payload:
    return {
        "depth": mailbox.depth,
        "bound": mailbox.bound,
        "fill": round(mailbox.depth / mailbox.bound, 3),
        "high_water": mailbox.high_water,
        "refused": mailbox.refused,
        "received": mailbox.received,
        "handled": mailbox.handled,
    }
