"""Multipart bodies (RFC 7578): fields and files in one request.

Imports:  nothing of the project.
"""

from __future__ import annotations

import json
import mimetypes
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

#: What would leave the quotes of a name; written as browsers write it.
_ESCAPES = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})


@dataclass(frozen=True, slots=True)
class File:
    """A file to send: its bytes, and what the server should call it."""

    name: str
    content: bytes = field(repr=False)
    content_type: str | None = None

    @classmethod
    def read(cls, path: Path | str) -> File:
        """A file of this machine, whole."""
        path = Path(path)
        return cls(path.name, path.read_bytes())

    @property
    def kind(self) -> str:
        """Its content type, guessed from its name where nobody said it.

        >>> File("a.json", b"").kind, File("a", b"").kind
        ('application/json', 'application/octet-stream')
        """
        return self.content_type or mimetypes.guess_type(self.name)[0] or "application/octet-stream"


def multipart(fields: Mapping[str, object], boundary: str | None = None) -> tuple[bytes, str]:
    """The body and its content type; a list is a field that comes several times, None one that does not come.

    >>> body, kind = multipart({"note": "hi"}, boundary="b")
    >>> kind, body.replace(b"\\r\\n", b"|")
    ('multipart/form-data; boundary=b', b'--b|Content-Disposition: form-data; name="note"||hi|--b--|')
    """
    # Random, so that no content can hold it by accident or by intent.
    boundary = boundary or secrets.token_hex(16)
    parts = b"".join(
        b"--%b\r\n%b\r\n" % (boundary.encode(), part)
        for name, value in fields.items()
        for part in _parts(name, value)
    )
    return parts + b"--%b--\r\n" % boundary.encode(), f"multipart/form-data; boundary={boundary}"


def _parts(name: str, value: object) -> Iterator[bytes]:
    for each in value if isinstance(value, list | tuple) else [value]:
        if each is not None:
            yield _part(name, each)


def _part(name: str, value: object) -> bytes:
    head = f'Content-Disposition: form-data; name="{name.translate(_ESCAPES)}"'
    match value:
        case File():
            head += f'; filename="{value.name.translate(_ESCAPES)}"\r\nContent-Type: {value.kind}'
            content = value.content
        case bytes():
            head += "\r\nContent-Type: application/octet-stream"
            content = value
        case str():
            content = value.encode()
        case _:
            content = json.dumps(value, ensure_ascii=False).encode()
    return head.encode() + b"\r\n\r\n" + content
