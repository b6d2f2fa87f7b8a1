"""Which of many patterns a text may match: RE2 looks for all of them in one pass.

`re` searches for one pattern after the other, and letter by letter for most. Which of them to ask
costs a few microseconds here, so that only those are searched for that are there.
"""

import re
from collections.abc import Iterable, Iterator

import re2  # type: ignore[import-untyped]  # ships no types

_ODD = re.compile(r"[^ -~]")
_LOOK = re.compile(r"\(\?<?[=!]")
_PART = re.compile(r"\\.|\[(?:\\.|[^\]])+\]|[^\\\[()]+|[()]", re.DOTALL)
_IGNORED_CASE = {"\u017f": "s", "\u212a": "k", "\u0130": "i", "\u0131": "i"}
"""The only letters beyond ASCII that `re` takes for ASCII ones when it ignores case."""


class Sieve:
    """Patterns of `re` that ignore case, each searched for only where RE2 sees that it may match.

    RE2 has no look-arounds, and every letter beyond ASCII is the same to it: so `re` decides, from
    there on. A back reference has to be to a single character, and no pattern matches nothing.
    """

    def __init__(self, patterns: Iterable[str]) -> None:
        options = re2.Options()
        options.case_sensitive = False
        self._whole = [re.compile(pattern, re.IGNORECASE) for pattern in patterns]
        self._set = re2.Set.SearchSet(options)
        self._loose = []
        for pattern in self._whole:
            loose = _loosened(pattern.pattern)
            self._set.Add(loose)
            self._loose.append(re2.compile(loose.encode(), options=options))
        self._set.Compile()

    def found(self, text: str) -> Iterator[tuple[int, re.Match[str]]]:
        """Yield number and match of each pattern in `text`, pattern by pattern, as `re` finds them."""
        plain = in_ascii(text)
        numbers = self._set.Match(plain)
        if not numbers:
            return
        data = plain.encode()
        for number in sorted(numbers):
            loose, whole, at = self._loose[number], self._whole[number], 0
            while near := loose.search(data, at):
                match = whole.search(text, near.start())
                if match is None:
                    break
                yield number, match
                at = match.end()


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
