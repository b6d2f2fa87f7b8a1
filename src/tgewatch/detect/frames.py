"""Ways of telling an event, as patterns over the classes of a headline's words.

A headline is one character a word: each class, and each word that a pattern names, has its own.
So a pattern is short, and searching it costs about a microsecond.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from tgewatch.detect import lexicon


@dataclass(frozen=True, slots=True)
class Frame:
    """One way of telling an event."""

    name: str
    """Of the feature."""
    pattern: re.Pattern[str]
    """Over the line of a headline."""
    needs: tuple[frozenset[str], ...]
    """Of each of these sets a line must hold a character to be worth a search."""


class Frames:
    """Frames in their order, of which a line is searched for those whose parts it holds.

    Each frame has a bit in as many rows as the neediest of all has needs. A sign of a line sets the
    bits of what it meets; the frames left are those with a bit in every row.
    """

    def __init__(self, frames: Sequence[Frame]) -> None:
        self._frames = tuple(frames)
        self._rows = max((len(frame.needs) for frame in frames), default=0)
        self._meets: dict[str, int] = {}
        self._unasked = 0
        """Bits of the rows in which a frame needs nothing."""
        for number, frame in enumerate(frames):
            for row in range(self._rows):
                bit = 1 << (row * len(frames) + number)
                if row >= len(frame.needs):
                    self._unasked |= bit
                    continue
                for sign in frame.needs[row]:
                    self._meets[sign] = self._meets.get(sign, 0) | bit

    def __len__(self) -> int:
        return len(self._frames)

    def likely(self, signs: Iterable[str]) -> Iterator[Frame]:
        """Yield the frames whose every need one of `signs`, the characters of a line, meets."""
        width, met = len(self._frames), self._unasked
        for sign in signs:
            met |= self._meets.get(sign, 0)
        left = (1 << width) - 1
        for _ in range(self._rows):
            left &= met
            met >>= width
        while left:
            bit = left & -left
            yield self._frames[bit.bit_length() - 1]
            left ^= bit


OPAQUE = ("FUND", "STABLE", "NFT", "NETWORK", "GENERIC", "TROUBLE", "PRICE", "?", ":")
"""What a gap never passes over: behind it something else is spoken of."""
ENTITY = ("NAME", "CAPS", "TICKER", "HANDLE")
ASIDES = ("AHEAD", "after", "following", "before", "despite", "amid")
START, END, OTHER = "\ue000", "\ue001", "\ue002"
_FIRST = 0xE010
_TOKEN = re.compile(
    r"<ENT> ?|<GAP (?P<gap>\d)>|\\S\+ ?|\\(?P<mark>[()?]) ?|(?P<start>\^\\\^|\\\^) ?|\\\$ ?"
    r"|(?P<word>[A-Za-z_]+) ?|(?P<plain>[:,!](?= |\|)) ?| "
)


@cache
def _symbols() -> dict[str, str]:
    """Return class or word → its character, for all that the shipped patterns name."""
    names = set(lexicon.shipped().words.values()) | set(lexicon.shipped().phrases.values())
    names |= {"NAME", "OLD", "TICKER", "CAPS", "HANDLE", "HASHTAG", "PCT", "MONEY", "NUM", "TIMES"}
    names |= {"YEAR", "?", "!", ":", "(", ")", ",", *ASIDES}
    for table in tomllib.loads(lexicon.data("frames.toml")).values():
        for pattern in table.values():
            names |= {m["word"] for m in _TOKEN.finditer(pattern) if m["word"]}
    return {name: chr(_FIRST + number) for number, name in enumerate(sorted(names))}


def line_of(tags: Iterable[str]) -> str:
    """Return the line of a headline: its start, a character for each word, its end."""
    symbols = _symbols()
    return f"{START}{''.join([symbols.get(t, OTHER) for t in tags])}{END}"


def main_clause(line: str) -> str:
    """Return the line without what is only its occasion: “… ahead of Binance listing”."""
    aside = _aside().search(line)
    return f"{line[: aside.start()]}{END}" if aside and aside.start() > 2 else line  # noqa: PLR2004 - start and a word


@cache
def _aside() -> re.Pattern[str]:
    return re.compile(f"[{''.join(_symbols()[a] for a in ASIDES)}]")


def compiled(text: str, table: str, *, label: str = "") -> Sequence[Frame]:
    """Return the patterns of one table of a TOML document, ready for searching.

    Feature names are the label (the table's name without one) and the pattern's name.
    """
    found = []
    for name, pattern in tomllib.loads(text)[table].items():
        line_pattern = _TOKEN.sub(_character, pattern)
        found.append(
            Frame(f"{label or table} {name}", re.compile(line_pattern), _needs(line_pattern))
        )
    return tuple(found)


_ATOM = re.compile(r"\(\?:|\[(?P<not>\^)?(?P<any>[^\]]*)\]|[|)]|(?P<one>.)", re.DOTALL)
_COUNT = re.compile(r"(?:(?P<none>[?*]|\{0,\d+\})|\+|\{\d+\})?\??")


def _needs(pattern: str) -> tuple[frozenset[str], ...]:
    """Return sets of characters; every match of a line's pattern holds one of each set."""
    ways, end = _ways(pattern, 0)
    if end != len(pattern):
        return ()
    return tuple(ways[0]) if len(ways) == 1 else _one_of(ways)


def _one_of(ways: Sequence[Sequence[frozenset[str]]]) -> tuple[frozenset[str], ...]:
    """Return what is needed whichever way is gone: the set with the fewest choices of each."""
    if not all(ways):
        return ()
    return (frozenset[str]().union(*(min(way, key=len) for way in ways)),)


def _ways(pattern: str, at: int) -> tuple[list[list[frozenset[str]]], int]:
    """Return for each alternative from `at` on the sets that it needs, and where they end."""
    ways: list[list[frozenset[str]]] = [[]]
    while at < len(pattern):
        atom = _ATOM.match(pattern, at)
        if atom is None or atom.group() == ")":
            break
        at = atom.end()
        if atom.group() == "|":
            ways.append([])
            continue
        part: tuple[frozenset[str], ...] = ()
        if atom.group() == "(?:":
            inner, at = _ways(pattern, at)
            part, at = _one_of(inner), at + 1
        elif not atom["not"] and atom.group() not in (START, END):
            part = (frozenset(atom["one"] or atom["any"]),)
        count = _COUNT.match(pattern, at)
        if count is not None:
            at = count.end()
            part = () if count["none"] else part
        ways[-1] += part
    return ways, at


def _character(match: re.Match[str]) -> str:
    symbols, found = _symbols(), match.group()
    if match["gap"]:
        return f"[^{START}{END}{''.join(symbols[o] for o in OPAQUE)}]{{0,{match['gap']}}}?"
    if found.startswith("<ENT>"):
        return f"[{''.join(symbols[e] for e in ENTITY)}]"
    if match["start"]:
        return START
    if match["word"] or match["mark"] or match["plain"]:
        return symbols[match["word"] or match["mark"] or match["plain"]]
    if found.startswith("\\S"):
        return f"[^{START}{END}]"
    return END if found.startswith("\\$") else ""
