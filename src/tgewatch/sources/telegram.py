"""Public channels of Telegram, as t.me shows them to the web: no key, no account."""

from collections.abc import Sequence
from functools import partial

from tgewatch.model import SourceState
from tgewatch.parse.items import Issue
from tgewatch.parse.telegram import earliest, read_telegram
from tgewatch.ports import Fetcher, Offload, Reading
from tgewatch.settings.open_sources import place
from tgewatch.sources.network import ask, merged, read, understood

LEAST = 60.0
"""Seconds between two polls of a channel: the preview is made for people."""
PAGES = 3
"""Pages of about 20 messages that are read to close a gap."""


class TelegramReader:
    """Reads the last messages of one channel. Keeps nothing between calls."""

    def __init__(self, fetcher: Fetcher, *, offload: Offload, base: str) -> None:
        self._fetcher = fetcher
        self._offload = offload
        self._base = base

    async def read(
        self, url: str, state: SourceState, headers: Sequence[tuple[str, str]]
    ) -> Reading:
        """Poll the channel, going back to what is known, but not far.

        Raises what a Fetcher raises, and MalformedError (no_text) for a channel that shows nothing
        to the web.
        """
        del url
        target = f"{self._base}/s/{place('telegram', state.url)['channel']}"
        response = await ask(self._fetcher, target, state=state, headers=headers)
        if response.not_modified:
            return read(response, None, state=state, least=LEAST)
        parse = partial(read_telegram, source=state.url)
        pages: list[Issue] = [await understood(self._offload, parse, response.body)]
        while len(pages) < PAGES:
            number, at = earliest(pages[-1])
            if not number or at is None or state.newest_at is None or at <= state.newest_at:
                break
            before = f"{target}?before={number}"
            more = await ask(self._fetcher, before, state=state, headers=headers, conditional=False)
            pages.append(await understood(self._offload, parse, more.body))
        return read(response, merged(pages), state=state, least=LEAST)
