"""What a word is by itself: its class, whatever stands beside it.

Texts repeat their words. So each chunk between two spaces is taken apart once and remembered, with
the classes that its words have in either case of the text around them.
"""

import re
from collections.abc import Mapping
from functools import lru_cache

import msgspec

from tgewatch.detect.lexicon import Lexicon
from tgewatch.detect.text import Field, chunks, tokens

FUNCTION_WORDS = frozenset(
    "a an the of to for in on at by with from as and or after before ahead following its their his "
    "our we i you my it this that will be is are was were has have been can could now new first "
    "second next more just ready into over amid despite against than up down out off via".split()
)
SHOUTED = frozenset({"PRICE", "PROMO", "NETWORK", "FILLER", "GUIDE", "UNLOCK", "PEOPLE"})
"""Classes whose words, in capitals, are tickers: “PUMP token”, “TREAT airdrop”."""
ACRONYMS = frozenset(
    "ath rsi macd ema fomo roi ai l1 l2 l3 dex dao dapp sdk api llm ceo cto xp ama vs depin gamefi defi".split()
)
PLACES = frozenset("US USA U.S UK EU UAE NY NYC DC LA UN NATO AI CEO CTO CFO COO".split())
"""In capitals these are no tickers."""
MARKS = frozenset("?!:(),")
LONG = 4
SHORTEST_START = 4
"""Letters of a cut-off word from which it can be told."""
NEVER = 10**6
"""A month that does not come."""
GRACE_MONTHS = 2
LONG_NAME = 6
"""Letters of an old token's name from which small letters will do: “listing dogecoin”."""
HANDLE_TAILS = ("", "global", "official", "exchange", "com", "io", "hq", "fx", "announcement", "spot", "listing")  # fmt: skip
"""What exchanges put behind their names."""
REMEMBERED, LONGEST = 8_192, 32
"""Chunks that are remembered, and characters of a chunk that is."""
_YEAR = re.compile(r"20[12]\d")


class Established(msgspec.Struct, frozen=True):
    """Tokens that have traded for long, by lower-case name and by ticker."""

    names: Mapping[str, int]
    tickers: Mapping[str, int]
    """To the month (years x 12 + month) from which they count as established."""


def established(text: str) -> Established:
    """Return the list that a data file of name|ticker|YYYY-MM lines describes."""
    names: dict[str, int] = {}
    tickers: dict[str, int] = {}
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        name, ticker, since = line.split("|")
        month = int(since[:4]) * 12 + int(since[5:]) + GRACE_MONTHS
        for book, key in ((names, name.lower()), (tickers, ticker)):
            book[key] = min(month, book.get(key, month))
    return Established(names, tickers)


class Sense(msgspec.Struct, frozen=True, gc=False):
    """What a word is in a text of one case."""

    tag: str
    """Its class, or the word; empty for what says nothing."""
    since: int = NEVER
    """Month from which it is the name of an old token instead."""
    ordinary: bool = False
    """An ordinary word with a capital, which may be a name."""


class Word(msgspec.Struct, frozen=True):
    """One word, number or mark of a chunk."""

    text: str
    low: str
    start: int
    """Where it stands in its chunk, as the end."""
    end: int
    long: bool
    """Tells the case of a text."""
    small: bool
    """Long, and begins with a small letter."""
    loud: bool
    """All in capitals."""
    senses: tuple[Sense, Sense, Sense, Sense]
    """In a text of capitals, in a loud one of these, in one of small letters, in a loud one."""


class Vocabulary:
    """The words of a lexicon, a list of established tokens and one of common words."""

    def __init__(self, lexicon: Lexicon, old: Established, common: frozenset[str]) -> None:
        self._words = lexicon.words
        self._old = old
        self._common = common
        self._starts = _starts(lexicon.words)
        self._plain = lru_cache(maxsize=REMEMBERED)(lambda text: self._chunk(text, text.lower()))
        self._foreign = lru_cache(maxsize=REMEMBERED)(self._chunk)

    def words(self, field: Field, limit: int) -> list[tuple[int, Word]]:
        """Return the first words of a field, each with the place of its chunk."""
        words: list[tuple[int, Word]] = []
        plain, low = self._plain, field.low
        for at, chunk in chunks(field.text):
            if len(chunk) > LONGEST:
                found = self._chunk(chunk, low[at : at + len(chunk)])
            elif chunk.isascii():
                found = plain(chunk)
            else:
                found = self._foreign(chunk, low[at : at + len(chunk)])
            for word in found:
                words.append((at, word))  # noqa: PERF401 - most chunks are one word
            if len(words) >= limit:
                return words[:limit]
        return words

    def _chunk(self, text: str, low: str) -> tuple[Word, ...]:
        """Return the words of a chunk; `low` is it in lower case as in its field."""
        return tuple(
            Word(
                token.text,
                token.low,
                token.start,
                token.end,
                long := token.text[0].isalpha() and len(token.text) >= LONG,
                long and token.text[0].islower(),
                token.text.isupper(),
                self._all_senses(token.text, token.low, text[token.end : token.end + 3]),
            )
            for token in tokens(text, low)
        )

    def _all_senses(self, text: str, low: str, after: str) -> tuple[Sense, Sense, Sense, Sense]:
        cut = self._cut_off(low, after)
        if cut:
            return (Sense(cut),) * 4
        return (
            self._sense(text, low, sentence=False, loud=False),
            self._sense(text, low, sentence=False, loud=True),
            self._sense(text, low, sentence=True, loud=False),
            self._sense(text, low, sentence=True, loud=True),
        )

    def _sense(self, text: str, low: str, *, sentence: bool, loud: bool) -> Sense:
        tag = self._tag(text, low, sentence=sentence, loud=loud)
        ordinary = tag.islower() and text[0].isupper() and tag not in FUNCTION_WORDS
        return Sense(tag, self._since(text, low, loud=loud), ordinary)

    def _cut_off(self, low: str, after: str) -> str:
        """Return the class of a word that a post breaks off: “distribu…”, “Decemb…”."""
        if (after[:1] != "…" and after != "...") or low in self._words or low in self._common:
            return ""
        return self._starts.get(low, "")

    def _since(self, text: str, low: str, *, loud: bool) -> int:
        """Return from which month the word names an established token."""
        names, tickers = self._old.names, self._old.tickers
        if text[0] == "$" and not text[1:2].isdigit():
            return NEVER if self._is_stable(low) else tickers.get(text[1:].upper(), NEVER)
        if low in self._common or not text[0].isalpha():
            return NEVER
        if not text[0].isupper() and len(low) < LONG_NAME:
            return NEVER
        ticker = tickers.get(text, NEVER) if len(text) > 1 and not loud else NEVER
        return min(names.get(text.lower(), NEVER), ticker)

    def _tag(self, text: str, low: str, *, sentence: bool, loud: bool) -> str:
        lead = text[0]
        if not lead.isalnum():
            return self._marked(text, low)
        if lead.isdigit():
            return _number(low)
        tag = self._words.get(low)
        if tag in SHOUTED and text.isupper() and not loud and low not in ACRONYMS:
            return "CAPS"
        return tag or self._other(text, low, sentence=sentence, loud=loud)

    def _other(self, text: str, low: str, *, sentence: bool, loud: bool) -> str:
        """Return the tag of a word of no class: itself, CAPS or NAME."""
        if text in PLACES:
            return "PLACE"
        if low in FUNCTION_WORDS:
            return low
        if text.isupper() and len(text) > 1 and not loud:
            return "CAPS"
        capital = text[0].isupper()
        if low in self._common or low.removesuffix("s") in self._common:
            return "NAME" if capital and sentence else low
        return "NAME" if capital or not text.islower() or "." in text else low

    def _marked(self, text: str, low: str) -> str:
        lead, rest = text[0], text[1:]
        if lead == "$":
            if rest[:1].isdigit():
                return "MONEY"
            return "STABLE" if self._is_stable(low) else "TICKER"
        if lead == "@" and rest:
            return "EXCHANGE" if self._is_exchange(low[1:]) else "HANDLE"
        if lead == "#" and rest:
            return self._words.get(low[1:], "HASHTAG")
        return text if text in MARKS else ""

    def _is_stable(self, ticker: str) -> bool:
        """Return whether a ticker with its sign is a stable coin's."""
        return self._words.get(ticker[1:]) == "STABLE"

    def _is_exchange(self, handle: str) -> bool:
        """Return whether a handle is an exchange's: “gate_io”, “kucoincom”, “MEXC_Global”."""
        plain = handle.replace("_", "")
        return any(
            plain.endswith(tail) and self._words.get(plain.removesuffix(tail)) == "EXCHANGE"
            for tail in HANDLE_TAILS
        )


def _starts(words: Mapping[str, str]) -> Mapping[str, str]:
    """Return beginning → class, for the beginnings that belong to words of one class alone."""
    found: dict[str, str] = {}
    for word, name in words.items():
        for length in range(SHORTEST_START, len(word)):
            start = word[:length]
            found[start] = name if found.get(start, name) == name else ""
    return found


def _number(low: str) -> str:
    if low.endswith("%"):
        return "PCT"
    if low.endswith("x"):
        return "TIMES"
    return "YEAR" if _YEAR.fullmatch(low) else "NUM"
