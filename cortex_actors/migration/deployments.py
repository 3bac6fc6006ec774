"""`model_list`: each deployment as a value; one that cannot be carried over is left out as a whole.

Imports:  fields, known_providers, notes, places.
Imported by: litellm, providers, public_models.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from cortex_actors.migration import places
from cortex_actors.migration.fields import Fields
from cortex_actors.migration.known_providers import KNOWN, split, why_unknown
from cortex_actors.migration.notes import Notes
from cortex_actors.migration.places import Upstream
from cortex_actors.settings import texts

#: What our settings allow at most.
_LAST = 1_000_000

#: `model_info.mode` of what is served here; no mode is a chat.
_MODES = (None, "chat", "responses", "embedding")

_WEIGHTS = ("weight", "rpm", "tpm")
_NO_LIMITS = "there are no limits of requests or tokens for one provider"
_REASONS: Mapping[str, str] = {
    "api_version": "no dialect here has versions of this kind",
    "max_retries": "attempts are counted for the whole request: [retry] max_attempts",
    "num_retries": "attempts are counted for the whole request: [retry] max_attempts",
    "mock_response": "a provider of type mock answers with options = { responses = [...] }",
    "input_cost_per_token": "prices have no place here",
    "output_cost_per_token": "prices have no place here",
}


@dataclass(frozen=True, slots=True)
class Deployment:
    """One entry: the name that callers use, and what stands behind it."""

    public: str
    model: str
    upstream: Upstream
    order: int | None = None
    weights: Mapping[str, float] = field(default_factory=dict)

    @property
    def is_wildcard(self) -> bool:
        """Whether it stands for every model of its provider."""
        return "*" in self.public or "*" in self.model


class DeploymentReader:
    """Reads the entries with what they refer to at hand."""

    def __init__(
        self, credentials: Mapping[str, Mapping[str, Any]], notes: Notes, environ: Mapping[str, str]
    ) -> None:
        self._credentials = credentials
        self._notes = notes
        self._environ = environ

    def read(self, entries: Sequence[Any]) -> list[Deployment]:
        """Every deployment that can be carried over."""
        found = [self._deployment(f"model_list[{number}]", entry) for number, entry in enumerate(entries)]
        return _with_priorities([deployment for deployment in found if deployment is not None])

    def _deployment(self, label: str, content: Any) -> Deployment | None:
        entry = Fields(content, label, self._notes, self._environ)
        public = entry.text("model_name")
        info, table = entry.table("model_info"), entry.table("litellm_params")
        params = Fields(
            self._with_credential(table, public), "litellm_params", self._notes, self._environ, public
        )
        prefix, model = split(params.text("model"), params.text("custom_llm_provider"))
        reason = _why_not(public, model, prefix, info.pop("mode", None))
        upstream = None if reason else places.upstream(prefix, model, params, self._environ)
        if upstream is None:
            self._notes.left_out(label, reason or "its place is not known for certain", public)
            return None
        if info:
            self._notes.left_out("model_info", "prices and descriptions have no place here", public)
        entry.refuse_rest({})
        order = params.whole("order", most=_LAST)
        weights = {name: value for name in _WEIGHTS if (value := params.number(name, most=1e15)) is not None}
        for name in weights:
            if name != "weight":
                params.refuse(name, _NO_LIMITS)
        params.refuse_rest(_REASONS)
        return Deployment(public, model, upstream, order, weights)

    def _with_credential(self, table: dict[str, Any], public: str) -> dict[str, Any]:
        """The parameters, over those of the credential that they name."""
        name = table.pop("litellm_credential_name", None)
        if name is not None and str(name) not in self._credentials:
            self._notes.left_out(
                "litellm_params.litellm_credential_name", "there is no such credential", public
            )
        return {**self._credentials.get(str(name), {}), **table}


def _why_not(public: str, model: str, prefix: str, mode: object) -> str:
    """Why an entry is left out; empty where it is not."""
    for label, name in (("model_name", public), ("model", model)):
        if complaint := texts.model_name(name):
            return f"its {label} {complaint}"
        if texts.looks_secret(name):
            return f"its {label} looks like a key"
    if public == "auto":
        return "auto is the gateway's own name for any model"
    if mode not in _MODES:
        return "only chats and embeddings are served"
    return "" if prefix in KNOWN else why_unknown(prefix)


def _with_priorities(deployments: Sequence[Deployment]) -> list[Deployment]:
    """Where a model has an order, its providers have it as their priority; what has none comes last."""
    orders: dict[str, list[int]] = defaultdict(list)
    for each in deployments:
        if each.order is not None:
            orders[each.public].append(each.order)
    return [_with_priority(each, orders.get(each.public, [])) for each in deployments]


def _with_priority(deployment: Deployment, orders: Sequence[int]) -> Deployment:
    if not orders:
        return deployment
    order = min(max(orders) + 1, _LAST) if deployment.order is None else deployment.order
    return replace(deployment, order=order, upstream=replace(deployment.upstream, priority=order))
