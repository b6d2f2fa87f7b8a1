"""Batches as tasks of taskiq, whatever they travel on.

taskiq brings the form of a message, the receiver that runs tasks side by side, and the drain at the
end. How a message gets from one process to another is a broker's business: `queue_local` within
one, `queue_stream` between many.
"""

import asyncio
import logging
from abc import abstractmethod
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

import msgspec
from taskiq import AckableMessage, AsyncBroker
from taskiq.acks import AcknowledgeType
from taskiq.exceptions import SendTaskError
from taskiq.message import BrokerMessage
from taskiq.receiver import Receiver

from tgewatch.errors import TransientError
from tgewatch.model import Backlog, Batch, Outcome, Taken

log = logging.getLogger(__name__)

TASK = "poll"
"""Name of the one task there is."""
MOST = 1_000
"""Batches at once in one process; sources are counted by whoever serves."""
TRIES = 3
"""Times that a batch is handed out before it is set aside."""
SHOWN = 100
"""Batches set aside that are kept to be shown."""

read_batch = msgspec.json.Decoder(Batch).decode
read_outcome = msgspec.json.Decoder(Outcome).decode
write = msgspec.json.Encoder().encode

Handler = Callable[[Taken], Awaitable[None]]
Room = Callable[[], Awaitable[None]]


async def _always() -> None:
    return


class BatchBroker(AsyncBroker):
    """Sends batches and serves them; the port engine.work_ports.Queue but for the road between."""

    def __init__(self, *, grace: float = 10.0, tries: int = TRIES) -> None:
        """Give handlers `grace` seconds to finish when serving ends."""
        super().__init__()
        self._grace = grace
        self._tries = tries
        self._handle: Handler | None = None
        self._running: dict[asyncio.Task[None], str] = {}
        self._stop = asyncio.Event()
        self.room: Room = _always

        async def poll(text: str) -> None:  # taskiq names its functions, which no method allows
            await self._run(text)

        self._task = self.register_task(poll, TASK)
        # taskiq leaves the function in its module, for pools of processes; it would keep us alive.
        globals().pop(poll.__name__, None)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {len(self._running)} batches in hand>"

    # --- the road, which differs ------------------------------------------------------------

    @abstractmethod
    async def kick(self, message: BrokerMessage) -> None:
        """Put a message on the road."""

    @abstractmethod
    def listen(self) -> AsyncGenerator[bytes | AckableMessage, None]:
        """Take messages from the road, one at a time, each when there is `room`."""

    @abstractmethod
    def times(self, batch: str) -> int:
        """Return how often a batch in our hands has been handed out."""

    @abstractmethod
    async def done(self, batch: str) -> None:
        """Forget a batch that was done."""

    @abstractmethod
    async def give_back(self, batches: Sequence[str]) -> None:
        """Let others have these, which were in our hands."""

    @abstractmethod
    async def put_aside(self, batch: str) -> None:
        """Hand a batch to nobody any more, and keep it to be looked at."""

    async def tend(self) -> None:
        """Do what has to be done beside the work, without end."""

    @abstractmethod
    async def tell(self, token: int, outcome: Outcome) -> None: ...

    @abstractmethod
    async def hear(self, token: int) -> Sequence[Outcome]: ...

    @abstractmethod
    async def backlog(self) -> Backlog: ...

    @abstractmethod
    async def set_aside(self) -> Sequence[Batch]: ...

    # --- what is common ---------------------------------------------------------------------

    @property
    def in_hand(self) -> tuple[str, ...]:
        """Ids of the batches that are being handled here."""
        return tuple(self._running.values())

    @property
    def stopping(self) -> bool:
        """Whether nothing more is to be taken."""
        return self._stop.is_set()

    async def send(self, batch: Batch) -> None:
        """Let a worker have it. Raises TransientError when that is not possible now."""
        try:
            await self._task.kicker().with_task_id(batch.id).kiq(write(batch).decode())
        except SendTaskError as error:
            if isinstance(error.__cause__, TransientError):
                raise error.__cause__ from error
            raise

    async def serve(self, handle: Handler, *, stop: asyncio.Event, room: Room) -> None:
        """Take batches whenever there is room and hand each to `handle`, until `stop`."""
        self._handle, self.room, self._stop = handle, room, stop
        receiver = Receiver(
            self,
            validate_params=False,
            max_async_tasks=MOST,
            ack_type=AcknowledgeType.MANUAL,  # here, once the batch is done
            run_startup=False,
            wait_tasks_timeout=self._grace,
        )
        try:
            async with asyncio.TaskGroup() as group:
                tending = group.create_task(self.tend())
                await receiver.listen(stop)
                tending.cancel()
        finally:
            left = dict(self._running)
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)
            await self.give_back(())

    async def _run(self, text: str) -> None:
        """Do one task. What goes wrong is dealt with here: taskiq would only log it."""
        task = asyncio.current_task()
        batch = read_batch(text)
        if task is None or self._handle is None:
            return
        self._running[task] = batch.id
        try:
            await self._handle(Taken(batch, self.times(batch.id)))
            await self.done(batch.id)
        except asyncio.CancelledError:  # by `serve`, which gives it back
            return
        except TransientError as error:
            log.warning("batch_failed", extra={"batch": batch.id, "why": str(error)})
            await self._failed(batch.id)
        except Exception:  # one broken batch must not stop the others
            log.exception("batch_crashed", extra={"batch": batch.id})
            await self._failed(batch.id)
        finally:
            del self._running[task]

    async def _failed(self, batch: str) -> None:
        try:
            if self.times(batch) >= self._tries:
                await self.put_aside(batch)
            else:
                await self.give_back((batch,))
        except TransientError:  # then it is claimed when it has been idle for long enough
            return
