"""Staging: which stages the answer to a request passes.

    Staging.of(settings)       every configured stage, made once, and which answers pass it
    staging.asked(request)     the stages of this answer, whoever gives it; None where there are none

An answer passes those of `[streaming]`, then those of the provider that answers, then those that its request
names; each once, in the order of the pipeline. Who answers first decides: where somebody else goes on with
the answer, its stages stay. A request names what is configured; it brings no code, and takes nothing away.

Runs on:   any thread; immutable.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from cortex_actors.chat import ChatRequest, EmbeddingsRequest
from cortex_actors.errors import InvalidRequest, SettingsError
from cortex_actors.settings import Settings
from cortex_actors.streaming.pipeline import Stage
from cortex_actors.streaming.stages.catalog import make_stage


@dataclass(frozen=True, slots=True)
class Staging:
    """The configured stages, and who passes them."""

    stages: Mapping[str, Stage] = field(default_factory=dict)
    #: Names of those that every answer passes, and of those that a provider's do.
    of_all: tuple[str, ...] = ()
    of_providers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: Settings) -> Staging:
        """Makes every stage of the settings. Raises SettingsError with all that is wrong with them."""
        stages: dict[str, Stage] = {}
        mistakes: list[str] = []
        for said in settings.stages:
            try:
                stages[said.name] = make_stage(
                    said.name,
                    said.use,
                    kind=said.kind,
                    policy=said.policy,
                    replacement=said.replacement,
                    options=said.options,
                )
            except SettingsError as error:
                mistakes += error.mistakes
        if mistakes:
            raise SettingsError(tuple(mistakes))
        of_providers = {provider.name: provider.stages for provider in settings.providers if provider.stages}
        return cls(stages, settings.streaming.stages, of_providers)

    def asked(self, request: ChatRequest | EmbeddingsRequest) -> Asked | None:
        """What the answer to this request passes. Raises InvalidRequest where it names what is not there."""
        named = request.stages if isinstance(request, ChatRequest) else ()
        for name in named:
            if name not in self.stages:
                near = get_close_matches(name, list(self.stages), n=1)
                hint = f"; did you mean {near[0]}?" if near else "."
                raise InvalidRequest(f"There is no stage {name[:64]}{hint}", field="stages")
        if isinstance(request, EmbeddingsRequest) or not (named or self.of_all or self.of_providers):
            return None
        return Asked(self, named)


@dataclass(frozen=True, slots=True)
class Asked:
    """The stages of one request."""

    staging: Staging
    named: tuple[str, ...]

    def of(self, provider: str) -> tuple[Stage, ...]:
        """Those that an answer of this provider passes."""
        staging = self.staging
        names = (*staging.of_all, *staging.of_providers.get(provider, ()), *self.named)
        return tuple(staging.stages[name] for name in dict.fromkeys(names))
