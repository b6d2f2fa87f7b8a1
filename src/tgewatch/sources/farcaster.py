"""Accounts on Farcaster, read from a node of one's own or a hosted one."""

from collections.abc import Sequence
from functools import partial
from urllib.parse import quote

from tgewatch.errors import RefusedError
from tgewatch.model import SourceState
from tgewatch.parse.farcaster import read_farcaster, read_fid
from tgewatch.ports import Fetcher, Offload, Reading
from tgewatch.settings.open_sources import place
from tgewatch.sources.network import ask, poll

PAGE = 50
KNOWN = 10_000
"""Accounts whose numbers are remembered."""


class FarcasterReader:
    """Reads the casts of one account, newest first, answers to others left out.

    Remembers the number that a name stands for, until the program ends: names change hands rarely.
    """

    def __init__(self, fetcher: Fetcher, *, offload: Offload, hub: str) -> None:
        self._fetcher = fetcher
        self._offload = offload
        self._hub = hub
        self._fids: dict[str, str] = {}

    async def read(
        self, url: str, state: SourceState, headers: Sequence[tuple[str, str]]
    ) -> Reading:
        """Poll the account. Raises what a Fetcher raises; RefusedError (no_hub) without a node."""
        del url
        if not self._hub:
            raise RefusedError("no farcaster_hub is set in [open_sources]", cause="no_hub")
        account = place("farcaster", state.url)
        fid = account.get("fid") or self._fids.get(state.url)
        if fid is None:
            fid = await self._looked_up(account["name"], state, headers)
        target = f"{self._hub}/v1/castsByFid?fid={fid}&pageSize={PAGE}&reverse=true"
        name = account.get("name") or f"~/profiles/{fid}"
        parse = partial(read_farcaster, source=state.url, name=name)
        return await poll(self._fetcher, self._offload, target, parse, state=state, headers=headers)

    async def _looked_up(
        self, name: str, state: SourceState, headers: Sequence[tuple[str, str]]
    ) -> str:
        target = f"{self._hub}/v1/userNameProofByName?name={quote(name, safe='')}"
        answer = await ask(self._fetcher, target, state=state, headers=headers, conditional=False)
        if len(self._fids) >= KNOWN:
            self._fids.clear()
        found = self._fids[state.url] = read_fid(answer.body)
        return found
