"""RSS 0.90 to 2.0, Atom 0.3 and 1.0, RDF and CDF, read from a well-formed tree in one walk."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import TypeAlias

from lxml import etree

from tgewatch.parse.entry import Entry, Feed, FeedLimits
from tgewatch.parse.links import web_link
from tgewatch.parse.text import plain_text, shorten
from tgewatch.parse.timestamps import parse_timestamp

Element: TypeAlias = etree._Element  # noqa: SLF001 - the element has no public name

_CORE = {
    "title": "title", "link": "link", "guid": "guid", "id": "guid",
    "description": "summary", "summary": "summary", "abstract": "summary",
    "content": "content", "fullitem": "content",
    "pubdate": "published", "published": "published", "issued": "published", "date": "published",
    "updated": "updated", "modified": "updated", "lastmod": "updated", "lastbuilddate": "updated",
    "author": "author",
}  # fmt: skip
_ATOM_LINK = "atom_link"
_FIELDS: Mapping[str, Mapping[str, str]] = {
    "": _CORE,
    "http://www.w3.org/2005/Atom": {**_CORE, "link": _ATOM_LINK},
    "https://www.w3.org/2005/Atom": {**_CORE, "link": _ATOM_LINK},
    "http://purl.org/atom/ns#": {**_CORE, "link": _ATOM_LINK},
    "http://purl.org/rss/1.0/": _CORE,
    "http://purl.org/net/rss1.1#": _CORE,
    "http://my.netscape.com/rdf/simple/0.9/": _CORE,
    "http://channel.netscape.com/rdf/simple/0.9/": _CORE,
    "http://backend.userland.com/rss2": _CORE,
    "http://blogs.law.harvard.edu/tech/rss": _CORE,
    "http://purl.org/dc/elements/1.1/": {
        "title": "other_title", "description": "other_summary", "date": "updated",
        "creator": "author", "identifier": "other_guid",
    },
    "http://purl.org/dc/terms/": {
        "abstract": "other_summary", "created": "published", "issued": "published",
        "modified": "updated",
    },
    "http://purl.org/rss/1.0/modules/content/": {"encoded": "content"},
    "http://www.w3.org/1999/xhtml": {"body": "content", "div": "content"},
    "http://search.yahoo.com/mrss/": {
        "title": "other_title", "description": "other_summary", "group": "media",
        "content": "media",
    },
    "http://www.itunes.com/dtds/podcast-1.0.dtd": {
        "title": "other_title", "summary": "other_summary", "author": "other_author",
    },
    "http://rssnamespace.org/feedburner/ext/1.0": {"origlink": "origin"},
}  # fmt: skip
_PREFIXES = {
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "media": "http://search.yahoo.com/mrss/",
    "itunes": "http://www.itunes.com/dtds/podcast-1.0.dtd",
    "atom": "http://www.w3.org/2005/Atom",
    "feedburner": "http://rssnamespace.org/feedburner/ext/1.0",
    "rss": "",
}
"""What publishers mean by a prefix that they forgot to declare."""
_RDF_ABOUT = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}about"
_SYNDICATION = "{http://purl.org/rss/1.0/modules/syndication/}"
_PERIODS = {
    "hourly": 3_600.0, "daily": 86_400.0, "weekly": 604_800.0, "monthly": 2_592_000.0,
    "yearly": 31_536_000.0,
}  # fmt: skip
_LONGEST_HINT = 31_536_000.0
_ITEMS = frozenset({"item", "entry"})
_ROOTS = frozenset({"rss", "rdf", "feed", "channel"})
_SIDE = frozenset({"self", "edit", "enclosure", "replies", "hub", "via", "next", "prev", "license"})


def knows_root(name: str) -> bool:
    """Tell whether a document whose root has this local name can be a feed of this module."""
    return name.lower() in _ROOTS


def read_tree(root: Element, *, url: str, limits: FeedLimits) -> Feed | None:
    """Return the feed that `root` holds; None when its root is not a feed's.

    Reads at most `limits.entries` entries. Never resolves anything outside the document.
    """
    kind = _local(root.tag)
    if kind not in _ROOTS:
        return None
    reader = _Reader(url=url, limits=limits, names={})
    channel = root
    if kind in ("rss", "rdf"):
        channel = next((child for child in root if _local(child.tag) == "channel"), root)
    items = islice(_items(root, channel), limits.entries)
    entries = tuple(reader.entry(item) for item in items)
    return reader.feed(channel, entries, _format(root, kind))


def _items(root: Element, channel: Element) -> Iterable[Element]:
    found = [child for child in channel if _local(child.tag) in _ITEMS]
    if channel is not root:
        found += [child for child in root if _local(child.tag) in _ITEMS]
    return found or _items_anywhere(root)


def _items_anywhere(root: Element) -> Iterator[Element]:
    for element in root.iter():
        if _local(element.tag) in _ITEMS:
            parent = element.getparent()
            if parent is not None and _local(parent.tag) not in _ITEMS:
                yield element


def _local(tag: object) -> str:
    """Return the name without namespace or prefix, in lower case; empty for a comment."""
    if not isinstance(tag, str):
        return ""
    return tag.rpartition("}")[2].rpartition(":")[2].lower()


def _field(tag: object) -> str:
    """Return which field of an entry an element fills; empty for none."""
    if not isinstance(tag, str):
        return ""
    if tag[0] == "{":
        namespace, _, name = tag[1:].partition("}")
    else:
        prefix, _, name = tag.rpartition(":")
        namespace = _PREFIXES.get(prefix.lower(), "?") if prefix else ""
    return _FIELDS.get(namespace, {}).get(name.lower(), "")


def _markup(element: Element) -> str:
    """Return the text of an element, with its child elements as mark-up."""
    if len(element) == 0:
        return element.text or ""
    return etree.tostring(element, encoding="unicode", with_tail=False)


@dataclass(frozen=True, slots=True)
class _Reader:
    url: str
    limits: FeedLimits
    names: dict[str, str]
    """Fields by tag, as far as this document has needed them."""

    def entry(self, item: Element) -> Entry:
        first: dict[str, Element] = {}
        links: list[Element] = []
        names = self.names
        for child in item:
            tag = child.tag
            try:
                name = names[tag]
            except (KeyError, TypeError):
                name = _field(tag)
                if isinstance(tag, str):
                    names[tag] = name
            if not name:
                continue
            if name == _ATOM_LINK:
                links.append(child)
            elif name not in first or not _has_text(first[name]):
                first[name] = child
        summary, content = self._texts(first)
        return Entry(
            id=self._id(item, first),
            url=self._link(item, first, links),
            title=self._plain(first, ("title", "other_title"), self.limits.title),
            summary=summary,
            content=content,
            published=_published(item, first),
            author=self._author(first),
        )

    def _plain(self, first: Mapping[str, Element], names: Iterable[str], limit: int) -> str:
        for name in names:
            element = first.get(name)
            if element is not None and (text := plain_text(_markup(element), limit)):
                return text
        return ""

    def _texts(self, first: Mapping[str, Element]) -> tuple[str, str]:
        limit, most = self.limits.summary, self.limits.content
        content = self._plain(first, ("content",), most)
        summary = self._plain(first, ("summary", "other_summary"), limit if content else most)
        if not summary and not content and "media" in first:
            summary = self._plain(_media(first["media"]), ("other_summary",), most)
        whole = content or summary
        short = shorten(summary or content, limit)
        return short, "" if whole == short else whole

    def _id(self, item: Element, first: Mapping[str, Element]) -> str:
        for name in ("guid", "other_guid"):
            if name in first and (text := (first[name].text or "").strip()):
                return text[:_LONGEST_ID]
        return (item.get(_RDF_ABOUT) or "").strip()[:_LONGEST_ID]

    def _link(self, item: Element, first: Mapping[str, Element], links: list[Element]) -> str:
        for element, href in _candidates(item, first, links):
            if link := web_link(href, self.url if href[:4] == "http" else self._base(element)):
                return link
        return ""

    def _base(self, element: Element) -> str:
        return web_link(element.base or "", self.url) or self.url

    def _author(self, first: Mapping[str, Element]) -> str:
        for name in ("author", "other_author"):
            element = first.get(name)
            if element is None:
                continue
            named = next((child for child in element if _local(child.tag) == "name"), element)
            if text := plain_text(named.text or "", 200):
                return text
        return ""

    def feed(self, channel: Element, entries: tuple[Entry, ...], form: str) -> Feed:
        first: dict[str, Element] = {}
        hubs: list[str] = []
        site = self_url = ""
        for child in channel:
            name = _local(child.tag)
            if name in _ITEMS or not name:
                continue
            if name == "link" and (rel := child.get("rel", "")) in ("hub", "self"):
                link = web_link(child.get("href", ""), self.url)
                if rel == "self":
                    self_url = self_url or link
                elif link and len(hubs) < _MOST_HUBS:
                    hubs.append(link)
            elif name == "link" and not site and child.get("rel", "alternate") == "alternate":
                site = web_link(child.get("href") or child.text or "", self._base(child))
            first.setdefault(_field(child.tag) or child.tag, child)
        return Feed(
            title=self._plain(first, ("title", "other_title"), self.limits.title),
            format=form,
            parser="lxml",
            entries=entries,
            url=site,
            hints=_hints(first),
            hubs=tuple(hubs),
            self_url=self_url,
        )


_LONGEST_ID = 4_096
_MOST_HUBS = 5


def _has_text(element: Element) -> bool:
    return len(element) > 0 or bool(element.text and not element.text.isspace())


def _media(group: Element) -> dict[str, Element]:
    """Return the fields below a media:group or media:content, the first of each."""
    found: dict[str, Element] = {}
    for element in islice(group.iter(), 100):
        if name := _field(element.tag):
            found.setdefault(name, element)
    return found


def _published(item: Element, first: Mapping[str, Element]) -> float | None:
    for name in ("published", "updated"):
        element = first.get(name)
        if element is not None and element.text:
            moment = parse_timestamp(element.text)
            if moment is not None:
                return moment
    stamp = item.get("LASTMOD") or item.get("lastmod")
    return parse_timestamp(stamp) if stamp else None


def _candidates(
    item: Element, first: Mapping[str, Element], links: list[Element]
) -> Iterator[tuple[Element, str]]:
    """Yield what may be the entry's address, the likeliest first."""
    if "origin" in first:
        yield first["origin"], (first["origin"].text or "").strip()
    if "link" in first:
        link = first["link"]
        yield link, (link.text or link.get("href") or "").strip()
    ranked = sorted(links, key=_rank) if len(links) > 1 else links
    for link in ranked:
        if _rank(link) < _LAST_RANK:
            yield link, link.get("href", "").strip()
    guid = first.get("guid")
    if guid is not None and (guid.text or "").lstrip()[:4].lower() == "http":
        yield guid, (guid.text or "").strip()
    for name in ("HREF", "href", _RDF_ABOUT):
        if href := item.get(name):
            yield item, href.strip()
    if guid is not None and guid.text and guid.get("isPermaLink", "").lower() == "true":
        yield guid, guid.text.strip()


_LAST_RANK = 3


def _rank(link: Element) -> int:
    relation = link.get("rel", "alternate").lower()
    if relation == "alternate":
        return 0 if "html" in link.get("type", "text/html") else 1
    return _LAST_RANK if relation in _SIDE else 2


def _hints(first: Mapping[str, Element]) -> dict[str, float]:
    hints = {}
    minutes = _number(first.get("ttl"))
    if minutes:
        hints["ttl"] = minutes * 60
    period = first.get(f"{_SYNDICATION}updatePeriod")
    seconds = _PERIODS.get((period.text or "").strip().lower(), 0.0) if period is not None else 0.0
    if seconds:
        frequency = _number(first.get(f"{_SYNDICATION}updateFrequency")) or 1.0
        hints["updatePeriod"] = seconds / frequency
    return {name: value for name, value in hints.items() if 0 < value <= _LONGEST_HINT}


def _number(element: Element | None) -> float:
    """Return a whole number up to six digits; 0 for anything else."""
    text = (element.text or "").strip() if element is not None else ""
    return float(text) if text.isascii() and text.isdigit() and len(text) <= len("999999") else 0.0


def _format(root: Element, kind: str) -> str:
    if kind == "rss":
        version = (root.get("version") or "").strip()[:8]
        return f"rss {version}".strip()
    if kind == "feed":
        namespace = root.tag.partition("}")[0]
        return "atom 0.3" if namespace.endswith("atom/ns#") else "atom 1.0"
    return "rdf" if kind == "rdf" else "cdf"
