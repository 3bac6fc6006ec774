"""xAI: OpenAI's API.

Different from the family: a wrong key is a 400 with a sentence, no credit is a 403 with a sentence, and
`error` is a text beside its `code`. The sentences are in `failures`, since people also reach xAI through
`openai_compatible`; reasoning that is counted apart from the completion is put right in `openai_stream`.

It makes no embeddings.

Imports:     openai_compatible, options.
Imported by: catalog.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from cortex_actors.providers.openai_compatible import OpenAICompatibleAdapter
from cortex_actors.providers.options import Option


class XAIAdapter(OpenAICompatibleAdapter):
    """xAI's API."""

    type = "xai"
    extra_capabilities = ("multimodal", "tools")
    option_table: ClassVar[Mapping[str, Option]] = {
        name: option
        for name, option in OpenAICompatibleAdapter.option_table.items()
        if name != "embeddings_path"
    }
