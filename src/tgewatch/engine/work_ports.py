"""The seam between who decides that sources are due and who polls them."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeAlias

from tgewatch.model import Backlog, Batch, Outcome, Taken

Handler: TypeAlias = Callable[[Taken], Awaitable[None]]
"""Does what a batch asks for. One that raises has not done it."""

Room: TypeAlias = Callable[[], Awaitable[None]]
"""Returns once there is room for another batch; asked once for each."""


class Queue(Protocol):
    """Carries batches to workers, and word of them back.

    At least once: a batch whose worker dies, fails or gives it back is handed out again, a few
    times, and then set aside. What is lost with a server is not carried at all: who sends keeps
    count, and the store is the truth.
    """

    async def send(self, batch: Batch) -> None:
        """Let a worker have it. Raises TransientError when that is not possible now."""

    async def serve(self, handle: Handler, *, stop: asyncio.Event, room: Room) -> None:
        """Take batches whenever there is room and hand each to `handle`, until `stop`.

        Then nothing more is taken, and what is under way gets a few seconds to finish before it is
        given back. A queue that cannot be reached is waited for.
        """

    async def tell(self, token: int, outcome: Outcome) -> None:
        """Send word to the scheduler with that token; it may get lost. Raises TransientError."""

    async def hear(self, token: int) -> Sequence[Outcome]:
        """Return what was told since the last time, at once. Raises TransientError."""

    async def backlog(self) -> Backlog:
        """Return how much is in the queue. Raises TransientError."""

    async def set_aside(self) -> Sequence[Batch]:
        """Return the batches that failed with every worker, oldest first; at most a hundred."""
