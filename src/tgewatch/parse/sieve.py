"""Which of many patterns a text may match: RE2 looks for all of them in one pass.

`re` searches for one pattern after the other, and letter by letter for most. Which of them to ask
costs a few microseconds here, so that only those are searched for that are there.
"""

import re
from collections.abc import Iterable, Sequence

import re2  # type: ignore[import-untyped]  # ships no types

_ODD = re.compile(r"[^ -~]")
_LOOK = re.compile(r"\(\?<?[=!]")
_PART = re.compile(r"\\.|\[(?:\\.|[^\]])+\]|.", re.DOTALL)
_IGNORED_CASE = {"\u017f": "s", "\u212a": "k", "\u0130": "i", "\u0131": "i"}
"""The only letters beyond ASCII that `re` takes for ASCII ones when it ignores case."""


class Sieve:
    """Patterns of `re`, written in lower case and meant to ignore case, for which texts are sifted.

    A text that `re` finds a pattern in always passes. One that it does not may pass too: RE2 has no
    look-arounds, and every letter beyond ASCII is the same to it. A back reference has to be to a
    single character.
    """

    def __init__(self, patterns: Iterable[str]) -> None:
        options = re2.Options()
        options.case_sensitive = False
        self._set = re2.Set.SearchSet(options)
        for pattern in patterns:
            self._set.Add(_loosened(pattern))
        self._set.Compile()

    def passed(self, text: str) -> Sequence[int]:
        """Return the numbers of the patterns, in order, that `text` may match."""
        found = self._set.Match(in_ascii(text))
        return sorted(found) if found else ()


def in_ascii(text: str) -> str:
    """Return `text` with an ASCII character for each of its own: letter, digit, space or sign."""
    if text.isascii() and text.isprintable():
        return text
    return _ODD.sub(lambda odd: _in_ascii(odd[0]), text)


def _in_ascii(character: str) -> str:
    if character in _IGNORED_CASE:
        return _IGNORED_CASE[character]
    if character.isspace():
        return " "
    if character.isdecimal():
        return "0"
    return "_" if character.isalnum() else "~"


def _loosened(pattern: str) -> str:
    """Return a pattern as RE2 takes it, which matches wherever the whole one does."""
    kept: list[str] = []
    at = 0
    while at < len(pattern):
        if _LOOK.match(pattern, at):
            at = _group_end(pattern, at)
            continue
        part = _PART.match(pattern, at)
        if part is None:
            break
        at = part.end()
        kept.append("." if part[0][0] == "\\" and part[0][1:].isdigit() else part[0])
    return re.sub(r"\?P<\w+>", "?:", in_ascii("".join(kept)))


def _group_end(pattern: str, at: int) -> int:
    """Return where the group ends that begins at `at`."""
    depth = 0
    for part in _PART.finditer(pattern, at):
        depth += {"(": 1, ")": -1}.get(part[0], 0)
        if not depth:
            return part.end()
    return len(pattern)
