"""JSON Feed 1.0 and 1.1 (jsonfeed.org/version/1.1), read leniently."""

from collections.abc import Mapping
from typing import Any

import orjson

from tgewatch.errors import MalformedError
from tgewatch.parse.cut import cut_json_items
from tgewatch.parse.entry import Entry, Feed, FeedLimits
from tgewatch.parse.links import web_link
from tgewatch.parse.text import clean, plain_text, shorten
from tgewatch.parse.timestamps import parse_timestamp


def read_json(text: bytes, *, url: str, limits: FeedLimits) -> Feed:
    """Return the JSON feed in `text` (UTF-8).

    Reads documents that forget to state the version, when they have a list of items. Raises
    MalformedError: not_a_feed for other JSON, too_complex for more than `limits.tags` values.
    """
    text, cut = cut_json_items(text, limits.entries)
    if text.count(b"[") + text.count(b"{") + text.count(b",") > limits.tags:
        raise MalformedError("JSON of too many parts", cause="too_complex")
    try:
        document = orjson.loads(text)
    except ValueError as error:
        raise MalformedError(f"neither XML nor JSON: {error}", cause="not_a_feed") from error
    if not isinstance(document, dict):
        raise MalformedError("JSON, but no feed", cause="not_a_feed")
    items = document.get("items")
    version = _text(document, "version")
    if not isinstance(items, list) or not ("jsonfeed" in version or _alike(items)):
        raise MalformedError(f"JSON, but no feed{_complaint(document)}", cause="not_a_feed")
    entries = [_entry(item, url, limits) for item in items[: limits.entries] if _is_object(item)]
    hubs = document.get("hubs") if isinstance(document.get("hubs"), list) else []
    return Feed(
        title=clean(_text(document, "title"), limits.title),
        format=f"json {version.rstrip('/').rpartition('/')[2][:8]}".strip(),
        parser="json",
        entries=tuple(entries),
        url=web_link(_text(document, "home_page_url"), url),
        problems=(cut,) if cut else (),
        hubs=tuple(
            link
            for hub in (hubs or [])[:5]
            if isinstance(hub, dict) and (link := web_link(_text(hub, "url"), url))
        ),
        self_url=web_link(_text(document, "feed_url"), url),
    )


def _is_object(item: object) -> bool:
    return isinstance(item, dict)


def _alike(items: list[Any]) -> bool:
    """Tell whether a list without a version looks like a feed's: its objects have id or url."""
    known = {"id", "url", "title", "content_html", "content_text", "date_published"}
    return bool(items) and all(
        isinstance(item, dict) and len(known & item.keys()) > 1 for item in items[:3]
    )


def _complaint(document: Mapping[str, Any]) -> str:
    for key in ("error", "message", "detail"):
        if text := clean(_text(document, key), 100):
            return f": {text}"
    return ""


def _text(values: Mapping[str, Any], key: str) -> str:
    """Return a string as it is and a number as its digits; anything else is empty."""
    value = values.get(key)
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def _entry(item: Mapping[str, Any], url: str, limits: FeedLimits) -> Entry:
    content = plain_text(_text(item, "content_html"), limits.content)
    content = content or clean(_text(item, "content_text"), limits.content)
    summary = clean(_text(item, "summary"), limits.summary)
    short = summary or shorten(content, limits.summary)
    link = web_link(_text(item, "url"), url) or web_link(_text(item, "external_url"), url)
    identity = _text(item, "id").strip()
    if not link and identity[:4].lower() == "http":
        link = web_link(identity, url)
    return Entry(
        id=identity[:4_096],
        url=link,
        title=plain_text(_text(item, "title"), limits.title),
        summary=short,
        content="" if content == short else content,
        published=_date(item, "date_published") or _date(item, "date_modified"),
        author=_author(item),
    )


def _date(item: Mapping[str, Any], key: str) -> float | None:
    return parse_timestamp(_text(item, key))


def _author(item: Mapping[str, Any]) -> str:
    authors = item.get("authors")
    candidates = (
        [*authors[:1], item.get("author")] if isinstance(authors, list) else [item.get("author")]
    )
    for author in candidates:
        if isinstance(author, dict) and (name := clean(_text(author, "name"), 200)):
            return name
    return ""
