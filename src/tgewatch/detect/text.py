"""The judged text: fields of an item, folded so that matching is simple and spans stay true.

Folding never changes a length: every character becomes exactly one, so an offset in the folded
text is an offset in the original.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import msgspec

from tgewatch.model import Item, Span

SUMMARY_LIMIT = 2_000
ARTICLE_LIMIT = 20_000

_PLAIN = {
    "\u2018": "'", "\u2019": "'", "\u201a": "'", "\u201b": "'", "\u2032": "'", "\u00b4": "'",
    "\u201c": '"', "\u201d": '"', "\u201e": '"', "\u2033": '"', "\u00ab": '"', "\u00bb": '"',
    "\u2010": "-", "\u2011": "-", "\u2012": "-", "\u2013": "-", "\u2014": "-", "\u2212": "-",
    "\u00a0": " ", "\u2009": " ", "\u202f": " ", "\u200b": " ", "\n": " ", "\r": " ", "\t": " ",
}  # fmt: skip
_ODD = re.compile(r"[^ -~]")


@lru_cache(maxsize=4_096)
def plain_character(character: str) -> str:
    """Return one character that looks the same and is easier to match."""
    known = _PLAIN.get(character)
    if known is not None:
        return known
    folded = unicodedata.normalize("NFKC", character)
    return folded if len(folded) == 1 else character


def plain(text: str) -> str:
    """Return `text` with typographic variants made plain; its length stays."""
    if text.isascii() and text.isprintable():
        return text
    return _ODD.sub(lambda found: plain_character(found[0]), text)


def lower(text: str) -> str:
    """Return `text` in lower case; its length stays, even where Unicode would lengthen it."""
    lowered = text.lower()
    if len(lowered) == len(text):
        return lowered
    return "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


class Field(msgspec.Struct, frozen=True, gc=False):
    """One field of an item, ready for matching."""

    name: str
    """title, summary or text, as spans name it."""
    text: str
    """Plain characters, original case."""
    low: str
    """The same in lower case."""

    def span(self, start: int, end: int) -> Span:
        return Span(field=self.name, start=start, end=end)


def field(name: str, text: str) -> Field:
    """Return `text` ready for matching."""
    smooth = plain(text)
    return Field(name=name, text=smooth, low=lower(smooth))


def fields_of(item: Item, article: str = "") -> tuple[Field, ...]:
    """Return the fields of `item` that hold anything, bounded; the title comes first always."""
    found = [field("title", item.title[:SUMMARY_LIMIT])]
    if item.summary:
        found.append(field("summary", item.summary[:SUMMARY_LIMIT]))
    body = article or item.content
    if body:
        found.append(field("text", body[:ARTICLE_LIMIT]))
    return tuple(found)


class Token(NamedTuple):
    """A word, number or mark with its place."""

    text: str
    low: str
    start: int
    end: int


_TOKEN = re.compile(
    r"https?://\S+|www\.\S+|(?<=\w)'s\b"
    r"|[$€£]\d[\d,.]*(?:\s?(?:million|billion|[kmb]n?)\b)?\+?"
    r"|\d[\d,.]*(?:%|x\b|[kmb]n?\b)"
    r"|[$@#]?\w+(?:[.&]\w+)*"
    r"|[!?.,:;|()\[\]\"…/-]",
    re.IGNORECASE,
)
_SUM = re.compile(r"([$€£]\d[\d,.]*) (?=(?:million|billion|[kmb]n?)\b)", re.IGNORECASE)
"""The one token with a space in it, up to the space."""


def tokens(text: str, low: str) -> Iterator[Token]:
    """Yield the words and marks of a text in order; `low` is it in lower case."""
    for match in _TOKEN.finditer(text):
        start, end = match.span()
        yield Token(match.group(), low[start:end], start, end)


def chunks(text: str) -> Iterator[tuple[int, str]]:
    """Yield what stands between the spaces of a field, each with its place.

    No token lies in two chunks: tokens of the chunks are those of the whole.
    """
    at = 0
    for chunk in _SUM.sub("\\1\t", text).split(" "):  # no field holds a tab
        if chunk:
            yield at, chunk.replace("\t", " ") if "\t" in chunk else chunk
        at += len(chunk) + 1
