"""A provider in the making: what file and environment have said of it so far.

Imports:  given, provider_types.
Imported by: providers_in_file, providers_in_environment, provider_list.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cortex_actors.settings.given import Given
from cortex_actors.settings.provider_types import ProviderType


@dataclass(slots=True)
class ProviderDraft:
    """Collected by key; a later source writes over an earlier one."""

    row: ProviderType
    #: How messages call it: `providers.groq-primary`.
    label: str
    where: str
    given: dict[str, Given] = field(default_factory=dict)
    limits: dict[str, Given] = field(default_factory=dict)
    from_file: bool = False

    @property
    def name(self) -> str:
        """Its name; empty as long as none that fits was given."""
        return str(self.given["name"].value) if "name" in self.given else ""

    @property
    def keys_env(self) -> str:
        """The name in the environment that its keys are read from."""
        given = self.given.get("keys_env")
        return str(given.value) if given and given.value else self.row.keys_env

    @property
    def usual_keys(self) -> bool:
        """Whether its keys have the usual name, so that the other names of its type speak of it too."""
        return self.keys_env == self.row.keys_env
