"""Author feeds of Bluesky (lexicon app.bsky.feed.getAuthorFeed)."""

from collections.abc import Iterator, Mapping
from typing import Any

from tgewatch.model import Item
from tgewatch.parse.items import Issue
from tgewatch.parse.posted import (
    listed,
    make_post,
    object_at,
    once,
    read_document,
    text_at,
    time_at,
    with_links,
)
from tgewatch.parse.text import clean


def read_bluesky(body: bytes, *, source: str) -> Issue:
    """Return the author's own posts, threads with themselves included; reposts are not theirs.

    Raises MalformedError.
    """
    feed = listed(read_document(body), "feed")
    own = [object_at(entry, "post") for entry in feed if not entry.get("reason")]
    title = next((name for post in own if (name := text_at(post, "author", "displayName"))), "")
    return Issue(once(_item(post, source) for post in own), title=clean(title, 200))


def _item(post: Mapping[str, Any], source: str) -> Item | None:
    uri, handle = text_at(post, "uri"), text_at(post, "author", "handle")
    key = uri.rpartition("/")[2]
    record = object_at(post, "record")
    # What the author's program says of the time, but never later than when it was first seen.
    times = [at for at in (time_at(record, "createdAt"), time_at(post, "indexedAt")) if at]
    return make_post(
        source=source,
        identity=uri,
        url=f"https://bsky.app/profile/{handle or text_at(post, 'author', 'did')}/post/{key}",
        text=with_links(text_at(record, "text"), _links(record)),
        published=min(times) if times else None,
        author=handle,
    )


def _links(record: Mapping[str, Any]) -> Iterator[str]:
    """Yield links in full: the text shows them cut."""
    facets = record.get("facets")
    for facet in facets[:20] if isinstance(facets, list) else ():
        features = facet.get("features") if isinstance(facet, dict) else None
        for feature in features[:5] if isinstance(features, list) else ():
            yield text_at(feature, "uri")
    yield text_at(record, "embed", "external", "uri")
