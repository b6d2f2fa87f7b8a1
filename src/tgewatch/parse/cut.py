"""Bounds that hold before parsing: how much of a document is worth building a tree of."""

import re
from itertools import islice

from tgewatch.parse.timestamps import parse_timestamp

_START = re.compile(rb"<(?:[\w.-]{1,32}:)?(?:item|entry)[\s/>]", re.IGNORECASE)
_DATE = re.compile(
    rb"<(?:[\w.-]{1,32}:)?(?:pubdate|published|updated|date|modified|issued)[^<>]{0,200}>"
    rb"\s{0,20}(?:<!\[CDATA\[)?([^<\]]{4,80})",
    re.IGNORECASE,
)
_WINDOW = 20_000
_JSON_ITEMS = re.compile(rb'"items"\s{0,100}:\s{0,100}\[')
_JSON_TOKEN = re.compile(rb'[{}\[\]]|"(?:[^"\\]|\\.)*+"', re.DOTALL)


def cut_entries(text: bytes, limit: int) -> tuple[bytes, str]:
    """Return `text` with at most `limit` entries, and what was left out in words.

    Keeps the first ones, or the last ones where the dates say that those are newer. Cuts the
    bytes, so that what is left out costs a search and no tree.
    """
    plain = text.count(b"<item") + text.count(b"<entry")
    if 0 < plain <= limit or len(text) < limit * len(b"<item/>"):
        return text, ""
    starts = [match.start() for match in islice(_START.finditer(text), limit + 1)]
    if len(starts) <= limit:
        return text, ""
    note = f"only {limit:,} of its entries were read"
    last = _tail(text, 1)
    if _date(text, last) > _date(text, starts[0]) > 0:
        return text[: starts[0]] + text[_tail(text, limit) :], f"{note}, the last ones"
    return text[: starts[limit]] + _closing(text), note


def cut_json_items(text: bytes, limit: int) -> tuple[bytes, str]:
    """Return a JSON feed with at most `limit` items, and what was left out in words."""
    if text.count(b"{") <= limit:
        return text, ""
    found = _JSON_ITEMS.search(text)
    if found is None:
        return text, ""
    depth = count = 0
    for token in _JSON_TOKEN.finditer(text, found.end()):
        byte = token.group()[:1]
        if byte in (b"{", b"["):
            depth += 1
        elif byte != b'"':
            depth -= 1
            if depth < 0:
                break
            count += depth == 0
            if count == limit and depth == 0:
                rest = text[token.end() : token.end() + _WINDOW].lstrip()
                if rest.startswith(b"]"):
                    break
                return text[: token.end()] + b"]}", f"only {limit:,} of its entries were read"
    return text, ""


def _tail(text: bytes, number: int) -> int:
    """Return where the last `number` entries start."""
    position = len(text)
    for _ in range(number):
        found = max(text.rfind(mark, 0, position) for mark in (b"<item", b"<entry", b"<ITEM"))
        if found == -1:
            break
        position = found
    return position


def _date(text: bytes, start: int) -> float:
    match = _DATE.search(text, start, start + _WINDOW)
    return (parse_timestamp(match.group(1).decode("ascii", "replace")) or 0.0) if match else 0.0


def _closing(text: bytes) -> bytes:
    """Return the end tags that follow the last entry."""
    end = max(text.rfind(b"</item>"), text.rfind(b"</entry>"), text.rfind(b"</ITEM>"))
    rest = text[end:][text[end:].find(b">") + 1 :] if end != -1 else b""
    return rest if len(rest) < _WINDOW else b""
