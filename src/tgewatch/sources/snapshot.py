"""Proposals of a space on Snapshot: votes on a token come before the token."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Protocol

from tgewatch.clock import Clock
from tgewatch.errors import RefusedError, TransientError
from tgewatch.model import SourceState
from tgewatch.parse.snapshot import ask_proposals, read_proposals
from tgewatch.ports import Offload, Reading, Response
from tgewatch.rules.retry_after import retry_after
from tgewatch.settings.open_sources import place
from tgewatch.sources.network import read, understood

FIRST = 20
"""Proposals asked for."""
SPACING = 1.0
"""Seconds between two requests, of all spaces: without a key the hub allows about 60 a minute."""
PATIENCE = 15.0
"""Seconds to wait for one's turn; who would wait longer comes back."""
LEAST = 60.0
"""Seconds between two polls of a space."""
SECONDS = 20.0
"""For an answer."""
OK = 200
TOO_MANY = 429


class Answered(Protocol):
    """What came back, whatever its status."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def body(self) -> bytes: ...
    @property
    def received(self) -> float: ...
    @property
    def elapsed(self) -> float: ...
    @property
    def wire(self) -> int: ...
    @property
    def reused(self) -> bool: ...


class Caller(Protocol):
    """Sends a request with a body through the same guard as every fetch."""

    async def call(
        self,
        method: str,
        url: str,
        *,
        headers: Sequence[tuple[str, str]],
        body: bytes | None,
        seconds: float,
    ) -> Answered:
        """Return whatever status came. Raises TransientError or RefusedError when none did."""


class SnapshotReader:
    """Reads the newest proposals of one space. Spaces take turns at the hub."""

    def __init__(self, caller: Caller, *, clock: Clock, offload: Offload, base: str) -> None:
        self._caller = caller
        self._clock = clock
        self._offload = offload
        self._base = base
        self._next = 0.0
        """When the next request may start, on the monotonic clock."""

    async def read(
        self, url: str, state: SourceState, headers: Sequence[tuple[str, str]]
    ) -> Reading:
        """Poll the space.

        Raises TransientError (`busy` when its turn would come too late), RefusedError, and
        MalformedError with what the hub complains of.
        """
        del url
        space = place("snapshot", state.url)["space"]
        await self._turn()
        answer = await self._caller.call(
            "POST",
            f"{self._base}/graphql",
            headers=(("Content-Type", "application/json"), *headers),
            body=ask_proposals(space, first=FIRST),
            seconds=SECONDS,
        )
        _check(answer)
        parse = partial(read_proposals, source=state.url, space=space)
        issue = await understood(self._offload, parse, answer.body)
        response = Response(
            url=self._base,
            status=answer.status,
            headers=answer.headers,
            body=answer.body,
            received=answer.received,
            elapsed=answer.elapsed,
            reused=answer.reused,
            bytes_read=answer.wire,
        )
        return read(response, issue, state=state, least=LEAST)

    async def _turn(self) -> None:
        now = self._clock.monotonic()
        start = max(now, self._next)
        if start - now > PATIENCE:
            raise TransientError("Snapshot: no turn", retry_after=start - now, cause="busy")
        self._next = start + SPACING
        if start > now:
            await self._clock.sleep(start - now)


def _check(answer: Answered) -> None:
    """Raise what a status other than 200 stands for."""
    if answer.status == OK:
        return
    shown, cause = f"Snapshot: {answer.status}", f"http_{answer.status}"
    if answer.status == TOO_MANY or answer.status >= 500:  # noqa: PLR2004 - server errors
        wait = retry_after(answer.headers, now=answer.received)
        raise TransientError(shown, retry_after=wait, cause=cause)
    raise RefusedError(shown, cause=cause)
