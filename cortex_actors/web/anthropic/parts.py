"""Parts: what may stand in any turn, a text or an image, and the mark that asks a provider to remember it."""

from __future__ import annotations

import re
from typing import cast

from cortex_actors.chat import CacheTime, ImagePart, Part, TextPart
from cortex_actors.web.fields import Fields

_MEDIA_TYPES = ("image/jpeg", "image/png", "image/gif", "image/webp")
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_CACHE_TIMES = ("5m", "1h")


def cache_time(fields: Fields) -> CacheTime | None:
    """How long the provider is asked to keep the prompt up to here."""
    mark = fields.child("cache_control")
    if mark is None:
        return None
    mark.word("type", ("ephemeral",))
    return cast(CacheTime, mark.word("ttl", _CACHE_TIMES)) if mark.text("ttl") else "5m"


def read_part(kind: str, fields: Fields) -> Part:
    """A block of type text or image."""
    if kind == "text":
        return TextPart(fields.needed_text("text"), cache_time(fields))
    return ImagePart(_image_url(fields.needed_child("source")), cache=cache_time(fields))


def _image_url(source: Fields) -> str:
    if source.word("type", ("base64", "url")) == "base64":
        media_type, data = source.word("media_type", _MEDIA_TYPES), source.needed_text("data")
        if not _BASE64.fullmatch(data):
            raise source.refuse("data", "must be base64")
        return f"data:{media_type};base64,{data}"
    url = source.needed_text("url")
    if not url.startswith("https://") or not url.isprintable() or " " in url:
        raise source.refuse("url", "must be an https URL")
    return url
