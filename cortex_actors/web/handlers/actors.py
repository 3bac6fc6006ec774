"""Actors: the supervision tree over HTTP, read from published records; no actor is asked, so none can hang.

GET /api/actors           every actor, parents first: state, restarts, last exit, mailbox, what it is at;
                          `?temporary=false` leaves out those that are there for one request alone,
                          `?scope=cluster` asks every instance of `server.peers`
GET /api/actors/{name}    one of them and all below it; a name has slashes in it. `?stack=true` tells where
                          it stands at this moment
"""

from __future__ import annotations

from difflib import get_close_matches

from cortex_actors.errors import NotFound
from cortex_actors.otp.tree import TreeNode, stack_of
from cortex_actors.web.operator import cluster, query
from cortex_actors.web.operator.actors import node_payload, stack_payload
from cortex_actors.web.payloads import Payload
from cortex_actors.web.request import Request
from cortex_actors.web.responses import Response, json_response, timestamp

#: Where single actors are.
ACTORS = "/api/actors/"


def actors(request: Request) -> Response:
    """GET /api/actors"""
    if query.word(request, "scope", ("instance", "cluster")) == "cluster":
        told = cluster.everywhere(request, "/api/actors?temporary=false")
        return json_response(200, {"timestamp": timestamp(), "instances": told})
    tree = request.gateway.tree(temporary=query.flag(request, "temporary", default=True))
    return json_response(200, {"timestamp": timestamp(), "tree": node_payload(tree)})


def actor(request: Request) -> Response:
    """GET /api/actors/{name}"""
    name = request.path.removeprefix(ACTORS)
    tree = request.gateway.tree()
    path = _path_to(name, tree)
    if path is None:
        raise NotFound(_near(name, tree))
    *above, node = path
    payload: Payload = {
        "timestamp": timestamp(),
        "actor": node_payload(node),
        "path": [each.name for each in above],
    }
    if query.flag(request, "stack"):
        payload["stack"] = stack_payload(stack_of(node.ref) if node.ref is not None else None)
    return json_response(200, payload)


def _path_to(name: str, node: TreeNode) -> list[TreeNode] | None:
    """From the root to the actor of this name."""
    if node.name == name:
        return [node]
    for child in node.children:
        below = _path_to(name, child)
        if below is not None:
            return [node, *below]
    return None


def _near(name: str, tree: TreeNode) -> str:
    names = sorted({node.name for node in tree.walk()})
    near = get_close_matches(name, names, n=3, cutoff=0.4)
    sentence = f"There is no actor {name!r}."
    return f"{sentence} Near names: {', '.join(near)}." if near else sentence
