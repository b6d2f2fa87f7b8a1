"""Articles read ahead of their use: what that brought and what it cost.

An article is read at detection, before anybody asks for it. It was of use when its item makes or
confirms a claim; its first use is the delivery of a message that links to it.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import TypeVar

from tgewatch.clock import Clock
from tgewatch.metrics.recorder import Recorder, share
from tgewatch.metrics.timed import PassingStore
from tgewatch.model import Judged, Notice, Poll, Source, Stored
from tgewatch.ports import Channel, Fetcher, Request, Response, Store

T = TypeVar("T")

REMEMBERED = 10_000
"""Articles whose use is waited for, and messages' links."""


class Ahead:
    """Follows articles from their being fetched to their use, in bounded memory."""

    def __init__(self, recorder: Recorder, *, clock: Clock) -> None:
        self._recorder = recorder
        self._clock = clock
        self._bytes: OrderedDict[str, int] = OrderedDict()
        self._ready: OrderedDict[str, float] = OrderedDict()
        self._told: OrderedDict[str, None] = OrderedDict()

    def __repr__(self) -> str:
        return f"<Ahead {len(self._ready)} articles ready>"

    def came(self, url: str, size: int) -> None:
        """Note that an article came over the network."""
        _put(self._bytes, url, size)

    def found(self, judged: Judged) -> None:
        """Count an item whose article is not read: one of use, if it made a claim."""
        if judged.article_retry_at is None and judged.claim is not None:
            self._recorder.count("used_items")

    def judged(self, judged: Judged) -> None:
        """Count an item that was judged with its article, or given up."""
        self.found(judged)
        if judged.article != "fetched":
            return
        url, used = judged.item.url, judged.claim is not None
        size = self._bytes.pop(url, 0)
        self._recorder.count("articles_read")
        self._recorder.count("articles_used", int(used))
        self._recorder.count("article_bytes", size)
        self._recorder.count("article_bytes_wasted", 0 if used else size)
        if not used:
            return
        if url in self._told:
            del self._told[url]
            self._recorder.count("articles_late")
        else:
            _put(self._ready, url, self._clock.monotonic())

    def told(self, notice: Notice) -> None:
        """Note that a message was delivered; it is the first use of the articles it links to."""
        for link in notice.links:
            ready = self._ready.pop(link.url, None)
            if ready is None:
                _put(self._told, link.url, None)
            else:
                self._recorder.observe("lead", self._clock.monotonic() - ready, "article")

    # --- where it listens -----------------------------------------------------------------

    def fetcher(self, fetcher: Fetcher) -> Fetcher:
        return _Fetcher(fetcher, self)

    def store(self, store: Store) -> Store:
        return _Store(store, self)

    def channel(self, channel: Channel) -> Channel:
        return _Channel(channel, self)


class _Fetcher:
    def __init__(self, fetcher: Fetcher, ahead: Ahead) -> None:
        self._fetcher = fetcher
        self._ahead = ahead

    async def fetch(self, request: Request) -> Response:
        response = await self._fetcher.fetch(request)
        if request.pool == "article":
            self._ahead.came(request.url, response.bytes_read)
        return response


class _Store(PassingStore):
    def __init__(self, store: Store, ahead: Ahead) -> None:
        super().__init__(store)
        self._ahead = ahead

    async def commit_poll(self, poll: Poll) -> Stored:
        stored = await super().commit_poll(poll)
        for one in poll.judged:
            self._ahead.found(one)
        return stored

    async def commit_rejudged(
        self, source: Source, judged: Sequence[Judged], *, at: float
    ) -> Stored:
        stored = await super().commit_rejudged(source, judged, at=at)
        for one in judged:
            self._ahead.judged(one)
        return stored


class _Channel:
    def __init__(self, channel: Channel, ahead: Ahead) -> None:
        self._channel = channel
        self._ahead = ahead
        self.name = channel.name

    async def send(self, notice: Notice, *, key: str) -> None:
        await self._channel.send(notice, key=key)
        self._ahead.told(notice)


def worth(counts: Mapping[str, int]) -> Mapping[str, float | None]:
    """Return what articles read at detection were worth; None where there is nothing to say.

    `precision` is the used share of those read, `recall` the read share of the used items,
    `late` the share of those used that came after a message that links to them, and `wasted` the
    share of the bytes that was for articles without use.
    """
    read, used = counts.get("articles_read", 0), counts.get("articles_used", 0)
    items, late = counts.get("used_items", 0), counts.get("articles_late", 0)
    size, wasted = counts.get("article_bytes", 0), counts.get("article_bytes_wasted", 0)
    return {
        "precision": share(used, read - used),
        "recall": share(used, items - used),
        "late": share(late, used - late),
        "wasted": share(wasted, size - wasted),
    }


def _put(known: OrderedDict[str, T], url: str, value: T) -> None:
    known[url] = value
    known.move_to_end(url)
    if len(known) > REMEMBERED:
        known.popitem(last=False)
