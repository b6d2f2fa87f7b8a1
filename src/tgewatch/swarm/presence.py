"""Who is there: signs of life of all instances, and what each measures of itself."""

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from tgewatch.clock import Clock
from tgewatch.errors import TransientError
from tgewatch.swarm.link import Link, Script

log = logging.getLogger(__name__)

MISSED = 3
"""Signs of life that may be missed."""
LARGEST = 1_000_000
"""Bytes of what one instance says of itself."""
MOST = 1_000
"""Instances that are listed."""

BEAT = Script("""
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - tonumber(ARGV[2]))
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('SET', KEYS[2], ARGV[3], 'PX', ARGV[2])
return redis.call('ZCARD', KEYS[1])
""")

LIST = Script("""
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local found = redis.call('ZRANGEBYSCORE', KEYS[1], now - tonumber(ARGV[1]), '+inf', 'WITHSCORES',
  'LIMIT', 0, 1000)
return {string.format('%.0f', now), found}
""")

LEAVE = Script("""
redis.call('DEL', KEYS[2])
return redis.call('ZREM', KEYS[1], ARGV[1])
""")


class Snapshot(msgspec.Struct, frozen=True):
    """What an instance says of itself."""

    instance: str = ""
    started: float = 0.0
    """Unix time on its own clock."""
    counts: Mapping[str, int] = {}
    """As in `tgewatch metrics`, since it was started."""
    gauges: Mapping[str, float] = {}


@dataclass(frozen=True, slots=True)
class Present:
    """An instance that is there."""

    identity: str
    silent: float
    """Seconds since its last sign of life."""
    snapshot: Snapshot


class Presence:
    """Gives signs of life, and counts those of others, itself included."""

    def __init__(self, link: Link, *, clock: Clock) -> None:
        self._link = link
        self._clock = clock
        self._counted = 0
        self._started = clock.now()
        self.measured: Callable[[], tuple[Mapping[str, int], Mapping[str, float]]] = _nothing
        """Returns the counts and gauges of this instance."""

    def __repr__(self) -> str:
        return f"<Presence {self._counted or '?'} instances>"

    @property
    def count(self) -> int:
        """Instances that were there when they could last be counted, this one included."""
        return self._counted or self._link.settings.expected

    async def beat(self) -> None:
        """Give a sign of life every `heartbeat` seconds. Never returns."""
        while True:
            await self.show()
            await self._clock.sleep(self._link.settings.heartbeat)

    async def show(self) -> None:
        """Give one sign of life. Without the server, nobody sees it."""
        link, said = self._link, self._said()
        try:
            self._counted = int(
                await link.run(BEAT, self._keys(), link.identity, self._lasts(), said)
            )
        except TransientError as error:
            log.debug("swarm_unseen", extra={"why": str(error)})

    def _keys(self) -> tuple[str, str]:
        return self._link.key("instances"), self._link.key("instance", self._link.identity)

    def _lasts(self) -> int:
        return round(MISSED * self._link.settings.heartbeat * 1000)

    def _said(self) -> bytes:
        counts, gauges = self.measured()
        said = Snapshot(self._link.instance, self._started, counts, gauges)
        data = msgspec.msgpack.encode(said)
        if len(data) > LARGEST:
            data = msgspec.msgpack.encode(Snapshot(self._link.instance, self._started))
        return data

    async def present(self) -> Sequence[Present]:
        """Return the instances that are there, by name. Raises TransientError."""
        now, found = await self._link.run(LIST, self._keys()[:1], self._lasts())
        seen = dict(zip(found[::2], found[1::2], strict=True))
        names = [identity.decode("utf-8", "replace") for identity in seen]
        keys = [self._link.key("instance", name) for name in names]
        said = await self._link.call("MGET", *keys) if keys else []
        listed = [
            Present(name, (int(now) - float(score)) / 1000, _read(data))
            for name, score, data in zip(names, seen.values(), said, strict=True)
        ]
        return sorted(listed, key=lambda one: (one.snapshot.instance, one.identity))

    async def leave(self) -> None:
        """Say that this instance is there no longer."""
        try:
            await self._link.run(LEAVE, self._keys(), self._link.identity)
        except TransientError:
            return


def summed(instances: Sequence[Present]) -> Mapping[str, int]:
    """Return what all instances have counted together."""
    total: Counter[str] = Counter()
    for one in instances:
        total.update(one.snapshot.counts)
    return total


def _read(data: bytes | None) -> Snapshot:
    """Return what an instance said; one that cannot be understood has said nothing."""
    try:
        return msgspec.msgpack.decode(data or b"", type=Snapshot)
    except msgspec.DecodeError:
        return Snapshot()


def _nothing() -> tuple[Mapping[str, int], Mapping[str, float]]:
    return {}, {}
