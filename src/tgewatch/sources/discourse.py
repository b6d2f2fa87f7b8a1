"""Discourse forums: topics as they are opened, and what the staff answers."""

from collections.abc import Sequence
from functools import partial

from tgewatch.model import SourceState
from tgewatch.parse.discourse import earliest, read_discourse
from tgewatch.ports import Fetcher, Offload, Reading
from tgewatch.settings.open_sources import place
from tgewatch.sources.network import ask, merged, origin, read, understood

LEAST = 60.0
"""Seconds: for so long a forum gives the same answer itself."""
PAGES = 3
"""Pages of up to 50 posts that are read to close a gap."""


class DiscourseReader:
    """Reads the latest posts of one forum, or of one category of it. Keeps nothing between calls."""

    def __init__(self, fetcher: Fetcher, *, offload: Offload) -> None:
        self._fetcher = fetcher
        self._offload = offload

    async def read(
        self, url: str, state: SourceState, headers: Sequence[tuple[str, str]]
    ) -> Reading:
        """Poll the forum, going back to what is known, but not far. Raises what a Fetcher raises."""
        del url
        named = place("discourse", state.url)
        base = origin(state.url) + named.get("folder", "")
        parse = partial(
            read_discourse, source=state.url, base=base, category=named.get("category", "")
        )
        target = f"{base}/posts.json"
        response = await ask(self._fetcher, target, state=state, headers=headers)
        if response.not_modified:
            return read(response, None, state=state, least=LEAST)
        body, pages = response.body, [await understood(self._offload, parse, response.body)]
        while len(pages) < PAGES:
            number, at = earliest(body)
            if not number or at is None or state.newest_at is None or at <= state.newest_at:
                break
            before = f"{target}?before={number - 1}"
            more = await ask(self._fetcher, before, state=state, headers=headers, conditional=False)
            body = more.body
            pages.append(await understood(self._offload, parse, body))
        return read(response, merged(pages), state=state, least=LEAST)
