"""The layers of the package, as code: who may import whom, and where each outside library lives."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "cortex_actors"

#: Top to bottom; a module imports its own package and the rows below it. Packages in one row do not know one
#: another.
LADDER: tuple[frozenset[str], ...] = (
    frozenset({"patched"}),
    frozenset(
        {
            "cli",
            "cli_client",
            "cli_drill",
            "cli_import",
            "cli_instances",
            "cli_keys",
            "cli_loadtest",
            "cli_manifest",
        }
    ),
    frozenset({"web"}),
    frozenset({"gateway"}),
    frozenset({"dispatch", "client", "coordinator", "drill", "loadtest"}),
    frozenset({"providers", "migration"}),
    frozenset({"otp", "streaming", "resilience", "rate_limits", "journal", "settings", "transport"})
    | frozenset({"metrics", "events", "tracing", "logs"}),
    frozenset({"chat"}),
    frozenset({"errors"}),
)

#: Exceptions to "packages in one row do not know one another", each with its reason.
ALLOWED = {
    ("cli", "cli_client"): "one command line in four files",
    ("cli", "cli_drill"): "one command line in four files",
    ("cli", "cli_import"): "one command line in four files",
    ("cli", "cli_instances"): "one command line in several files",
    ("cli", "cli_keys"): "one command line in several files",
    ("cli", "cli_loadtest"): "one command line in several files",
    ("cli", "cli_manifest"): "one command line in several files",
    ("logs", "settings"): "the shape of the lines and the secrets to hide are settings",
}

#: Each outside library has one home.
HOMES = {
    "pykka": {"otp"},
    "limits": {"rate_limits"},
    "redis": {"rate_limits", "journal"},
    "requests": {"transport"},
    "urllib3": {"transport"},
    "prometheus_client": {"metrics"},
    "opentelemetry": {"tracing"},
    "greenlet": {"otp"},
    "werkzeug": {"web"},
    "gunicorn": {"web"},
    "gevent": {"patched"},
    "yaml": {"cli_import"},
}


def _modules() -> list[Path]:
    return sorted(ROOT.rglob("*.py"))


def _layer_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def _row_of(layer: str) -> int:
    return next(number for number, row in enumerate(LADDER) if layer in row)


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            assert node.module is not None
            if node.module == "cortex_actors":
                yield from (f"cortex_actors.{alias.name}" for alias in node.names)
            else:
                yield node.module


@pytest.mark.parametrize("path", _modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_only_its_own_package_and_the_rows_below(path: Path) -> None:
    own = _layer_of(path)
    if own == "__init__":
        return
    for name in _imports(path):
        parts = name.split(".")
        if parts[0] != "cortex_actors" or len(parts) < 2 or parts[1] in (own, "__version__"):
            continue
        allowed = _row_of(parts[1]) > _row_of(own) or (own, parts[1]) in ALLOWED
        assert allowed, f"{own} must not import {name}"


@pytest.mark.parametrize("path", _modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_each_outside_library_has_one_home(path: Path) -> None:
    own = _layer_of(path)
    for name in _imports(path):
        homes = HOMES.get(name.split(".")[0])
        assert homes is None or own in homes, f"{name} belongs to {homes}, not to {own}"


@pytest.mark.parametrize("path", _modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_opens_by_saying_what_it_is(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert docstring, f"{path} has no card"
