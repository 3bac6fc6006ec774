"""The directory: who may answer, to which names, by which settings; one value, replaced as a whole.

Who needs it holds a `Current[Directory]` and reads it once for each request or message, so that all it sees
belongs together. A reload changes everything by one assignment.

Runs on:   any thread.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from cortex_actors.dispatch.models import ModelNames
from cortex_actors.dispatch.provider import Provider
from cortex_actors.dispatch.staging import Staging
from cortex_actors.settings import Settings

T = TypeVar("T")


class Current(Generic[T]):
    """A value that is in force until it is replaced."""

    __slots__ = ("value",)

    def __init__(self, value: T) -> None:
        self.value = value


@dataclass(frozen=True, slots=True)
class Directory:
    """The settings in force, and what was made of them."""

    settings: Settings
    providers: Mapping[str, Provider]
    names: ModelNames
    staging: Staging = field(default_factory=Staging)

    @classmethod
    def of(
        cls, settings: Settings, providers: Iterable[Provider], staging: Staging | None = None
    ) -> Directory:
        """The directory of these providers, in this order, and of the stages that answers pass."""
        listed = {provider.name: provider for provider in providers}
        defaults = {name: _default_model(provider) for name, provider in listed.items()}
        return cls(settings, listed, ModelNames(settings.models, defaults), staging or Staging())


def _default_model(provider: Provider) -> str:
    return provider.settings.model or next(iter(provider.settings.models), "")
