"""Which Redis the windows are in, and the one thing that can be wrong with it."""

from __future__ import annotations

from dataclasses import dataclass


class Lost(Exception):
    """When Redis cannot be asked; memory has to do."""


@dataclass(frozen=True, slots=True)
class Target:
    """Which Redis, and how long to wait for it, in seconds."""

    url: str
    password: str | None = None
    timeout: float = 0.025
    retry_every: float = 1.0
