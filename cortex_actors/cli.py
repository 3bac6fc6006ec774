"""The command line: `cortex serve` runs the gateway; the other commands ask or check.

Runs on:   the main thread of a short-lived process, except `serve`, which becomes the daemon.

The heavy imports stand inside the commands by design: `cortex version` should not load a web server, and
`cortex serve` must know its mode before anything is imported that gevent has to patch first.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

from cortex_actors import __version__, logs
from cortex_actors.errors import CortexError, SettingsError
from cortex_actors.settings import Settings, load, render

_DESCRIPTION = """\
A streaming gateway for language models: one HTTP endpoint in front of many providers.

  cortex serve                    listen on 127.0.0.1:4000; with nothing configured, a built-in mock answers
  cortex keys new --name alice    a key for a caller, and the settings that let it in
  cortex chat "Hola"              ask the running gateway, and watch the words arrive
  cortex providers                who is behind it, and how they are
  cortex tree                     its supervision tree: who runs, who was restarted, when and why
  cortex wall, cortex drill       a provider that misbehaves on order, and what the gateway makes of it
  cortex loadtest URL             many callers at once, and whether every answer was honest
  cortex manifest generate FILE   a typed Python client of any API, from its description

Settings come from a TOML file (--config or $CORTEX_CONFIG), then the environment: CORTEX_SERVER__PORT=4001
sets `port` in `[server]`. Keys come from the environment alone: GROQ_API_KEYS=a,b or GROQ_API_KEYS_FILE=path.
Commands that ask a gateway show it the key in CORTEX_API_KEY.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns the exit status: 0 well, 1 the gateway said no, 2 wrong use or settings."""
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        return command(options)
    except SettingsError as error:
        for mistake in error.mistakes:
            print(f"cortex: {mistake}", file=sys.stderr)
        return 2
    except CortexError as error:
        print(f"cortex: {error.title}: {error}", file=sys.stderr)
        return 1
    except (KeyboardInterrupt, BrokenPipeError):
        return 1


def _serve(options: argparse.Namespace) -> int:
    settings = _settings(options)
    if options.instances > 1:
        return _serve_in_instances(options, settings)
    if settings.server.mode == "gevent" and not _is_patched():
        # A fresh interpreter: what this one imported already kept its real threads and locks.
        arguments = [sys.executable, "-m", "cortex_actors.patched", *sys.argv[1:]]
        os.execv(sys.executable, arguments)
    logs.setup(settings.logs, settings.secrets)
    for note in settings.notes:
        logging.getLogger(__name__).warning("%s", note)
    from cortex_actors.web.server import serve

    serve(settings, read=lambda: _settings(options))
    return 0


def _is_patched() -> bool:
    """Whether this process was started as `cortex_actors.patched`."""
    spec = sys.modules["__main__"].__spec__
    return spec is not None and spec.name == "cortex_actors.patched"


def _check_config(options: argparse.Namespace) -> int:
    print(render(_settings(options)), end="")
    return 0


def _version(options: argparse.Namespace) -> int:
    print(f"cortex {__version__} (Python {sys.version.split()[0]})")
    return 0


def _settings(options: argparse.Namespace) -> Settings:
    """The effective settings; what the command line says stands above all else."""
    environ = dict(os.environ)
    for name, value in (("HOST", options.host), ("PORT", options.port), ("MODE", options.mode)):
        if value is not None:
            environ[f"CORTEX_SERVER__{name}"] = str(value)
    settings = load(options.config, environ)
    _check_options(settings)
    return settings


def _serve_in_instances(options: argparse.Namespace, settings: Settings) -> int:
    from cortex_actors.cli_instances import instances

    logs.setup(settings.logs, settings.secrets)
    given = {"--config": options.config, "--host": options.host, "--mode": options.mode}
    arguments = [word for name, value in given.items() if value for word in (name, str(value))]
    command = [sys.executable, "-m", "cortex_actors.cli", "serve", *arguments]
    return instances(command, options.instances, settings.server.port).run()


def _check_options(settings: Settings) -> None:
    """Asks each dialect, and each stage, about its `options`: only it knows them. Raises SettingsError."""
    from cortex_actors.dispatch.staging import Staging
    from cortex_actors.providers.catalog import create

    mistakes: list[str] = []
    for provider in settings.providers:
        try:
            create(
                provider.name, provider.type, provider.base_url or None, provider.headers, provider.options
            )
        except SettingsError as error:
            mistakes.extend(error.mistakes)
    try:
        Staging.of(settings)
    except SettingsError as error:
        mistakes.extend(error.mistakes)
    if settings.redis.url and find_spec("redis") is None:
        mistakes.append("redis.url needs the Redis client: pip install 'cortex-actors[redis]'")
    if mistakes:
        raise SettingsError(tuple(mistakes))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="cortex", description=_DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_daemon_commands(commands)
    _add_client_commands(commands)
    version = commands.add_parser("version", help="print the version")
    version.set_defaults(command=_version)
    return parser


def _add_daemon_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    from cortex_actors import cli_import, cli_keys

    config = argparse.ArgumentParser(add_help=False)
    config.add_argument("--config", type=Path, metavar="FILE", help="settings file (default: $CORTEX_CONFIG)")
    config.add_argument("--host", help="address to listen on (server.host)")
    config.add_argument("--port", type=int, help="port to listen on, 0 for any free one (server.port)")
    config.add_argument("--mode", choices=("threads", "gevent"), help="how requests run (server.mode)")
    serve = commands.add_parser("serve", parents=[config], help="run the gateway")
    serve.add_argument(
        "--instances",
        type=int,
        default=1,
        metavar="N",
        choices=range(1, 65),
        help="processes that share the port; each has the one so many behind it for itself (default: 1)",
    )
    serve.set_defaults(command=_serve)
    check = commands.add_parser(
        "check-config",
        parents=[config],
        help="print the effective settings, secrets masked, or what is wrong",
    )
    check.set_defaults(command=_check_config)
    cli_keys.add_commands(commands)
    importing = commands.add_parser(
        "import-litellm",
        help="print settings made from LiteLLM's configuration; standard error says what is left",
    )
    importing.add_argument("file", type=Path, metavar="FILE", help="config.yaml of LiteLLM")
    importing.set_defaults(command=cli_import.import_litellm)


def _add_client_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    from cortex_actors import cli_client, cli_drill, cli_loadtest, cli_manifest

    where = argparse.ArgumentParser(add_help=False)
    where.add_argument(
        "--url",
        default=os.environ.get("CORTEX_URL", "http://127.0.0.1:4000"),
        help="the running gateway (default: $CORTEX_URL, else %(default)s)",
    )
    chat = commands.add_parser("chat", parents=[where], help="ask, and print the answer as it is made")
    chat.add_argument("text", help="what to ask")
    chat.add_argument("--model", help="model to ask for")
    chat.add_argument("--provider", help="configured provider to ask, by its exact name")
    chat.set_defaults(command=cli_client.chat)
    for name, command, text in (
        ("providers", cli_client.providers, "list the providers of a running gateway"),
        ("health", cli_client.health, "say how a running gateway is; exit 1 when nobody can be asked"),
        ("tree", cli_client.tree, "draw the supervision tree of a running gateway"),
    ):
        parser = commands.add_parser(name, parents=[where], help=text)
        parser.set_defaults(command=command)
    cli_drill.add_commands(commands, where)
    cli_loadtest.add_commands(commands)
    cli_manifest.add_commands(commands)


if __name__ == "__main__":
    sys.exit(main())
