"""Everything that instances share, opened and closed in order."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import asdict, dataclass, field

from tgewatch.clock import Clock, SystemClock
from tgewatch.ports import Leases, Reservations
from tgewatch.rules.ledger import LedgerPolicy
from tgewatch.settings import SwarmSettings
from tgewatch.swarm.alongside import alongside
from tgewatch.swarm.answers import SharedAnswers
from tgewatch.swarm.bulletin import Bulletin
from tgewatch.swarm.hosts import HostBudget, SharedHostBudgets, SharedPauses
from tgewatch.swarm.leases import SharedLeases, SharedReservations
from tgewatch.swarm.ledgers import SharedLedgers, open_ledgers
from tgewatch.swarm.link import Link, open_link, shown_url
from tgewatch.swarm.local import LocalLeases, LocalReservations
from tgewatch.swarm.presence import Presence
from tgewatch.swarm.shelf import SharedShelf


@dataclass(frozen=True, slots=True)
class Shared:
    """What is there only where there are several instances."""

    link: Link
    bulletin: Bulletin
    presence: Presence
    clock: Clock
    counting: list[Callable[[], Mapping[str, float]]] = field(default_factory=list)

    def levels(self) -> Mapping[str, float]:
        """Return how it stands and what was done through it, for metrics."""
        counts = self.link.counts
        found = {
            "swarm_up": float(self.link.up),
            "swarm_instances": float(self.presence.count),
            "swarm_operations": float(counts.operations),
            "swarm_failures": float(counts.failures),
            "swarm_outages": float(counts.outages),
        }
        for counted in self.counting:
            found.update(counted())
        return found

    def budgets(
        self, *, limit: int, window: float, alone: Callable[[int], HostBudget]
    ) -> SharedHostBudgets:
        """Return the budgets of hosts; `alone` makes those of one process, of so many calls."""
        return SharedHostBudgets(
            self.link,
            limit=limit,
            window=window,
            clock=self.clock,
            parts=lambda: self.presence.count,
            alone=alone,
        )

    @asynccontextmanager
    async def pauses(
        self, obey: Callable[[Mapping[str, float]], None]
    ) -> AsyncIterator[SharedPauses]:
        """Open the pauses of hosts; `obey` is told what others were told."""
        pauses = SharedPauses(self.link, self.bulletin, obey=obey, clock=self.clock)
        async with alongside(pauses.tell()):
            yield pauses
            await pauses.finish()

    @asynccontextmanager
    async def answers(
        self, forget: Callable[[str, str, bool], bool]
    ) -> AsyncIterator[SharedAnswers]:
        """Open the second tier of the cache; `forget` drops what others have replaced."""
        answers = SharedAnswers(self.link, self.bulletin, forget=forget, clock=self.clock)
        counts = answers.counts
        self.counting.append(
            lambda: {f"swarm_answers_{name}": float(n) for name, n in asdict(counts).items()}
        )
        async with alongside(answers.write()):
            yield answers
            await answers.finish()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Hear what the others say, once everybody who wants to hear it has said so."""
        async with alongside(self.bulletin.listen()):
            await self.bulletin.ready()
            yield

    def ledgers(self, policy: LedgerPolicy) -> AbstractAsyncContextManager[SharedLedgers]:
        """Open the rate ledgers."""
        return open_ledgers(
            SharedShelf(self.link, "ledger"),
            clock=self.clock,
            policy=policy,
            parts=lambda: self.presence.count,
        )


@dataclass(frozen=True, slots=True)
class Swarm:
    """What this instance has in common with others, or has for itself when it is alone."""

    settings: SwarmSettings
    leases: Leases
    reservations: Reservations
    shared: Shared | None = None
    """None for an instance that is alone."""

    @property
    def link(self) -> Link | None:
        """The way to the server; None for an instance that is alone."""
        return self.shared.link if self.shared is not None else None

    @property
    def instance(self) -> str:
        """The name of this instance; empty when it is alone."""
        return self.shared.link.instance if self.shared is not None else ""

    @property
    def up(self) -> bool:
        """Whether the shared server is there; True for an instance that is alone."""
        return self.shared is None or self.shared.link.up


@asynccontextmanager
async def open_swarm(settings: SwarmSettings, *, clock: Clock) -> AsyncIterator[Swarm]:
    """Open what the settings say is shared; with an empty `redis_url` nothing leaves the process.

    A server that cannot be reached is no error. Raises ConfigError for one that will not do.
    """
    if not settings.redis_url:
        yield Swarm(settings, LocalLeases(clock=clock), LocalReservations(clock=clock))
        return
    async with open_link(settings, clock=clock) as link:
        presence = Presence(link, clock=clock)
        shared = Shared(link, Bulletin(link, clock=clock), presence, clock)
        try:
            async with alongside(presence.beat()):
                yield Swarm(
                    settings,
                    leases=SharedLeases(link, clock=clock),
                    reservations=SharedReservations(link, clock=clock),
                    shared=shared,
                )
        finally:
            await presence.leave()


def swarm_line(settings: SwarmSettings) -> str:
    """Return what the settings amount to, for a person; asks nobody. Raises ConfigError."""
    if not settings.redis_url:
        return "none: this instance is alone"
    Link(settings, clock=SystemClock())
    name = f", as {settings.instance}" if settings.instance else ""
    return f"{shown_url(settings.redis_url)}, prefix {settings.prefix}{name}"
