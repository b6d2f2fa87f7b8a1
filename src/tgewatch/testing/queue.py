"""A queue that a test looks into, and that a test answers."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from tgewatch.errors import TransientError
from tgewatch.model import Backlog, Batch, Outcome, Taken


class ScriptedQueue:
    """Keeps what is sent; what is to be heard is put into `told`."""

    def __init__(self) -> None:
        self.sent: list[Batch] = []
        self.told: list[tuple[int, Outcome]] = []
        self.broken = False
        """Whether everything fails, as without a server."""
        self.holding = Backlog()
        """What `backlog` says."""
        self.first = asyncio.Event()
        """Set once anything was sent."""

    @property
    def urls(self) -> list[str]:
        """URLs of all that was sent, in order."""
        return [due.url for batch in self.sent for due in batch.due]

    def _check(self) -> None:
        if self.broken:
            raise TransientError("the shared server is gone", cause="swarm_down")

    async def send(self, batch: Batch) -> None:
        self._check()
        self.sent.append(batch)
        self.first.set()

    async def serve(
        self,
        handle: Callable[[Taken], Awaitable[None]],
        *,
        stop: asyncio.Event,
        room: Callable[[], Awaitable[None]],
    ) -> None:
        """Hand over what was sent, one after the other, and wait for `stop`."""
        for batch in self.sent:
            await room()
            await handle(Taken(batch))
        await stop.wait()

    async def tell(self, token: int, outcome: Outcome) -> None:
        self._check()
        self.told.append((token, outcome))

    async def hear(self, token: int) -> Sequence[Outcome]:
        self._check()
        heard = [outcome for one, outcome in self.told if one == token]
        self.told = [one for one in self.told if one[0] != token]
        return heard

    async def backlog(self) -> Backlog:
        self._check()
        return self.holding

    async def set_aside(self) -> Sequence[Batch]:
        return []
