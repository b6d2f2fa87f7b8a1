"""When each query to X is asked again: the delay index, within what X allows."""

from collections.abc import Callable, Mapping, Sequence

from tgewatch.engine.due import NextPoll
from tgewatch.engine.schedule import Schedule
from tgewatch.model import Source, SourceState
from tgewatch.rules.x_plan import Shard
from tgewatch.settings import PollingSettings

ERROR_BASE = 10.0
ERROR_CAP = 600.0


class Rounds:
    """A schedule of shards. Where all are equally busy, each gets its turn once in a pace."""

    def __init__(self, *, chance: Callable[[], float]) -> None:
        self._chance = chance
        self._schedule: Schedule | None = None
        self._shards: dict[str, Shard] = {}
        self._out: set[str] = set()
        """Names that were taken out and have not come back."""
        self._next: dict[str, NextPoll] = {}
        self.pace = 0.0
        """Seconds."""

    def __repr__(self) -> str:
        return f"<Rounds {len(self._shards)} shards every {self.pace:.0f} s>"

    @property
    def shards(self) -> Sequence[Shard]:
        """All of them, in their order."""
        return tuple(self._shards.values())

    def use(
        self,
        shards: Sequence[Shard],
        *,
        pace: float,
        quiet: float,
        longest: float,
        tight: bool,
        now: float,
    ) -> None:
        """Ask these from now on, each every `pace` seconds on average and at most `quiet` apart.

        What was learned of a shard's rhythm stays; a shard is due when it would have been. New ones
        are due at once. `longest` bounds the waits that `done` may ask for. `tight` says that X
        allows hardly more: then all take turns evenly, since a shard that came sooner would only
        have to wait for the next window, and queries that are full are about equally busy.
        """
        longest_wait = max(quiet, pace)
        settings = PollingSettings(
            policy="fixed" if tight else "index",
            interval=max(1.0, pace),
            floor=max(1.0, pace / 2),
            cap=longest_wait,
            stretch=max(1.0, longest_wait / max(1.0, pace)),
            error_base=ERROR_BASE,
            error_cap=ERROR_CAP,
            jitter=1.0,
            fresh_cap=max(longest, 1.0),
        )
        self.pace = pace
        self._schedule = Schedule(settings, now=now, chance=self._chance)
        self._shards = {shard.name: shard for shard in shards}
        self._next = {name: n for name, n in self._next.items() if name in self._shards}
        for name in self._shards:
            if name not in self._out:
                self._add(name, self._next.get(name))

    def restore(self, saved: Mapping[str, NextPoll]) -> None:
        """Take over what was learned before, ahead of `use`."""
        self._next.update(saved)

    @property
    def learned(self) -> Mapping[str, NextPoll]:
        """What is known of each shard that was asked."""
        return self._next

    def _add(self, name: str, known: NextPoll | None) -> None:
        if self._schedule is None:
            return
        state = SourceState(url=name, rhythm=known.rhythm, next_poll=known.at) if known else None
        shard = self._shards[name]
        source = Source(url=name, name=name, kind="x", priority=shard.priority)
        self._schedule.add(source, state)

    def due(self, now: float, limit: int) -> list[Shard]:
        """Take out up to `limit` that are due; each comes back by `done`, `failed` or `defer`."""
        if self._schedule is None:
            return []
        names = self._schedule.due(now, limit)
        self._out.update(names)
        return [self._shards[name] for name in names]

    def next_due(self) -> float | None:
        """Return when `due` will next have something."""
        return self._schedule.next_due() if self._schedule else None

    def hasten(self, now: float) -> None:
        """Make all that wait due at once."""
        for name in self._shards:
            if name not in self._out:
                known = self._next.get(name)
                rhythm = known.rhythm if known else ""
                self._add(name, NextPoll(at=now, because="something may be missing", rhythm=rhythm))

    def done(
        self, shard: Shard, *, at: float, published: Sequence[float], wait: float, elapsed: float
    ) -> None:
        """Put one back after an answer with these new posts; not before `wait` seconds."""
        if self._back(shard):
            self._next[shard.name] = self._known.report(
                shard.name,
                at=at,
                outcome="changed" if published else "unchanged",
                published=published,
                relevant=len(published),
                fresh_for=wait or None,
                elapsed=elapsed,
            )

    def failed(self, shard: Shard, *, at: float, retry_after: float | None) -> None:
        """Put one back after a failure."""
        if self._back(shard):
            self._next[shard.name] = self._known.report(
                shard.name, at=at, outcome="failed", retry_after=retry_after
            )

    def defer(self, shard: Shard, until: float) -> None:
        """Put one back that was not asked, and may not be before `until`."""
        if self._back(shard):
            self._known.defer(shard.name, until)

    def put_back(self, shards: Sequence[Shard], now: float) -> None:
        """Put back those of `shards` that are still out: nobody got to them."""
        for shard in shards:
            if shard.name in self._out:
                self.defer(shard, now)

    @property
    def _known(self) -> Schedule:
        if self._schedule is None:
            raise RuntimeError("nothing is asked yet")
        return self._schedule

    def _back(self, shard: Shard) -> bool:
        """Take one back; False when it is asked no longer."""
        self._out.discard(shard.name)
        if shard.name not in self._shards:
            return False
        if shard.name not in self._known:  # it was out while the schedule was made anew
            self._add(shard.name, self._next.get(shard.name))
        return True
