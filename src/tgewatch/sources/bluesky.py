"""Author feeds of Bluesky: no key, no account."""

from collections.abc import Sequence
from functools import partial
from urllib.parse import quote

from tgewatch.model import SourceState
from tgewatch.parse.bluesky import read_bluesky
from tgewatch.ports import Fetcher, Offload, Reading
from tgewatch.settings.open_sources import place
from tgewatch.sources.network import poll

PAGE = 50
"""Posts asked for; the interface gives up to 100."""


class BlueskyReader:
    """Reads what one account has posted, newest first. Keeps nothing between calls."""

    def __init__(self, fetcher: Fetcher, *, offload: Offload, base: str) -> None:
        self._fetcher = fetcher
        self._offload = offload
        self._base = base

    async def read(
        self, url: str, state: SourceState, headers: Sequence[tuple[str, str]]
    ) -> Reading:
        """Poll the account. Raises what a Fetcher raises; RefusedError for one that is not there."""
        del url
        actor = quote(place("bluesky", state.url)["actor"], safe="")
        target = (
            f"{self._base}/xrpc/app.bsky.feed.getAuthorFeed"
            f"?actor={actor}&limit={PAGE}&filter=posts_and_author_threads"
        )
        parse = partial(read_bluesky, source=state.url)
        return await poll(self._fetcher, self._offload, target, parse, state=state, headers=headers)
