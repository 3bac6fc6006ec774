"""`cortex manifest`: looks at the description of an API, and makes documentation and code from it.

    cortex manifest validate api.json          every mistake with its place, or nothing and exit 0
    cortex manifest docs api.json              one page of Markdown
    cortex manifest openapi api.json           an OpenAPI 3.1 document
    cortex manifest generate api.json -o api.py    a typed Python module

FILE may also be the name of a manifest that comes with the package: cortex, ollama, openai_compatible.

Runs on:   the main thread of a short-lived process.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

from cortex_actors.client import Manifest, ManifestError, load_manifest, shipped

#: Exit status for a manifest that cannot be used, or a file that cannot be written.
_WRONG = 2


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds `manifest` with its four actions."""
    parser = commands.add_parser("manifest", help="check an API's manifest; write its docs or a typed client")
    actions = parser.add_subparsers(title="actions", required=True, metavar="ACTION")
    for name, write, text in (
        ("validate", _summary, "say whether a manifest can be used, or all that is wrong with it"),
        ("docs", _docs, "write one page of Markdown"),
        ("openapi", _openapi, "write an OpenAPI 3.1 document"),
        ("generate", _module, "write a typed Python module"),
    ):
        action = actions.add_parser(name, help=text)
        action.add_argument("file", metavar="FILE", help="a .json or .toml file, or cortex, ollama, ...")
        action.add_argument("-o", "--output", type=Path, metavar="FILE", help="write there, not to stdout")
        action.set_defaults(command=_run, write=write)


def _run(options: argparse.Namespace) -> int:
    write: Callable[[Manifest], str] = options.write
    try:
        text = write(_manifest(options.file))
    except (ManifestError, LookupError) as error:
        mistakes = error.mistakes if isinstance(error, ManifestError) else (error,)
        for mistake in mistakes:
            print(f"{options.file}: {mistake}", file=sys.stderr)
        return _WRONG
    if options.output is None:
        print(text, end="")
        return 0
    try:
        options.output.write_text(text, encoding="utf-8")
    except OSError as error:
        print(f"{options.output}: cannot be written: {error.strerror}", file=sys.stderr)
        return _WRONG
    return 0


def _manifest(file: str) -> Manifest:
    """The manifest in a file; a word that looks like no file is the name of one of ours."""
    path = Path(file)
    return load_manifest(path) if path.suffix or path.exists() else shipped(file)


def _summary(manifest: Manifest) -> str:
    return (
        f"{manifest.name} {manifest.version}: {len(manifest.endpoints)} endpoints, "
        f"{len(manifest.by_resource())} resources, {len(manifest.types)} types\n"
    )


def _docs(manifest: Manifest) -> str:
    from cortex_actors.client.docs import markdown

    return markdown(manifest)


def _openapi(manifest: Manifest) -> str:
    from cortex_actors.client.openapi import openapi

    return json.dumps(openapi(manifest), indent=2, ensure_ascii=False) + "\n"


def _module(manifest: Manifest) -> str:
    from cortex_actors.client.codegen.module import generate

    return generate(manifest)
