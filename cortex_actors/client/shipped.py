"""The manifests that come with the library: our own gateway, OpenAI-compatible servers, Ollama.

    client = Client(shipped("ollama"))
    client.chat.completions([{"role": "user", "content": "Hi"}], model="gemma3:4b")

Imports:  the manifest package.
"""

from __future__ import annotations

import json
from importlib.resources import files

from cortex_actors.client.manifest.document import load_manifest
from cortex_actors.client.manifest.model import Manifest

NAMES = ("cortex", "ollama", "openai_compatible")


def shipped(name: str) -> Manifest:
    """One of the manifests that come with the library.

    >>> shipped("ollama").endpoint("chat_completions").stream_format
    'ndjson'
    """
    if name not in NAMES:
        raise LookupError(f"no manifest {name!r} comes with the library; there are {', '.join(NAMES)}")
    text = files("cortex_actors.client").joinpath("manifests", f"{name}.json").read_text(encoding="utf-8")
    return load_manifest(json.loads(text))
