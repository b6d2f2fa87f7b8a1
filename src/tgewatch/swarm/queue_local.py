"""The queue of one process."""

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncGenerator, Sequence

from taskiq import AckableMessage
from taskiq.message import BrokerMessage

from tgewatch.errors import TransientError
from tgewatch.model import Backlog, Batch, Outcome
from tgewatch.swarm.queue import SHOWN, BatchBroker, read_batch

PLACES = 4_096
"""Batches that may wait."""
OUTCOMES = 10_000
"""Outcomes that are kept for a scheduler that does not ask."""


class LocalQueue(BatchBroker):
    """A queue in memory, bounded: what is in it goes with the process.

    taskiq's own InMemoryBroker runs each message in the moment it is sent, without bound.
    """

    def __init__(self, *, grace: float = 10.0) -> None:
        super().__init__(grace=grace)
        self._waiting: asyncio.Queue[BrokerMessage] = asyncio.Queue(PLACES)
        self._held: dict[str, BrokerMessage] = {}
        self._times: dict[str, int] = {}
        self._aside: deque[BrokerMessage] = deque(maxlen=SHOWN)
        self._told: defaultdict[int, deque[Outcome]] = defaultdict(lambda: deque(maxlen=OUTCOMES))

    async def kick(self, message: BrokerMessage) -> None:
        """Put a message in line. Raises TransientError when the line is full."""
        try:
            self._waiting.put_nowait(message)
        except asyncio.QueueFull:
            raise TransientError("too many batches wait", cause="queue_full") from None

    async def listen(self) -> AsyncGenerator[bytes | AckableMessage, None]:
        """Yield messages, each when there is room."""
        while True:
            await self.room()
            message = await self._waiting.get()
            batch = message.task_id
            self._held[batch] = message
            self._times[batch] = self._times.get(batch, 0) + 1
            yield message.message

    def times(self, batch: str) -> int:
        return self._times.get(batch, 1)

    async def done(self, batch: str) -> None:
        self._held.pop(batch, None)
        self._times.pop(batch, None)

    async def give_back(self, batches: Sequence[str]) -> None:
        """Put these in line again; without any named, all that are held."""
        for batch in batches or tuple(self._held):
            if (message := self._held.pop(batch, None)) is not None:
                await self.kick(message)

    async def put_aside(self, batch: str) -> None:
        if (message := self._held.pop(batch, None)) is not None:
            self._aside.append(message)
            self._times.pop(batch, None)

    async def tell(self, token: int, outcome: Outcome) -> None:
        self._told[token].append(outcome)

    async def hear(self, token: int) -> Sequence[Outcome]:
        return tuple(self._told.pop(token, ()))

    async def backlog(self) -> Backlog:
        return Backlog(self._waiting.qsize(), len(self._held), len(self._aside))

    async def set_aside(self) -> Sequence[Batch]:
        return [self._batch(message) for message in self._aside]

    def _batch(self, message: BrokerMessage) -> Batch:
        return read_batch(self.formatter.loads(message.message).args[0])
