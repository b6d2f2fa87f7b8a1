"""A feed, understood: values that every format is turned into."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One entry as published. Text is plain and bounded.

    A msgspec struct: a feed of 50 makes 50, and each costs a fifth of a frozen dataclass.
    """

    id: str
    """The publisher's id, as it stands; empty without one."""
    url: str
    """Absolute http(s) URL; empty without one."""
    title: str
    summary: str = ""
    """The publisher's summary, or the beginning of the text where the feed has only that."""
    content: str = ""
    """Full text; empty when the summary holds all of it."""
    published: float | None = None
    author: str = ""


@dataclass(frozen=True, slots=True)
class FeedLimits:
    """Bounds that hold before and during parsing."""

    max_bytes: int = 32_000_000
    """Of the decoded body."""
    entries: int = 1_000
    tags: int = 500_000
    """Opening and closing tags of a document, or brackets and commas of a JSON feed."""
    title: int = 500
    """Characters."""
    summary: int = 4_000
    """Characters."""
    content: int = 50_000
    """Characters."""
    loose_bytes: int = 4_000_000
    """Bodies beyond this are not given to the slow, lenient parser."""
    ahead: float = 86_400.0
    """Seconds that a publication time may lie in the future and still be believed."""


DEFAULT_LIMITS = FeedLimits()


@dataclass(frozen=True, slots=True)
class Feed:
    """What one body held."""

    title: str
    format: str
    """rss, atom, rdf, cdf or json, with the version where it is stated: `rss 2.0`."""
    parser: str
    """lxml, feedparser or json."""
    entries: tuple[Entry, ...]
    url: str = ""
    """The site that the feed belongs to; empty when it does not say."""
    problems: tuple[str, ...] = ()
    """What had to be overlooked to read it."""
    hints: Mapping[str, float] = field(default_factory=dict)
    """Seconds between polls that the publisher suggests: ttl, updatePeriod."""
    hubs: tuple[str, ...] = ()
    """WebSub hubs."""
    self_url: str = ""
    """Where the feed says that it lives; the topic to subscribe to."""
