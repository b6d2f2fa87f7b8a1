"""From a feed's entries to the items of a source."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from tgewatch.model import Item
from tgewatch.parse.entry import DEFAULT_LIMITS, Entry, Feed, FeedLimits
from tgewatch.parse.feed import parse_feed, skim_feed
from tgewatch.parse.text import shorten

_HEADLINE = 120
"""Characters of an entry without a title that stand for one."""


@dataclass(frozen=True, slots=True)
class Issue:
    """What one body of a feed brought."""

    items: tuple[Item, ...]
    problems: tuple[str, ...] = ()
    hints: Mapping[str, float] = field(default_factory=dict)
    title: str = ""
    """Of the feed."""


def read_items(
    body: bytes,
    *,
    source: str,
    url: str,
    content_type: str = "",
    now: float | None = None,
    limits: FeedLimits = DEFAULT_LIMITS,
) -> Issue:
    """Return the items in `body`, which came from `url` and belongs to `source`.

    Raises what `parse_feed` raises.
    """
    feed = parse_feed(body, url=url, content_type=content_type, limits=limits, now=now)
    return make_items(feed, source=source, url=url)


def skim_items(
    body: bytes,
    *,
    source: str,
    url: str,
    content_type: str = "",
    now: float | None = None,
    limits: FeedLimits = DEFAULT_LIMITS,
) -> Issue | None:
    """Do what `read_items` does for a body that is in order; None for one that needs repair."""
    feed = skim_feed(body, url=url, content_type=content_type, limits=limits, now=now)
    return None if feed is None else make_items(feed, source=source, url=url)


def make_items(feed: Feed, *, source: str, url: str) -> Issue:
    """Return one item for each entry that says something, in the order of the feed.

    An entry that comes twice is one item, the first with what only the others know. An id that
    a publisher gives to entries with different addresses identifies none of them. An entry
    without a link gets the site's, or else the feed's own.
    """
    fallback = feed.url or url
    shared = _shared_ids(feed.entries)
    items: dict[str, Item] = {}
    empty = repeated = 0
    for entry in feed.entries:
        title = entry.title or shorten(entry.summary, _HEADLINE)
        if not title:
            empty += 1
            continue
        key = _key(entry, shared)
        item = Item(
            source=source,
            key=key,
            url=entry.url or fallback,
            title=title,
            summary=entry.summary,
            content=entry.content,
            published=entry.published,
            author=entry.author,
        )
        known = items.get(key)
        repeated += known is not None
        items[key] = item if known is None else _merged(known, item)
    notes = [f"{empty} entries without text"] if empty else []
    notes += [f"{repeated} entries repeated"] if repeated else []
    return Issue(tuple(items.values()), (*feed.problems, *notes), feed.hints, feed.title)


def _key(entry: Entry, shared: frozenset[str]) -> str:
    if entry.id and entry.id not in shared:
        identity = entry.id
    else:
        identity = f"{entry.id}{entry.url}\n{entry.title or entry.summary}"
    return sha256(identity.encode("utf-8", "replace")).hexdigest()


def _shared_ids(entries: tuple[Entry, ...]) -> frozenset[str]:
    """Return the ids that stand for several articles: several addresses and several titles."""
    times = Counter(entry.id for entry in entries if entry.id)
    repeated = {identity for identity, number in times.items() if number > 1}
    if not repeated:
        return frozenset()
    urls: defaultdict[str, set[str]] = defaultdict(set)
    titles: defaultdict[str, set[str]] = defaultdict(set)
    for entry in entries:
        if entry.id in repeated:
            urls[entry.id].add(entry.url)
            titles[entry.id].add(entry.title)
    return frozenset(one for one in repeated if len(urls[one]) > 1 and len(titles[one]) > 1)


def _merged(one: Item, other: Item) -> Item:
    return Item(
        source=one.source,
        key=one.key,
        url=one.url,
        title=one.title,
        summary=one.summary or other.summary,
        content=one.content or other.content,
        published=other.published if one.published is None else one.published,
        author=one.author or other.author,
    )
