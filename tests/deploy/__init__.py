"""What stands around the daemon, from `config/`: reverse proxies, service managers, containers."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "config"
