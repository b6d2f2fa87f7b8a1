"""A queue between processes that goes on within this one while its server is gone."""

import asyncio
from collections.abc import Sequence

from tgewatch.errors import TransientError
from tgewatch.model import Backlog, Batch, Outcome
from tgewatch.swarm.queue import Handler, Room
from tgewatch.swarm.queue_local import LocalQueue
from tgewatch.swarm.queue_stream import StreamQueue


class EitherQueue:
    """Sends through the server, and to the worker of this process while there is none."""

    def __init__(self, shared: StreamQueue, local: LocalQueue) -> None:
        self._shared = shared
        self._local = local

    def __repr__(self) -> str:
        return f"<EitherQueue {self._shared!r} {self._local!r}>"

    async def send(self, batch: Batch) -> None:
        """Let a worker have it: any, or the one that is here."""
        try:
            await self._shared.send(batch)
        except TransientError:
            await self._local.send(batch)

    async def serve(self, handle: Handler, *, stop: asyncio.Event, room: Room) -> None:
        """Take batches from both."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._shared.serve(handle, stop=stop, room=room))
            group.create_task(self._local.serve(handle, stop=stop, room=room))

    async def tell(self, token: int, outcome: Outcome) -> None:
        """Send word through the server; without it, to the scheduler that is here."""
        try:
            await self._shared.tell(token, outcome)
        except TransientError:
            await self._local.tell(token, outcome)

    async def hear(self, token: int) -> Sequence[Outcome]:
        """Return what was told either way."""
        here = await self._local.hear(token)
        try:
            return [*here, *await self._shared.hear(token)]
        except TransientError:
            return here

    async def backlog(self) -> Backlog:
        """Return the sum of both. Raises TransientError while the server is gone."""
        here, there = await self._local.backlog(), await self._shared.backlog()
        return Backlog(
            here.waiting + there.waiting, here.held + there.held, here.aside + there.aside
        )

    async def set_aside(self) -> Sequence[Batch]:
        """Return what either has set aside."""
        return [*await self._shared.set_aside(), *await self._local.set_aside()]
