"""Accounts on Mastodon and on servers that speak its language."""

from collections.abc import Sequence
from functools import partial
from urllib.parse import quote, urlsplit

from tgewatch.errors import RefusedError
from tgewatch.model import SourceState
from tgewatch.parse.mastodon import read_account, read_mastodon
from tgewatch.ports import Fetcher, Offload, Reading
from tgewatch.settings.open_sources import place
from tgewatch.sources.network import ask, origin, poll

PAGE = 40
"""Statuses asked for: as many as the interface gives."""
KNOWN = 10_000
"""Accounts whose ids are remembered."""


class MastodonReader:
    """Reads what one account has written itself, newest first.

    Remembers the id that a name stands for; it is looked up again when it is gone.
    """

    def __init__(self, fetcher: Fetcher, *, offload: Offload) -> None:
        self._fetcher = fetcher
        self._offload = offload
        self._ids: dict[str, str] = {}

    async def read(
        self, url: str, state: SourceState, headers: Sequence[tuple[str, str]]
    ) -> Reading:
        """Poll the account. Raises what a Fetcher raises; RefusedError for one that is not there."""
        del url
        server = origin(state.url)
        identity = self._ids.get(state.url) or await self._looked_up(server, state, headers)
        target = (
            f"{server}/api/v1/accounts/{identity}/statuses"
            f"?limit={PAGE}&exclude_replies=true&exclude_reblogs=true"
        )
        host = urlsplit(state.url).hostname or ""
        parse = partial(read_mastodon, source=state.url, host=host)
        try:
            return await poll(
                self._fetcher, self._offload, target, parse, state=state, headers=headers
            )
        except RefusedError:
            self._ids.pop(state.url, None)
            raise

    async def _looked_up(
        self, server: str, state: SourceState, headers: Sequence[tuple[str, str]]
    ) -> str:
        name = quote(place("mastodon", state.url)["account"], safe="")
        target = f"{server}/api/v1/accounts/lookup?acct={name}"
        answer = await ask(self._fetcher, target, state=state, headers=headers, conditional=False)
        if len(self._ids) >= KNOWN:
            self._ids.clear()
        found = self._ids[state.url] = read_account(answer.body)
        return found
