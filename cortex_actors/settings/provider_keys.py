"""Provider keys: read from the environment, or from the files it names, and nowhere else.

Imports:  environment, provider_types, mistakes, secret.
Imported by: providers_in_environment, provider_list.

`GROQ_API_KEYS` holds keys separated by commas; `GROQ_API_KEYS_FILE` is the path of a file that holds them,
separated by commas or lines, as container secrets are mounted. `GROQ_API_KEY` and its file count too.
"""

from __future__ import annotations

import re
from pathlib import Path

from cortex_actors.settings.environment import Environment, place, said
from cortex_actors.settings.mistakes import Mistakes
from cortex_actors.settings.provider_types import ProviderType
from cortex_actors.settings.secret import Secret

#: Bytes; no list of keys is longer.
LARGEST_FILE = 64 * 1024
#: What may stand in a header without quoting: visible ASCII.
_KEY = re.compile(r"[!-~]+")


class Keychain:
    """The keys in the environment; each name is read once, so that its mistakes are reported once."""

    def __init__(self, environ: Environment, mistakes: Mistakes) -> None:
        self._environ = environ
        self._mistakes = mistakes
        self._read: dict[str, tuple[str, ...]] = {}

    def keys(self, keys_env: str, row: ProviderType) -> tuple[Secret, ...]:
        """The keys under a name and its variants, in order, each once."""
        found = [key for name in self._names(keys_env, row) for key in self._under(name)]
        return tuple(Secret(key) for key in dict.fromkeys(found))

    def source(self, row: ProviderType) -> str:
        """The name that holds keys for a type; nothing where no name does."""
        return next((name for name in self._names(row.keys_env, row) if self._under(name)), "")

    def _names(self, keys_env: str, row: ProviderType) -> tuple[str, ...]:
        """The names that are looked at for a provider with this `keys_env`."""
        if not keys_env:
            return ()
        plain = [keys_env, *([keys_env.removesuffix("S")] if keys_env.endswith("KEYS") else [])]
        also = row.also_keys if keys_env == row.keys_env else ()
        return tuple(variant for name in (*plain, *also) for variant in (name, f"{name}_FILE"))

    def _under(self, name: str) -> tuple[str, ...]:
        if name not in self._read:
            text = said(self._environ, name)
            if text and name.endswith("_FILE"):
                text = secret_file(name, Path(text), self._mistakes)
            self._read[name] = self._split(name, text)
        return self._read[name]

    def _split(self, name: str, text: str) -> tuple[str, ...]:
        keys = [key.strip() for key in re.split(r"[,\n]", text) if key.strip()]
        for number, key in enumerate(keys, 1):
            if not _KEY.fullmatch(key):
                self._mistakes.add(place(name), f"key {number} has characters that no key has")
        return tuple(key for key in keys if _KEY.fullmatch(key))


def secret_file(name: str, path: Path, mistakes: Mistakes) -> str:
    """What a file with credentials holds; `name` is the name in the environment that has its path."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
        if 0 < len(content) <= LARGEST_FILE:
            return content.decode("utf-8-sig")
        mistakes.add(place(name), f"its file must have 1 to {LARGEST_FILE} bytes")
    except OSError as error:
        mistakes.add(place(name), f"its file cannot be read: {error.strerror}")
    except UnicodeDecodeError:
        mistakes.add(place(name), "its file is not text")
    return ""
