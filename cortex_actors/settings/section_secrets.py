"""The credentials of sections: from the environment, or from files that it names, and from nowhere else.

Imports:  caller_keys, environment, given, mistakes, provider_keys (how such a file is read), secret,
          section_reader.
Imported by: loading.

    CORTEX_ADMIN__TOKEN      the token of /api/admin; only its SHA-256 is kept
    CORTEX_REDIS__PASSWORD   the password of [redis]
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cortex_actors.settings.caller_keys import digest_of
from cortex_actors.settings.environment import SECRET_NAMES, Environment, place, said
from cortex_actors.settings.given import Given
from cortex_actors.settings.mistakes import Mistakes
from cortex_actors.settings.provider_keys import secret_file
from cortex_actors.settings.secret import Secret
from cortex_actors.settings.section_reader import SECRETS, Draft

#: Characters of an admin token: fewer could be guessed, and its hash would give it away.
SHORTEST_TOKEN = 16


def section_secrets(environ: Environment, mistakes: Mistakes) -> Mapping[str, Given]:
    """Each section's credential, where it has one."""
    found: dict[str, Given] = {}
    for section in SECRETS:
        for name in SECRET_NAMES[section]:
            text = said(environ, name)
            if text and name.endswith("_FILE"):
                text = secret_file(name, Path(text), mistakes).strip()
            if text and section in found:
                mistakes.add(place(name), f"says what {found[section].where} says too; keep one of the two")
            elif text:
                found[section] = Given(Secret(text), place(name))
    return found


def with_token(draft: Draft, token: Given | None, mistakes: Mistakes) -> Draft:
    """The draft with the hash of a token from the environment, if there is one, as the admin's."""
    if token is None:
        return draft
    text = token.value.reveal()
    if len(text) < SHORTEST_TOKEN:
        needed = f"must have at least {SHORTEST_TOKEN} characters; `cortex keys new --admin` makes one"
        mistakes.add(token.where, needed)
    return {**draft, ("admin", "token_sha256"): Given(digest_of(text), token.where)}
