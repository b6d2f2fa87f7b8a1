"""Feeds of every format: from bytes as they came to entries as they were meant."""

import re
from dataclasses import dataclass, replace

import msgspec
from lxml import etree

from tgewatch.errors import MalformedError
from tgewatch.parse.charset import is_binary, to_utf8
from tgewatch.parse.cut import cut_entries
from tgewatch.parse.doctype import Prolog, read_prolog
from tgewatch.parse.entry import DEFAULT_LIMITS, Feed, FeedLimits
from tgewatch.parse.jsonfeed import read_json
from tgewatch.parse.loosefeed import read_loosely
from tgewatch.parse.repair import repair
from tgewatch.parse.text import clean, plain_text
from tgewatch.parse.xmlfeed import knows_root, read_tree

PARSE_CAUSES = frozenset(
    {"bad_encoding", "entity_bomb", "malformed", "no_text", "not_a_feed", "not_html",
     "parse_crash", "parse_memory", "parse_timeout", "too_complex", "too_deep", "unasked_304"}
)  # fmt: skip
"""Causes of a MalformedError that mean: the body came, and could not be understood."""

_ROOT = re.compile(rb"<((?:[A-Za-z_][\w.-]{0,63}:)?[A-Za-z_][\w.-]{0,63})")
_EMBEDDED = re.compile(rb"<\?xml[\s?]|<rss[\s>]|<feed[\s>]|<rdf:rdf[\s>]", re.IGNORECASE)
_HTML_TITLE = re.compile(rb"<title[^<>]{0,200}>([^<]{1,300})", re.IGNORECASE)
_HEAD = 8_192
_TOO_DEEP = "depth"
_OTHER_ROOTS = {
    "html": "an HTML page", "body": "an HTML page", "head": "an HTML page", "div": "HTML",
    "opml": "an OPML outline, not a feed", "urlset": "a sitemap, not a feed",
    "sitemapindex": "a sitemap, not a feed", "svg": "an image",
}  # fmt: skip


def parse_feed(
    body: bytes,
    *,
    url: str,
    content_type: str = "",
    limits: FeedLimits = DEFAULT_LIMITS,
    now: float | None = None,
) -> Feed:
    """Return the feed in `body`: RSS 0.90 to 2.0, Atom 0.3 and 1.0, RDF, CDF or JSON Feed.

    `url` is where it was found; relative links are resolved against it. `content_type` is the
    HTTP header. With `now`, entries dated further ahead than `limits.ahead` become undated. A
    feed without entries is a feed. Raises MalformedError with one of `PARSE_CAUSES`.
    """
    feed = skim_feed(body, url=url, content_type=content_type, limits=limits, now=now)
    if feed is not None:
        return feed
    document = _open(body, content_type, limits)
    return _dated(_read_damaged(document, url, limits), limits, now)


def skim_feed(
    body: bytes,
    *,
    url: str,
    content_type: str = "",
    limits: FeedLimits = DEFAULT_LIMITS,
    now: float | None = None,
) -> Feed | None:
    """Do what `parse_feed` does for a body that is in order; None for one that needs repair.

    Takes time linear in the body, as no lenient parser is asked. Raises what `parse_feed` raises.
    """
    document = _open(body, content_type, limits)
    if document.is_json:
        return _dated(read_json(document.text, url=url, limits=limits), limits, now)
    try:
        tree = etree.fromstring(document.text, _parser(recover=False))
    except etree.XMLSyntaxError:
        return None
    feed = read_tree(tree, url=url, limits=limits)
    if feed is None or (not feed.entries and _mentions_entries(document.text)):
        return None
    return _dated(_noted(feed, document.notes), limits, now)


@dataclass(frozen=True, slots=True)
class _Document:
    text: bytes
    """UTF-8, from the root element on, with at most the wanted entries."""
    root: str
    notes: tuple[str, ...]
    entities: dict[bytes, bytes]
    is_json: bool = False


def _open(body: bytes, content_type: str, limits: FeedLimits) -> _Document:
    if len(body) > limits.max_bytes:
        raise MalformedError(f"longer than {limits.max_bytes:,} bytes", cause="too_complex")
    if is_binary(body):
        raise MalformedError("not a feed: the body is binary", cause="not_a_feed")
    text, encoding = to_utf8(body, content_type)
    notes: tuple[str, ...] = () if encoding == "utf-8" else (f"read as {encoding}",)
    head = text[:_HEAD].lstrip(b"\x00 \t\r\n")
    if head.startswith((b"{", b"[")):
        return _Document(text.lstrip(b"\x00 \t\r\n"), "", notes, {}, is_json=True)
    prolog, name = _prolog(text)
    if not knows_root(_local(name)) and _local(name) != "html":
        embedded = _EMBEDDED.search(text, 0, _HEAD)
        if embedded is not None:
            text = text[embedded.start() :]
            prolog, name = _prolog(text)
    root = _local(name)
    if not name:
        raise MalformedError(f"not a feed: {_describe(head)}", cause="not_a_feed")
    if root in _OTHER_ROOTS:
        raise MalformedError(_page(text, root), cause="not_a_feed")
    text, cut = cut_entries(_until_end(text[prolog.root :], name), limits.entries)
    if text.count(b"<") > limits.tags:
        raise MalformedError(f"more than {limits.tags:,} tags", cause="too_complex")
    notes += (cut,) if cut else ()
    return _Document(text, root, notes, dict(prolog.entities))


def _prolog(text: bytes) -> tuple[Prolog, bytes]:
    """Return what precedes the root element, and the root's name; empty without one."""
    prolog = read_prolog(text)
    found = _ROOT.match(text, prolog.root) if prolog.root >= 0 else None
    return prolog, found.group(1) if found is not None else b""


def _local(name: bytes) -> str:
    return name.decode("ascii", "replace").rpartition(":")[2].lower()


def _until_end(text: bytes, root: bytes) -> bytes:
    """Drop what servers append after the end of the document."""
    end = text.rfind(b"</" + root)
    if end == -1:
        return text
    close = text.find(b">", end)
    return text if close == -1 else text[: close + 1]


def _page(text: bytes, root: str) -> str:
    """Say what came instead of a feed, with the title that a page gives itself."""
    title = _HTML_TITLE.search(text, 0, _HEAD * 4)
    words = plain_text(title.group(1).decode("utf-8", "replace"), 80) if title else ""
    return f"{_OTHER_ROOTS[root]}: {words}" if words else _OTHER_ROOTS[root]


def _describe(head: bytes) -> str:
    if not head:
        return "the body is empty"
    return f"the body begins with {clean(head[:200].decode('utf-8', 'replace'), 60)!r}"


def _mentions_entries(text: bytes) -> bool:
    lowered = text.lower()
    return any(mark in lowered for mark in (b"<item", b"<entry", b":item", b":entry"))


def _parser(*, recover: bool) -> etree.XMLParser:
    """Return a parser that loads nothing, expands nothing and keeps libxml2's own limits."""
    return etree.XMLParser(
        encoding="utf-8",
        recover=recover,
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        collect_ids=False,
    )


def _read_damaged(document: _Document, url: str, limits: FeedLimits) -> Feed:
    """Read a document that is not well-formed, or that the walk does not understand."""
    text = repair(document.text, document.entities)
    error = ""
    try:
        tree = etree.fromstring(text, _parser(recover=False))
    except etree.XMLSyntaxError as problem:
        error = "" if _is_mild(problem) else clean(problem.msg or "", 150)
        tree = _recovered(text)
    feed = None if tree is None else read_tree(tree, url=url, limits=limits)
    if feed is not None and not error and (feed.entries or not _mentions_entries(text)):
        return _noted(feed, document.notes)
    if _TOO_DEEP in error and (feed is None or not feed.entries):
        raise MalformedError(f"nested too deeply: {error}", cause="too_deep")
    notes = (*document.notes, f"not well-formed: {error}") if error else document.notes
    if _TOO_DEEP not in error and len(text) <= limits.loose_bytes:
        feed = _fuller(feed, read_loosely(text, url=url, limits=limits))
    if feed is None or not (feed.entries or knows_root(document.root)):
        raise MalformedError(f"not a feed: its root is <{document.root}>", cause="not_a_feed")
    return _noted(feed, notes)


def _is_mild(problem: etree.XMLSyntaxError) -> bool:
    """Tell whether an undeclared namespace prefix is all that is wrong."""
    return "prefix" in str(problem) and "is not defined" in str(problem)


def _recovered(text: bytes) -> "etree._Element | None":
    try:
        return etree.fromstring(text, _parser(recover=True))
    except etree.XMLSyntaxError:
        return None


def _fuller(one: Feed | None, other: Feed | None) -> Feed | None:
    """Return the reading that found more: entries first, then titles."""
    if one is None or other is None:
        return one or other
    return other if _amount(other) > _amount(one) else one


def _amount(feed: Feed) -> tuple[int, int]:
    return len(feed.entries), sum(1 for entry in feed.entries if entry.title)


def _noted(feed: Feed, notes: tuple[str, ...]) -> Feed:
    return replace(feed, problems=(*feed.problems, *notes)) if notes else feed


def _dated(feed: Feed, limits: FeedLimits, now: float | None) -> Feed:
    """Take the date from entries that claim to come from the future."""
    if now is None:
        return feed
    latest = now + limits.ahead
    wrong = sum(1 for entry in feed.entries if (entry.published or 0.0) > latest)
    if not wrong:
        return feed
    entries = tuple(
        msgspec.structs.replace(entry, published=None)
        if (entry.published or 0.0) > latest
        else entry
        for entry in feed.entries
    )
    return _noted(replace(feed, entries=entries), (f"{wrong} entries dated in the future",))
