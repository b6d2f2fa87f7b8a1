"""Everything that instances share, opened and closed in order."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tgewatch.clock import Clock, SystemClock
from tgewatch.ports import Leases, Reservations
from tgewatch.settings import SwarmSettings
from tgewatch.swarm.leases import SharedLeases, SharedReservations
from tgewatch.swarm.link import Link, open_link, shown_url
from tgewatch.swarm.local import LocalLeases, LocalReservations


@dataclass(frozen=True, slots=True)
class Swarm:
    """What this instance has in common with others, or has for itself when it is alone."""

    settings: SwarmSettings
    leases: Leases
    reservations: Reservations
    link: Link | None = None
    """None for an instance that is alone."""

    @property
    def instance(self) -> str:
        """The name of this instance; empty when it is alone."""
        return self.link.instance if self.link is not None else ""

    @property
    def up(self) -> bool:
        """Whether the shared server is there; True for an instance that is alone."""
        return self.link is None or self.link.up


@asynccontextmanager
async def open_swarm(settings: SwarmSettings, *, clock: Clock) -> AsyncIterator[Swarm]:
    """Open what the settings say is shared; with an empty `redis_url` nothing leaves the process.

    A server that cannot be reached is no error. Raises ConfigError for one that will not do.
    """
    if not settings.redis_url:
        yield Swarm(settings, LocalLeases(clock=clock), LocalReservations(clock=clock))
        return
    async with open_link(settings, clock=clock) as link:
        yield Swarm(
            settings,
            leases=SharedLeases(link, clock=clock),
            reservations=SharedReservations(link, clock=clock),
            link=link,
        )


def swarm_line(settings: SwarmSettings) -> str:
    """Return what the settings amount to, for a person; asks nobody. Raises ConfigError."""
    if not settings.redis_url:
        return "none: this instance is alone"
    Link(settings, clock=SystemClock())
    name = f", as {settings.instance}" if settings.instance else ""
    return f"{shown_url(settings.redis_url)}, prefix {settings.prefix}{name}"
