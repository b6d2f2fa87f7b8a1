"""Pages without a feed: an item for each version whose text differs."""

from collections.abc import Sequence
from functools import partial
from hashlib import sha256

import xxhash

from tgewatch.errors import MalformedError
from tgewatch.model import Item, SourceState
from tgewatch.parse.article import DEFAULT_LIMITS, Article, ArticleLimits, parse_article
from tgewatch.parse.items import Issue
from tgewatch.parse.text import clean, shorten
from tgewatch.ports import Fetcher, Offload, Reading
from tgewatch.sources.feed import fetch_conditionally, reading_of

_LEAST = 20
"""Characters; a page with less says nothing that could be watched."""
_SUMMARY = 4_000


class PageReader:
    """Watches the main text of a page. Knows that it changed, not what in it did.

    What surrounds the text (menus, counters, advertisements, scripts, mark-up) may change without
    notice. The text of the page decides, so `Reading.body_hash` is of that, not of the body.
    """

    def __init__(
        self,
        fetcher: Fetcher,
        *,
        offload: Offload,
        limits: ArticleLimits = DEFAULT_LIMITS,
        deadline: float = 15.0,
    ) -> None:
        self._fetcher = fetcher
        self._offload = offload
        self._limits = limits
        self._deadline = deadline

    async def read(
        self, url: str, state: SourceState, headers: Sequence[tuple[str, str]]
    ) -> Reading:
        """Poll the page. Raises what a Fetcher raises, and MalformedError for what is no page.

        A page whose text cannot be had without running its scripts raises MalformedError (no_text).
        """
        response = await fetch_conditionally(self._fetcher, "default", url, state, headers)
        if response.not_modified:
            return reading_of(response, body_hash=state.body_hash, unchanged=True)
        read = partial(
            parse_article,
            url=response.url,
            content_type=response.headers.get("content-type", ""),
            limits=self._limits,
        )
        article = await self._offload.run(read, response.body, deadline=self._deadline)
        text = clean(article.text, self._limits.text)
        if len(text) < _LEAST:
            raise MalformedError("the page has hardly any text", cause="no_text")
        text_hash = xxhash.xxh3_64_hexdigest(text.encode())
        if text_hash == state.body_hash:
            return reading_of(response, body_hash=text_hash, unchanged=True)
        item = _version(article, text, state.url, response.url)
        return reading_of(response, body_hash=text_hash, issue=Issue((item,)))


def _version(article: Article, text: str, source: str, url: str) -> Item:
    """Return this version of the page as an item; undated, as a page's date is its first one."""
    summary = shorten(text, _SUMMARY)
    return Item(
        source=source,
        key=sha256(f"{source}\n{sha256(text.encode()).hexdigest()}".encode()).hexdigest(),
        url=url,
        title=article.title or shorten(text, 120),
        summary=summary,
        content="" if summary == text else text,
        kind="page",
    )
