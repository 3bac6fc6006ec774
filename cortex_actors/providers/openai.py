"""OpenAI itself.

Different from the family: reasoning models refuse `max_tokens` and want `max_completion_tokens`, the
developer role exists, and a request may be billed to an organization and a project.

Imports:     adapter, openai_compatible, options.
Imported by: catalog.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

from cortex_actors.providers.adapter import merged_headers
from cortex_actors.providers.openai_compatible import OpenAICompatibleAdapter
from cortex_actors.providers.options import Option

#: The o series, and GPT from 5 on; fine-tuned ones too.
_REASONS = re.compile(r"(?:ft:)?(?:o\d|gpt-(?:[5-9]|\d\d))")


class OpenAIAdapter(OpenAICompatibleAdapter):
    """OpenAI's own API."""

    type = "openai"
    extra_capabilities = ("multimodal", "tools")
    option_table: ClassVar[Mapping[str, Option]] = {
        **OpenAICompatibleAdapter.option_table,
        "max_tokens_field": Option(
            "text",
            "",
            "The field that carries the caller's token limit; by model unless given.",
            choices=("max_tokens", "max_completion_tokens", ""),
        ),
        "developer_role": Option(
            "true or false", True, "Send developer messages under that role, not as system messages."
        ),
        "organization": Option("text", "", "Sent as OpenAI-Organization."),
        "project": Option("text", "", "Sent as OpenAI-Project."),
    }

    def headers(self, key: str | None, own: Mapping[str, str]) -> dict[str, str]:
        billed_to = {
            "OpenAI-Organization": self.options["organization"],
            "OpenAI-Project": self.options["project"],
        }
        ours = {name: value for name, value in billed_to.items() if value}
        return super().headers(key, merged_headers(own, ours))

    def max_tokens_field(self, model: str) -> str:
        by_model = "max_completion_tokens" if _REASONS.match(model) else "max_tokens"
        return self.options["max_tokens_field"] or by_model
