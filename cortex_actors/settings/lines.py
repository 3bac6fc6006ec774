"""Line numbers: where each table and key of a TOML text stands.

Imports nothing of the package. `tomllib` forgets lines, and a mistake without one is hard to find in a long
file. The text is known to be valid TOML, so this walk only has to step over values, never to judge them.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right

#: The way to a value: names of tables and keys, and positions in arrays.
Path = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SEPARATOR = re.compile(r"(?:[ \t\r\n,]|#[^\n]*)*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?"""(?:"{0,2})'
    r"|'''.*?'''(?:'{0,2})"
    r'|"(?:\\.|[^"\\])*"'
    r"|'[^']*'",
    re.DOTALL,
)
_SCALAR = re.compile(r"[^,\]}#\n]*")


def line_numbers(text: str) -> dict[Path, int]:
    """The line (from 1) of every table and key in a valid TOML text."""
    return _Walk(text).lines()


class _Walk:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._newlines = [at for at, character in enumerate(text) if character == "\n"]
        self._found: dict[Path, int] = {}
        #: Arrays of tables: the position of the last `[[header]]` of each.
        self._last: dict[Path, int] = {}

    def lines(self) -> dict[Path, int]:
        table: Path = ()
        self._skip_blank()
        while self._at < len(self._text):
            if self._text.startswith("[", self._at):
                table = self._header()
            else:
                self._pair(table)
            self._skip_blank()
        return self._found

    def _header(self) -> Path:
        start = self._at
        brackets = 2 if self._text.startswith("[[", self._at) else 1
        self._at += brackets
        names = self._key()
        self._at += brackets
        path: Path = ()
        for name in names[:-1]:
            path = self._inside((*path, name))
            self._note(path, start)
        path = (*path, names[-1])
        if brackets == 2:
            self._last[path] = self._last.get(path, -1) + 1
            self._note(path, start)
        path = self._inside(path)
        self._note(path, start)
        return path

    def _inside(self, path: Path) -> Path:
        return (*path, self._last[path]) if path in self._last else path

    def _pair(self, table: Path) -> None:
        start = self._at
        path = table
        for name in self._key():
            path = (*path, name)
            self._note(path, start)
        self._at += 1  # the equals sign
        self._value(path)

    def _key(self) -> list[str]:
        names: list[str] = []
        while True:
            self._skip_blank()
            names.append(self._name())
            self._skip_blank()
            if not self._text.startswith(".", self._at):
                return names
            self._at += 1

    def _name(self) -> str:
        bare = _BARE.match(self._text, self._at)
        if bare:
            self._at = bare.end()
            return bare.group()
        start = self._at
        self._step(_STRING)
        quoted = self._text[start : self._at]
        return str(tomllib.loads(f"name = {quoted}")["name"])

    def _value(self, path: Path) -> None:
        self._skip_blank()
        first = self._text[self._at]
        if first == "[":
            self._array(path)
        elif first == "{":
            self._inline_table(path)
        else:
            self._step(_STRING if first in "\"'" else _SCALAR)

    def _array(self, path: Path) -> None:
        self._at += 1
        position = 0
        while not self._closed("]"):
            self._note((*path, position), self._at)
            self._value((*path, position))
            position += 1

    def _inline_table(self, path: Path) -> None:
        self._at += 1
        while not self._closed("}"):
            self._pair(path)

    def _closed(self, bracket: str) -> bool:
        self._step(_SEPARATOR)
        if not self._text.startswith(bracket, self._at):
            return False
        self._at += 1
        return True

    def _skip_blank(self) -> None:
        self._step(_BLANK)

    def _step(self, pattern: re.Pattern[str]) -> None:
        match = pattern.match(self._text, self._at)
        assert match is not None, "line numbers are asked of valid TOML only"
        self._at = match.end()

    def _note(self, path: Path, at: int) -> None:
        self._found.setdefault(path, bisect_right(self._newlines, at) + 1)
