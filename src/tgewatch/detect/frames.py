"""Ways of telling an event, as patterns over the classes of a headline's words.

A headline is one character a word: each class, and each word that a pattern names, has its own.
So a pattern is short, and searching it costs about a microsecond.
"""

import re
import tomllib
from collections.abc import Iterable, Sequence
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
    needs: frozenset[str]
    """Characters of which a line must hold one to be worth a search; empty: any line is."""

    def found(self, line: str, signs: frozenset[str]) -> re.Match[str] | None:
        """Return the first match in `line`, whose characters are `signs`."""
        if self.needs and self.needs.isdisjoint(signs):
            return None
        return self.pattern.search(line)


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
        needs = _needs(line_pattern) or frozenset()
        found.append(Frame(f"{label or table} {name}", re.compile(line_pattern), needs))
    return tuple(found)


_ATOM = re.compile(r"\(\?:|\[(?P<not>\^)?(?P<any>[^\]]*)\]|[|)]|(?P<one>.)", re.DOTALL)
_COUNT = re.compile(r"(?P<none>[?*]|\{0,\d+\})?\+?\??")


def _needs(pattern: str) -> frozenset[str] | None:
    """Return characters of which every match of a line's pattern holds one; None: it needs none.

    Of the parts that must be there the one with the fewest choices says it.
    """
    needed, end = _alternatives(pattern, 0)
    return needed if end == len(pattern) else None


def _alternatives(pattern: str, at: int) -> tuple[frozenset[str] | None, int]:
    """Return what the alternatives that begin at `at` need, and where they end."""
    choices: list[frozenset[str] | None] = []
    best: frozenset[str] | None = None
    while at < len(pattern):
        atom = _ATOM.match(pattern, at)
        if atom is None or atom.group() == ")":
            break
        at = atom.end()
        if atom.group() == "|":
            choices.append(best)
            best = None
            continue
        if atom.group() == "(?:":
            part, at = _alternatives(pattern, at)
            at += 1
        elif atom["not"] or atom.group() in (START, END):
            part = None
        else:
            part = frozenset(atom["one"] or atom["any"])
        count = _COUNT.match(pattern, at)
        if count is not None:
            at = count.end()
            part = None if count["none"] else part
        if part is not None and (best is None or len(part) < len(best)):
            best = part
    choices.append(best)
    if any(c is None for c in choices):
        return None, at
    return frozenset[str]().union(*(c for c in choices if c is not None)), at


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
