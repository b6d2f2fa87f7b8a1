"""Leases and reservations that all instances see."""

from tgewatch.clock import Clock
from tgewatch.errors import TransientError
from tgewatch.ports import Tenure
from tgewatch.swarm.link import Link, Script
from tgewatch.swarm.local import LocalReservations

TAKE = Script("""
local held = redis.call('GET', KEYS[1])
if held then
  local token, holder = string.match(held, '^(%d+) (.*)$')
  if holder == ARGV[1] then return token end
  return false
end
local time = redis.call('TIME')
local token = tonumber(time[1]) * 1000000 + tonumber(time[2])
local last = tonumber(redis.call('GET', KEYS[2]) or '0') or 0
if token <= last then token = last + 1 end
local said = string.format('%.0f', token)
redis.call('SET', KEYS[2], said, 'PX', 604800000)
redis.call('SET', KEYS[1], said .. ' ' .. ARGV[1], 'PX', ARGV[2])
return said
""")
"""A second try of one `take`, whose first answer was lost, finds its own name and is given the same
token. Tokens begin at the server's time, so they grow even when it has forgotten everything."""

KEEP = Script("""
local held = redis.call('GET', KEYS[1])
if held and string.match(held, '^(%d+) ') == ARGV[1] then
  return redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 0
""")

GIVE = Script("""
local held = redis.call('GET', KEYS[1])
if held and string.match(held, '^(%d+) ') == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
""")

RESERVE = Script("""
local held = redis.call('GET', KEYS[1])
if held and held ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
""")

RELEASE = Script("""
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
""")


class SharedLeases:
    """Leases among all instances, timed by the server alone.

    While the server is gone nobody is given a lease, and who holds one keeps it until its time has
    passed, as no other can have taken it before.
    """

    def __init__(self, link: Link, *, clock: Clock) -> None:
        self._link = link
        self._clock = clock
        self._taken = 0
        self._until: dict[str, tuple[int, float]] = {}
        """Name → token of ours, and when it runs out at the earliest, on our monotonic clock."""

    def __repr__(self) -> str:
        return f"<SharedLeases {', '.join(sorted(self._until)) or 'none'} held>"

    async def take(self, name: str, *, seconds: float) -> Tenure | None:
        """Return the lease if nobody holds it; None also while the server cannot be asked."""
        self._taken += 1
        asked = self._clock.monotonic()
        keys = (self._link.key("lease", name), self._link.key("token", name))
        try:
            token = await self._link.run(
                TAKE, keys, f"{self._link.identity}.{self._taken}", _milliseconds(seconds)
            )
        except TransientError:
            return None
        if token is None:
            return None
        self._until[name] = (int(token), asked + seconds)
        return Tenure(name, int(token))

    async def keep(self, tenure: Tenure, *, seconds: float) -> bool:
        """Hold it for so long from now; without the server, only until its time has passed."""
        asked = self._clock.monotonic()
        try:
            kept = await self._link.run(
                KEEP,
                (self._link.key("lease", tenure.name),),
                str(tenure.token),
                _milliseconds(seconds),
            )
        except TransientError:
            token, until = self._until.get(tenure.name, (0, asked))
            return token == tenure.token and self._clock.monotonic() < until
        if kept:
            self._until[tenure.name] = (tenure.token, asked + seconds)
        else:
            self._forget(tenure)
        return bool(kept)

    async def give(self, tenure: Tenure) -> None:
        """Let others have it; without the server, once its time has passed."""
        self._forget(tenure)
        try:
            await self._link.run(GIVE, (self._link.key("lease", tenure.name),), str(tenure.token))
        except TransientError:
            return

    def _forget(self, tenure: Tenure) -> None:
        token, _ = self._until.get(tenure.name, (0, 0.0))
        if token == tenure.token:
            del self._until[tenure.name]


class SharedReservations:
    """Reservations among all instances; while the server is gone, among the tasks of this one."""

    def __init__(self, link: Link, *, clock: Clock) -> None:
        self._link = link
        self._here = LocalReservations(clock=clock)
        """So that the server need only tell instances apart, and a second try is no other's."""

    def __repr__(self) -> str:
        return f"<SharedReservations {self._here!r}>"

    async def reserve(self, name: str, *, seconds: float) -> bool:
        if not self._here.take(name, seconds=seconds):
            return False
        try:
            ours = await self._link.run(
                RESERVE,
                (self._link.key("once", name),),
                self._link.identity,
                _milliseconds(seconds),
            )
        except TransientError:
            return True
        if not ours:
            self._here.free(name)
        return bool(ours)

    async def release(self, name: str) -> None:
        try:
            await self._link.run(RELEASE, (self._link.key("once", name),), self._link.identity)
        except TransientError:
            pass
        finally:
            self._here.free(name)


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))
