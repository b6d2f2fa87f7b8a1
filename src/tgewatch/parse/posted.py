"""What the interfaces of networks have in common: JSON with bounds, and items made of posts."""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

import orjson

from tgewatch.errors import MalformedError
from tgewatch.model import Item
from tgewatch.parse.links import web_link
from tgewatch.parse.text import clean, shorten
from tgewatch.parse.timestamps import parse_timestamp

POSTS = 200
"""Posts of one answer that are looked at."""
TITLE = 1_000
"""Characters of a post that stand as its title: of a post, detection reads nothing else closely."""
HEADLINE = 500
SUMMARY = 4_000
CONTENT = 50_000
LINKS = 5
"""Links of a post that its text does not show, and that are put behind it."""
PARTS = 500_000
"""Brackets and commas of a document."""


def read_document(body: bytes) -> Any:
    """Return the JSON in `body`. Raises MalformedError (malformed, too_complex)."""
    if body.count(b"[") + body.count(b"{") + body.count(b",") > PARTS:
        raise MalformedError("JSON of too many parts", cause="too_complex")
    try:
        return orjson.loads(body)
    except ValueError as error:
        raise MalformedError(f"no JSON: {error}", cause="malformed") from error


def listed(document: Any, *path: str) -> list[Mapping[str, Any]]:
    """Return the objects of the list at `path` in a document; without a path, it is the list.

    Raises MalformedError (malformed) with what the document complains of, when there is none.
    """
    found = document
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    if not isinstance(found, list):
        raise MalformedError(f"an answer without posts{_complaint(document)}", cause="malformed")
    return [one for one in found[:POSTS] if isinstance(one, dict)]


def text_at(values: Any, *path: str) -> str:
    """Return the text at `path`, a number as its digits; empty when there is none."""
    for name in path:
        values = values.get(name) if isinstance(values, dict) else None
    if isinstance(values, str):
        return values
    return str(values) if isinstance(values, int) and not isinstance(values, bool) else ""


def object_at(values: Any, *path: str) -> Mapping[str, Any]:
    """Return the object at `path`, or an empty one."""
    for name in path:
        values = values.get(name) if isinstance(values, dict) else None
    return values if isinstance(values, dict) else {}


def time_at(values: Any, *path: str) -> float | None:
    """Return the time at `path`, written as text or as Unix seconds."""
    return parse_timestamp(text_at(values, *path))


def with_links(text: str, links: Iterable[str]) -> str:
    """Return a text with the links behind it that it hides or cuts."""
    added = [link for one in links if (link := web_link(one)) and link not in text]
    return " ".join([text, *dict.fromkeys(added[:LINKS])])


def make_post(
    *,
    source: str,
    identity: str,
    url: str,
    text: str,
    published: float | None,
    author: str = "",
) -> Item | None:
    """Return a post as an item; None for one that says nothing.

    `identity` is unique on the network and stays the same when the post is edited.
    """
    whole = clean(text, SUMMARY)
    if not whole or not identity:
        return None
    title = shorten(whole, TITLE)
    return Item(
        source=source,
        key=sha256(identity.encode("utf-8", "replace")).hexdigest(),
        url=web_link(url) or source,
        title=title,
        summary="" if whole == title else whole,
        published=published,
        author=clean(author, 200),
        kind="post",
    )


def make_entry(
    *,
    source: str,
    identity: str,
    url: str,
    title: str,
    text: str,
    published: float | None,
    author: str = "",
) -> Item | None:
    """Return something with a headline as an item; None for one without."""
    headline = clean(title, HEADLINE)
    if not headline or not identity:
        return None
    whole = clean(text, CONTENT)
    summary = shorten(whole, SUMMARY)
    return Item(
        source=source,
        key=sha256(identity.encode("utf-8", "replace")).hexdigest(),
        url=web_link(url) or source,
        title=headline,
        summary=summary,
        content="" if whole == summary else whole,
        published=published,
        author=clean(author, 200),
    )


def once(items: Iterable[Item | None]) -> tuple[Item, ...]:
    """Return the items that say something, each once."""
    found: dict[str, Item] = {}
    for item in items:
        if item is not None:
            found.setdefault(item.key, item)
    return tuple(found.values())


def _complaint(document: Any) -> str:
    errors = document.get("errors") if isinstance(document, dict) else None
    first = errors[0] if isinstance(errors, list) and errors else document
    for name in ("message", "error", "detail", "errDetails"):
        if said := clean(text_at(first, name), 200):
            return f": {said}"
    return ""
