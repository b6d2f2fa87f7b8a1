"""Feeds that are no XML any more, read by feedparser."""

import io
from collections.abc import Mapping
from typing import Any
from xml.sax import SAXException

from tgewatch.parse.entry import Entry, Feed, FeedLimits
from tgewatch.parse.links import web_link
from tgewatch.parse.text import plain_text, shorten
from tgewatch.parse.timestamps import parse_timestamp

_ITS_BUGS = (
    ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, SAXException,
    TypeError, ValueError,
)  # fmt: skip
"""What it is known to raise, or may, on tags in an order that it does not expect."""


def read_loosely(text: bytes, *, url: str, limits: FeedLimits) -> Feed | None:
    """Return what feedparser finds in `text` (UTF-8); None when it finds no feed.

    feedparser is given a stream, as it would open a str or bytes as a path or URL. Its own
    sanitising and resolving are off: text and links are made harmless here. Costs 30 to 80 times
    what the walk over a tree does.
    """
    import feedparser  # type: ignore[import-untyped]  # noqa: PLC0415 - most runs never need it

    try:
        found = feedparser.parse(
            io.BytesIO(text),
            response_headers={"content-type": "application/xml; charset=utf-8"},
            sanitize_html=False,
            resolve_relative_uris=False,
        )
    except _ITS_BUGS:
        return None
    entries = tuple(
        _entry(entry, url, limits)
        for entry in found.entries[: limits.entries]
        if isinstance(entry, Mapping)
    )
    version = found.get("version") or ""
    if not version and not entries:
        return None
    head = found.feed if isinstance(found.feed, Mapping) else {}
    return Feed(
        title=plain_text(_text(head, "title"), limits.title),
        format=version or "unknown",
        parser="feedparser",
        entries=entries,
        url=web_link(_text(head, "link"), url),
    )


def _text(entry: Mapping[str, Any], key: str) -> str:
    value = entry.get(key)
    return value if isinstance(value, str) else ""


def _entry(entry: Mapping[str, Any], url: str, limits: FeedLimits) -> Entry:
    contents = entry.get("content") or []
    whole = next((str(part.get("value") or "") for part in contents if part.get("value")), "")
    content = plain_text(whole, limits.content)
    summary = plain_text(_text(entry, "summary"), limits.summary if content else limits.content)
    whole = content or summary
    short = shorten(summary or content, limits.summary)
    return Entry(
        id=_text(entry, "id").strip()[:4_096],
        url=_link(entry, url),
        title=plain_text(_text(entry, "title"), limits.title),
        summary=short,
        content="" if whole == short else whole,
        published=_published(entry),
        author=plain_text(_text(entry, "author"), 200),
    )


def _link(entry: Mapping[str, Any], url: str) -> str:
    for candidate in (_text(entry, "feedburner_origlink"), _text(entry, "link")):
        if candidate and (link := web_link(candidate, url)):
            return link
    identity = _text(entry, "id")
    return web_link(identity, url) if identity[:4].lower() == "http" else ""


def _published(entry: Mapping[str, Any]) -> float | None:
    """Read the dates as they were written: what feedparser makes of prose is a guess."""
    for name in ("published", "created", "updated"):
        moment = parse_timestamp(_text(entry, name))
        if moment is not None:
            return moment
    return None
