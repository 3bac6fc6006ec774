"""The daemon is the one of the live tests, in both modes; what stands before it is made here."""

from __future__ import annotations

from tests.live.conftest import framing, launch, mode, model, upstream

__all__ = ["framing", "launch", "mode", "model", "upstream"]
