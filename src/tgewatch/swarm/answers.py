"""Answers that one instance fetched, for the others: the second tier of the cache."""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import msgspec
import xxhash
import zstandard

from tgewatch.clock import Clock
from tgewatch.errors import TransientError
from tgewatch.swarm.bulletin import Bulletin
from tgewatch.swarm.link import CLOSING, Link, Script

log = logging.getLogger(__name__)

T = TypeVar("T")

GET = Script("""
local time = redis.call('TIME')
local found = redis.call('HMGET', KEYS[1], 'about', 'when', 'value', 'digest', 'turn')
if not found[1] or found[5] ~= (redis.call('GET', KEYS[2]) or '0') then return false end
return {found[1], found[2] or '', found[3] or '', found[4] or '', time[1], time[2]}
""")

RENEW = Script("""
local found = redis.call('HMGET', KEYS[1], 'same', 'turn')
if found[1] ~= ARGV[1] or found[2] ~= (redis.call('GET', KEYS[2]) or '0') then return 0 end
redis.call('HSET', KEYS[1], 'when', ARGV[2])
return redis.call('PEXPIRE', KEYS[1], ARGV[3])
""")
"""The same again, as after a 304: nobody has to be told, and the value need not be sent."""

PUT = Script("""
local time = redis.call('TIME')
local turn = redis.call('GET', KEYS[2]) or '0'
redis.call('HSET', KEYS[1], 'same', ARGV[1], 'when', ARGV[2], 'value', ARGV[4],
  'about', ARGV[7], 'digest', ARGV[8], 'turn', turn)
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('ZADD', KEYS[3], time[1], ARGV[6])
redis.call('ZREMRANGEBYRANK', KEYS[3], 0, -10001)
redis.call('PEXPIRE', KEYS[3], 3600000)
redis.call('PUBLISH', ARGV[5], ARGV[6])
return 1
""")

DROP = Script("""
local time = redis.call('TIME')
if ARGV[1] == 'all' then redis.call('INCR', KEYS[2]) else redis.call('DEL', KEYS[1]) end
redis.call('ZADD', KEYS[3], time[1], ARGV[3])
redis.call('ZREMRANGEBYRANK', KEYS[3], 0, -10001)
redis.call('PEXPIRE', KEYS[3], 3600000)
redis.call('PUBLISH', ARGV[2], ARGV[3])
return 1
""")

MISSED = Script("""
if redis.call('SET', KEYS[2], ARGV[2], 'NX') then return false end
if redis.call('ZCARD', KEYS[1]) >= 10000 then return false end
return redis.call('ZRANGEBYSCORE', KEYS[1], ARGV[1], '+inf')
""")
"""What was told since a time; false when some of it may be forgotten."""

REMEMBERED = 3_500.0
"""Seconds that the server remembers what was told."""
SLACK = 5.0
"""Seconds before the last thing heard from which on it is told again."""
LEVEL = 1
"""Of zstd."""
HEAVY = 200_000
"""Bytes from which on packing and opening a value is a thread's work, not the event loop's."""
MOST_WAITING = 2_000
"""Changes that wait to be written."""
MOST_BYTES = 64_000_000
"""Of values that wait to be written."""
LARGEST = 64_000_000
"""Bytes that a value may decompress to."""


class About(msgspec.Struct, frozen=True, array_like=True):
    """What stands beside a value."""

    version: int
    key: str
    kind: str
    """Of the codec."""
    size: int
    """Bytes, decompressed."""


class When(msgspec.Struct, frozen=True, array_like=True):
    """For how long a value holds."""

    stored: float
    """The server's time at which it was true at its origin."""
    ttl: float
    """Seconds from then."""


@dataclass(frozen=True, slots=True)
class Found:
    """A value that another instance has put there."""

    kind: str
    data: bytes
    ttl: float
    """Seconds from when it was true at its origin."""
    age: float
    """Seconds since then."""


@dataclass(slots=True)
class AnswerCounts:
    """What became of look-ups and of what was to be kept."""

    hits: int = 0
    misses: int = 0
    corrupt: int = 0
    """Values that were damaged or foreign; they are misses as well."""
    written: int = 0
    renewed: int = 0
    too_large: int = 0
    lost: int = 0
    """Values that were not written: too much waited, or the server was gone."""
    dropped: int = 0
    """Local entries that another instance has replaced or forgotten."""


@dataclass(frozen=True, slots=True)
class _Change:
    tier: str
    key: str
    kind: str = ""
    data: bytes | None = None
    """None for a key, or with `prefix` a whole tier, that is to be forgotten."""
    ttl: float = 0.0
    same: bytes = b""
    """What it has in common with another that is as good."""
    true_at: float = 0.0
    """On our monotonic clock."""
    prefix: bool = False


class SharedAnswers:
    """Keeps values on the server, as bytes with a kind, for as long as they are fresh.

    What is put replaces what other instances have in their own memory, and they are told so. Writing
    is done by a task; reading waits for the server, for no longer than an operation may take. What
    fails is a miss. Values that are damaged, foreign or of another version are misses and counted.
    """

    def __init__(
        self,
        link: Link,
        bulletin: Bulletin,
        *,
        forget: Callable[[str, str, bool], bool],
        clock: Clock,
    ) -> None:
        """`forget` drops a key, or all keys with that beginning, of a tier from our own memory."""
        self._link = link
        self._bulletin = bulletin
        self._forget = forget
        self._clock = clock
        self._waiting: deque[_Change] = deque()
        self._bytes = 0
        self._packer = _Packer()
        self._bell = asyncio.Event()
        self._written = asyncio.Event()
        self._expected: dict[tuple[str, str], asyncio.Event] = {}
        self.counts = AnswerCounts()
        bulletin.on("answer", self._hear)
        bulletin.on_gap(self._catch_up)

    def __repr__(self) -> str:
        return f"<SharedAnswers {self.counts.hits} hits, {len(self._waiting)} to be written>"

    def _keys(self, tier: str, key: str) -> tuple[str, str, str]:
        link = self._link
        return link.key(f"answer:{tier}", key), link.key("turn", tier), link.key("told-answers")

    async def get(self, tier: str, key: str) -> Found | None:
        """Return what is kept and fresh, or None."""
        own, turn, _ = self._keys(tier, key)
        try:
            found = await self._link.run(GET, (own, turn))
        except TransientError:
            found = None
        if found is None:
            self.counts.misses += 1
            return None
        *stored, second, micro = found
        opening = partial(_opened, key, *stored, now=int(second) + int(micro) / 1e6)
        opened = await _off_loop(stored[2], lambda _: opening())
        if opened is None:
            self.counts.corrupt += 1
        self.counts.hits += opened is not None
        self.counts.misses += opened is None
        return opened

    def put(
        self,
        tier: str,
        key: str,
        *,
        kind: str,
        data: bytes,
        same: bytes,
        ttl: float,
        age: float = 0.0,
    ) -> None:
        """Keep a value for `ttl` seconds from when it was true, `age` seconds ago; on the link's loop."""
        if ttl > age:
            true_at = self._clock.monotonic() - age
            self._later(_Change(tier, key, kind, data, ttl, same, true_at))

    def drop(self, tier: str, key: str, *, prefix: bool = False) -> None:
        """Forget a key here and everywhere; with `prefix` the whole tier on the server."""
        self._later(_Change(tier, key, prefix=prefix))

    def _later(self, change: _Change) -> None:
        size = len(change.data or b"")
        full = len(self._waiting) >= MOST_WAITING or self._bytes + size > MOST_BYTES
        if change.data is not None and (full or not self._link.up):
            self.counts.lost += 1
            return
        self._waiting.append(change)
        self._bytes += size
        self._bell.set()

    async def write(self) -> None:
        """Write what waits. What cannot be written is lost, but what is forgotten is, once it can be."""
        while True:
            while self._waiting:
                change = self._waiting[0]
                try:
                    await self._write(change)
                except TransientError as error:
                    if change.data is None and error.cause == "swarm_down":
                        await self._link.until_back()
                        continue
                    self.counts.lost += 1
                self._waiting.popleft()
                self._bytes -= len(change.data or b"")
            self._bell.clear()
            self._written.set()
            await self._bell.wait()

    async def finish(self) -> None:
        """Return once all is written, or cannot be written soon."""
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSING):
                while self._waiting and self._link.up:
                    self._written.clear()
                    await self._written.wait()

    async def put_now(
        self,
        tier: str,
        key: str,
        *,
        kind: str,
        data: bytes,
        same: bytes,
        ttl: float,
        age: float = 0.0,
    ) -> None:
        """Do what `put` does, and return when it is done or has failed."""
        true_at = self._clock.monotonic() - age
        try:
            await self._write(_Change(tier, key, kind, data, ttl, same, true_at))
        except TransientError:
            self.counts.lost += 1

    async def _write(self, change: _Change) -> None:
        keys = self._keys(change.tier, change.key)
        words = (change.tier, change.key, change.prefix)
        message = self._bulletin.message("answer", *words)
        if change.data is None:
            what = "all" if change.prefix else "one"
            await self._link.run(DROP, keys, what, self._bulletin.channel, message)
            return
        age = self._clock.monotonic() - change.true_at
        left = round(1000 * (change.ttl - age))
        if left <= 0:
            return
        same = xxhash.xxh3_128_digest(change.kind.encode() + b"\0" + (change.same or change.data))
        when = msgspec.msgpack.encode(When(self._link.time() - age, change.ttl))
        if await self._link.run(RENEW, keys[:2], same, when, left):
            self.counts.renewed += 1
            return
        value = await _off_loop(change.data, self._packer.compress)
        if len(value) > self._link.settings.max_value:
            self.counts.too_large += 1
            await self._link.run(DROP, keys, "one", self._bulletin.channel, message)
            return
        about = msgspec.msgpack.encode(About(1, change.key, change.kind, len(change.data)))
        digest = xxhash.xxh3_128_digest(change.kind.encode() + b"\0" + change.data)
        channel = self._bulletin.channel
        await self._link.run(PUT, keys, same, when, left, value, channel, message, about, digest)
        self.counts.written += 1

    def expect(self, tier: str, key: str) -> asyncio.Event:
        """Return what is set when another instance has put that key, or forgotten it."""
        return self._expected.setdefault((tier, key), asyncio.Event())

    def expect_no_more(self, tier: str, key: str) -> None:
        """Stop listening for that key."""
        self._expected.pop((tier, key), None)

    def _hear(self, words: list[Any]) -> None:
        tier, key, prefix = words
        self.counts.dropped += self._forget(str(tier), str(key), bool(prefix))
        if (expected := self._expected.get((tier, key))) is not None:
            expected.set()

    async def _catch_up(self, since: float | None) -> None:
        """Drop from our memory what others have changed while nothing was heard, or all of it."""
        keys = (self._link.key("told-answers"), self._link.key("told-answers-since"))
        now = self._link.time()
        told = await self._link.run(MISSED, keys, (since or now) - SLACK, str(now))
        if since is None:  # what is in a file is as old as it says
            return
        if told is None or now - since > REMEMBERED:
            log.debug("swarm_memory_doubted", extra={"seconds": now - since})
            self._forget("", "", True)  # noqa: FBT003 - all of it
            return
        for data in told:
            self._bulletin.take(data)


class _Packer:
    """Compresses; what is made once is used by one thread at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._zstd = zstandard.ZstdCompressor(level=LEVEL)

    def compress(self, data: bytes) -> bytes:
        with self._lock:
            return self._zstd.compress(data)


async def _off_loop(data: bytes, work: Callable[[bytes], T]) -> T:
    """Do `work` on the data, in a thread when there is much of it."""
    return work(data) if len(data) < HEAVY else await asyncio.to_thread(work, data)


def _opened(
    key: str, about: bytes, when: bytes, value: bytes, digest: bytes, *, now: float
) -> Found | None:
    """Return the value, or None when it is not what it says it is."""
    try:
        said = msgspec.msgpack.decode(about, type=About)
        held = msgspec.msgpack.decode(when, type=When)
        if said.version != 1 or said.key != key or not 0 <= said.size <= LARGEST:
            return None
        data = zstandard.ZstdDecompressor().decompress(value, max_output_size=said.size + 1)
    except (msgspec.DecodeError, zstandard.ZstdError):
        return None
    if xxhash.xxh3_128_digest(said.kind.encode() + b"\0" + data) != digest:
        return None
    age = max(0.0, now - held.stored)
    return Found(said.kind, data, held.ttl, age) if age < held.ttl else None
