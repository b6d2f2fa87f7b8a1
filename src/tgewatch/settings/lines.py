"""On which line of a TOML text each key stands. `tomllib` reads values but forgets places."""

import re
import tomllib
from collections.abc import Mapping
from typing import TypeAlias

KeyPath: TypeAlias = tuple[str | int, ...]
"""Keys, and positions in arrays counted from 0."""

_BLANK = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_TEXT = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*"{3,5}|' + r"'''(?:[^']|'(?!''))*'{3,5}|"
    r'"(?:[^"\\\n]|\\.)*"|' + r"'[^'\n]*'",
    re.DOTALL,
)
_SCALAR = re.compile(r"[^,\]}#\n]*")


def key_lines(text: str) -> Mapping[KeyPath, int]:
    """Return the line, counted from 1, of every key, table and array element in `text`.

    `text` must be TOML that `tomllib` has accepted; this checks nothing again.
    """
    return _Scanner(text).scan()


def line_of(lines: Mapping[KeyPath, int], path: KeyPath) -> int:
    """Return the line of `path`, or of the nearest thing around it; 1 when nothing is."""
    for length in range(len(path), 0, -1):
        if path[:length] in lines:
            return lines[path[:length]]
    return 1


class _Scanner:
    """Walks the text once. Positions only move forward."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._line = 1
        self._counted = 0
        self._found: dict[KeyPath, int] = {}
        self._arrays: dict[KeyPath, int] = {}
        """Arrays of tables, with the index of the last one."""

    def scan(self) -> Mapping[KeyPath, int]:
        table: KeyPath = ()
        self._skip_blank()
        while self._at < len(self._text):
            if self._text.startswith("[", self._at):
                table = self._header()
            else:
                self._pair(table)
            self._skip_blank()
        return self._found

    def _header(self) -> KeyPath:
        repeated = self._text.startswith("[[", self._at)
        line = self._here()
        self._at += 2 if repeated else 1
        path = self._key((), line)
        if repeated:
            index = self._arrays.get(path, -1) + 1
            self._arrays[path] = index
            path = (*path, index)
            self._found[path] = line
        self._at = self._text.index("]", self._at) + (2 if repeated else 1)
        return path

    def _pair(self, table: KeyPath) -> None:
        path = self._key(table, self._here())
        self._at = self._text.index("=", self._at) + 1
        self._value(path)

    def _key(self, path: KeyPath, line: int) -> KeyPath:
        """Read a dotted key below `path`, entering the last element of arrays of tables."""
        while True:
            self._skip_blank()
            path = (*self._entered(path), self._name())
            self._found.setdefault(path, line)
            self._skip_blank()
            if not self._text.startswith(".", self._at):
                return path
            self._at += 1

    def _entered(self, path: KeyPath) -> KeyPath:
        return (*path, self._arrays[path]) if path in self._arrays else path

    def _name(self) -> str:
        if bare := _BARE.match(self._text, self._at):
            self._at = bare.end()
            return bare[0]
        quoted = self._quoted()
        name: str = tomllib.loads(f"name = {quoted}")["name"]
        return name

    def _quoted(self) -> str:
        match = _TEXT.match(self._text, self._at)
        if match is None:
            raise ValueError("not a TOML text that tomllib accepts")
        self._at = match.end()
        return match[0]

    def _value(self, path: KeyPath) -> None:
        self._skip_blank()
        first = self._text[self._at : self._at + 1]
        if first in {'"', "'"}:
            self._quoted()
        elif first == "[":
            self._array(path)
        elif first == "{":
            self._inline_table(path)
        elif scalar := _SCALAR.match(self._text, self._at):
            self._at = scalar.end()

    def _array(self, path: KeyPath) -> None:
        index = 0
        while not self._closes("]"):
            element = (*path, index)
            self._found[element] = self._here()
            self._value(element)
            index += 1

    def _inline_table(self, path: KeyPath) -> None:
        while not self._closes("}"):
            self._pair(path)

    def _closes(self, bracket: str) -> bool:
        """Step over the opening bracket or comma; say whether `bracket` follows, and eat it."""
        self._skip_blank()
        if self._text[self._at] != bracket:
            self._at += 1
            self._skip_blank()
        if self._text[self._at] == bracket:
            self._at += 1
            return True
        return False

    def _skip_blank(self) -> None:
        match = _BLANK.match(self._text, self._at)
        if match is not None:
            self._at = match.end()

    def _here(self) -> int:
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line
