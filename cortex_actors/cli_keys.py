"""`cortex keys new`: makes a key for a caller, shows it once, and prints the settings that let it in.

Runs on:   the main thread of a short-lived process.

The key goes to the first line of standard output alone; only its SHA-256 is ever written down, so a key that
nobody noted is lost, and a new one is made in its place.
"""

from __future__ import annotations

import argparse
import sys

from cortex_actors.settings import texts
from cortex_actors.settings.caller_keys import digest_of, new_key
from cortex_actors.settings.toml_text import toml_value


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds `keys` and what it can do."""
    keys = commands.add_parser("keys", help="make keys for callers").add_subparsers(
        title="commands", required=True, metavar="COMMAND"
    )
    new = keys.add_parser(
        "new", help="make a key, and print it and the settings to paste; it is shown this once"
    )
    new.add_argument("--name", default="caller", help="your name for whoever gets it (default: %(default)s)")
    new.add_argument(
        "--provider", action="append", default=[], help="a provider that may answer it; repeatable"
    )
    new.add_argument("--model", action="append", default=[], help="a model that it may have; repeatable")
    new.add_argument("--expires", default="", help="when it ends, such as 2027-01-31T00:00:00Z")
    new.add_argument(
        "--operator", action="store_true", help="lets it see actors, streams, events and metrics"
    )
    new.add_argument("--admin", action="store_true", help="make the token of /api/admin instead")
    new.set_defaults(command=new_keys)


def new_keys(options: argparse.Namespace) -> int:
    """Prints a new key and its settings; 2 when they would be refused."""
    key = new_key()
    if options.admin:
        print(key)
        print(f'\n[admin]\ntoken_sha256 = "{digest_of(key)}"')
        return 0
    complaints = [
        (f"--{option}", complaint)
        for option, said, check in (
            ("name", [options.name], texts.provider_name),
            ("provider", options.provider, texts.provider_name),
            ("model", options.model, texts.model_name),
            ("expires", [options.expires], texts.moment),
        )
        for text in said
        if (complaint := check(text))
    ]
    for option, complaint in complaints:
        print(f"cortex: {option} {complaint}", file=sys.stderr)
    if complaints:
        return 2
    print(key)
    print("\n[[callers]]")
    for name, value in _settings(options, digest_of(key)).items():
        print(f"{name} = {toml_value(value)}")
    return 0


def _settings(options: argparse.Namespace, digest: str) -> dict[str, object]:
    """What is not at its default."""
    said: dict[str, object] = {"name": options.name, "key_sha256": digest}
    if options.expires:
        said["expires"] = options.expires
    if options.provider:
        said["providers"] = tuple(options.provider)
    if options.model:
        said["models"] = tuple(options.model)
    if options.operator:
        said["operator"] = True
    return said
