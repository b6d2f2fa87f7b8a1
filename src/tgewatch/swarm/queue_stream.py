"""The queue between processes: one stream of a Redis or Valkey, one group of workers.

taskiq-redis has a broker for streams. It was not enough: it deletes nothing that is done, knows
nothing of how often a message was handed out, ends when the server has forgotten the group, and has
connections of its own beside the link, with an own opinion on whether the server is there.
"""

import logging
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec
from taskiq import AckableMessage
from taskiq.message import BrokerMessage

from tgewatch.clock import Clock
from tgewatch.errors import TransientError
from tgewatch.model import Backlog, Batch, Outcome
from tgewatch.swarm.link import Link, Script
from tgewatch.swarm.queue import SHOWN, TRIES, BatchBroker, read_batch, read_outcome, write

log = logging.getLogger(__name__)

GROUP = "workers"
OUTCOMES = 10_000
"""Outcomes that are kept for a scheduler that does not ask."""
HEARD = 200
"""Outcomes read at once."""
SECOND_TRY = 1.0
"""Seconds before a server is asked again that answered in a way nobody foresaw."""

CLAIM = Script("""
local pending = redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', 5000)
for _, one in ipairs(pending) do
  local id, idle, times = one[1], one[3], one[4]
  if idle >= tonumber(ARGV[3]) then
    local entry = redis.call('XRANGE', KEYS[1], id, id)[1]
    if not entry then
      redis.call('XACK', KEYS[1], ARGV[1], id)
    elseif times >= tonumber(ARGV[4]) then
      redis.call('RPUSH', KEYS[2], entry[2][4] or '')
      redis.call('LTRIM', KEYS[2], -tonumber(ARGV[5]), -1)
      redis.call('XACK', KEYS[1], ARGV[1], id)
      redis.call('XDEL', KEYS[1], id)
    else
      redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, id)
      return {id, entry[2], times + 1}
    end
  end
end
return false
""")
"""Take over a batch whose worker has given no sign of life, and set aside those that nobody could
do. What XAUTOCLAIM does, for servers older than 6.2, and with a limit to the tries."""

HOLD = Script("""
local kept = 0
for n = 4, #ARGV do
  local one = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[n], ARGV[n], 1)[1]
  if one and one[2] == ARGV[2] then
    redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[n], 'IDLE', ARGV[3], 'JUSTID')
    kept = kept + 1
  end
end
return kept
""")
"""Say for how long nothing was heard of batches that are ours: not at all, or for ever."""

RELEASE_ALL = Script("""
local pending = redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', 5000, ARGV[2])
for _, one in ipairs(pending) do
  redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, one[1], 'IDLE', ARGV[3], 'JUSTID')
end
return #pending
""")

DONE = Script("""
redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
return redis.call('XDEL', KEYS[1], ARGV[2])
""")

ASIDE = Script("""
redis.call('RPUSH', KEYS[2], ARGV[3])
redis.call('LTRIM', KEYS[2], -tonumber(ARGV[4]), -1)
redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
return redis.call('XDEL', KEYS[1], ARGV[2])
""")

TELL = Script("""
redis.call('RPUSH', KEYS[1], ARGV[1])
redis.call('LTRIM', KEYS[1], -tonumber(ARGV[2]), -1)
return redis.call('PEXPIRE', KEYS[1], 600000)
""")

HEAR = Script("""
local told = redis.call('LRANGE', KEYS[1], 0, tonumber(ARGV[1]) - 1)
if #told > 0 then redis.call('LTRIM', KEYS[1], #told, -1) end
return told
""")

GATHER = Script("""
redis.pcall('XGROUP', 'CREATE', KEYS[1], ARGV[1], '0', 'MKSTREAM')
return 1
""")
"""Make the group, unless somebody was faster: that is no error."""

COUNT = Script("""
local length, held = redis.call('XLEN', KEYS[1]), 0
if length > 0 then
  local pending = redis.pcall('XPENDING', KEYS[1], ARGV[1])
  if not pending.err then held = pending[1] end
end
return {length - held, held, redis.call('LLEN', KEYS[2])}
""")


@dataclass(frozen=True, slots=True)
class _Held:
    entry: bytes
    """Number of the message in the stream."""
    times: int
    message: bytes


class StreamQueue(BatchBroker):
    """Batches on a stream. A worker that is silent for `idle` seconds loses what it holds."""

    def __init__(
        self,
        link: Link,
        *,
        clock: Clock,
        idle: float = 30.0,
        grace: float = 10.0,
        tries: int = TRIES,
    ) -> None:
        super().__init__(grace=grace, tries=tries)
        self._link = link
        self._clock = clock
        self._idle = idle
        self._stream = link.key("batches")
        self._asides = link.key("batches-aside")
        self._held: dict[str, _Held] = {}
        self._claim_at = 0.0
        self._block = max(1, round(min(0.5, 0.5 * link.settings.operation) * 1_000))
        """Milliseconds that the server may wait for news: its answer must come in time."""

    # --- sending ----------------------------------------------------------------------------

    async def kick(self, message: BrokerMessage) -> None:
        """Append the message to the stream. Raises TransientError."""
        await self._link.call(
            "XADD", self._stream, "*", "id", message.task_id, "data", message.message
        )

    # --- receiving --------------------------------------------------------------------------

    async def listen(self) -> AsyncGenerator[bytes | AckableMessage, None]:
        """Yield messages without end, each when there is room; wait out a server that is gone."""
        while True:
            await self.room()
            found = await self._next()
            if found is None:
                return
            entry, fields, times = found
            whole = len(fields) >= 4  # noqa: PLR2004 - names and values of id and data
            batch = bytes(fields[1] if whole else entry).decode("utf-8", "replace")
            message = bytes(fields[3]) if whole else b""
            self._held[batch] = _Held(entry, times, message)
            # taskiq acknowledges by itself only what it cannot read.
            yield AckableMessage(data=message, ack=partial(self.put_aside, batch))

    async def _next(self) -> tuple[bytes, Sequence[bytes], int] | None:
        """Return the next message, or None once there shall be no more.

        A read is cancelled too, but a client may swallow that when its answer has just come.
        """
        while not self.stopping:
            try:
                found = await self._claim() or await self._read()
            except TransientError as error:
                await self._wait_out(error)
                continue
            if found is not None:
                return found
        return None

    async def _read(self) -> tuple[bytes, Sequence[bytes], int] | None:
        answer = await self._link.call(
            "XREADGROUP", "GROUP", GROUP, self._link.identity,
            "COUNT", 1, "BLOCK", self._block, "STREAMS", self._stream, ">",
        )  # fmt: skip
        if not answer:
            return None
        (entry, fields), *_ = _entries(answer)
        return entry, fields or (), 1

    async def _claim(self) -> tuple[bytes, Sequence[bytes], int] | None:
        now = self._clock.monotonic()
        if now < self._claim_at:
            return None
        found = await self._link.run(
            CLAIM,
            (self._stream, self._asides),
            GROUP,
            self._link.identity,
            round(self._idle * 1_000),
            self._tries,
            SHOWN,
        )
        if found:
            entry, fields, times = found
            log.warning("batch_claimed", extra={"times": times})
            return entry, fields, int(times)
        self._claim_at = now + self._idle / 6
        return None

    async def _wait_out(self, error: TransientError) -> None:
        if "NOGROUP" in str(error):
            try:
                await self._link.run(GATHER, (self._stream,), GROUP)
            except TransientError as refused:
                error = refused
            else:
                return
        if error.cause == "swarm_down":
            await self._link.until_back()
        else:
            log.warning("queue_refused", extra={"why": str(error)})
            await self._clock.sleep(SECOND_TRY)

    async def tend(self) -> None:
        """Give signs of life of what is in our hands."""
        while True:
            await self._clock.sleep(self._idle / 3)
            try:
                held = [self._held[batch] for batch in self.in_hand if batch in self._held]
                await self._hold(held, 0)
            except TransientError:
                continue

    async def _hold(self, batches: Sequence[_Held], idle: float) -> None:
        entries = [held.entry for held in batches]
        if entries:
            seconds = round(idle * 1_000)
            await self._link.run(
                HOLD, (self._stream,), GROUP, self._link.identity, seconds, *entries
            )

    # --- what became of it ------------------------------------------------------------------

    def times(self, batch: str) -> int:
        held = self._held.get(batch)
        return 1 if held is None else held.times

    async def done(self, batch: str) -> None:
        """Take it from the stream. Without the server it comes again, and finds itself done."""
        held = self._held.pop(batch, None)
        if held is None:
            return
        try:
            await self._link.run(DONE, (self._stream,), GROUP, held.entry)
        except TransientError as error:
            log.debug("batch_not_acknowledged", extra={"why": str(error)})

    async def give_back(self, batches: Sequence[str]) -> None:
        """Let others claim these at once; without any named, all that is ours."""
        long_ago = 2 * self._idle
        if batches:
            # Forgotten first: we may be the one who claims it again, before the answer is here.
            held = [self._held.pop(batch) for batch in batches if batch in self._held]
            await self._hold(held, long_ago)
            return
        self._held.clear()
        try:
            await self._link.run(
                RELEASE_ALL, (self._stream,), GROUP, self._link.identity, round(long_ago * 1_000)
            )
        except TransientError:  # then others wait until it has been idle for long enough
            return

    async def put_aside(self, batch: str) -> None:
        held = self._held.pop(batch, None)
        if held is not None:
            log.warning("batch_set_aside", extra={"batch": batch, "times": held.times})
            await self._link.run(
                ASIDE, (self._stream, self._asides), GROUP, held.entry, held.message, SHOWN
            )

    # --- word of it -------------------------------------------------------------------------

    async def tell(self, token: int, outcome: Outcome) -> None:
        await self._link.run(TELL, (self._outcomes(token),), write(outcome), OUTCOMES)

    async def hear(self, token: int) -> Sequence[Outcome]:
        told = await self._link.run(HEAR, (self._outcomes(token),), HEARD)
        outcomes = []
        for text in told:
            try:
                outcomes.append(read_outcome(text))
            except msgspec.DecodeError as error:
                log.warning("outcome_unreadable", extra={"why": str(error)})
        return outcomes

    def _outcomes(self, token: int) -> str:
        return self._link.key("outcomes", str(token))

    async def backlog(self) -> Backlog:
        counts = await self._link.run(COUNT, (self._stream, self._asides), GROUP)
        return Backlog(*map(int, counts))

    async def set_aside(self) -> Sequence[Batch]:
        kept = []
        for message in await self._link.call("LRANGE", self._asides, 0, SHOWN - 1):
            try:
                kept.append(read_batch(self.formatter.loads(message).args[0]))
            except (ValueError, KeyError, IndexError):  # nobody's batch: it is shown as a count
                continue
        return kept


def _entries(answer: Any) -> list[tuple[bytes, Sequence[bytes]]]:
    """Return number and fields of each message in the answer to XREADGROUP."""
    streams = answer.items() if isinstance(answer, dict) else answer
    found = []
    for _, messages in streams:
        for entry, fields in messages:
            if isinstance(fields, dict):
                fields = [part for pair in fields.items() for part in pair]  # noqa: PLW2901
            found.append((entry, fields))
    return found
