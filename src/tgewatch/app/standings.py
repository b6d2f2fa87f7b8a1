"""How the rate ledgers stand, for whoever only looks: nothing is taken, written or counted."""

from collections.abc import Sequence
from dataclasses import dataclass

from tgewatch.clock import Clock
from tgewatch.fetch.ledger import ledgers_from, policy_from
from tgewatch.rules.ledger import Wait
from tgewatch.settings import Settings
from tgewatch.swarm.ledger_page import decode
from tgewatch.swarm.link import Link, open_link
from tgewatch.swarm.shelf import SharedShelf

KIND = "ledger"
MOST = 100
"""Endpoints that are looked at."""
ROUNDS = 200
"""Of a search through the server's keys."""


@dataclass(frozen=True, slots=True)
class Stand:
    """How one endpoint stands."""

    endpoint: str
    line: str
    """`<Ledger search 448/450 resets in 312s>`."""
    wait: Wait
    """For a call of normal urgency, now."""


async def read_standings(settings: Settings, *, clock: Clock) -> Sequence[Stand]:
    """Return how each endpoint stands that was ever asked, by name.

    Of this machine's file, or of all instances where they share a server. Raises TransientError when
    that does not answer.
    """
    if settings.swarm.redis_url:
        async with open_link(settings.swarm, clock=clock) as link:
            return await _shared(link, settings)
    # Never closed: closing writes the file, which belongs to the watch.
    ledgers = ledgers_from(settings.limits, root=settings.root, clock=clock)
    found = [Stand(one.endpoint, one.line, one.wait) for one in ledgers.standings()]
    return sorted(found, key=lambda one: one.endpoint)[:MOST]


async def _shared(link: Link, settings: Settings) -> Sequence[Stand]:
    policy, shelf, found = policy_from(settings.limits), SharedShelf(link, KIND), []
    for name in sorted(await _names(link))[:MOST]:
        page = await shelf.read(name)
        ledger = decode(page.data, policy=policy, at=page.at)
        if ledger is not None:
            found.append(Stand(name, ledger.described(name, page.at), ledger.wait(page.at)))
    return found


async def _names(link: Link) -> set[str]:
    """Return the endpoints of which the server keeps a ledger."""
    begin, cursor = link.key(KIND, "").rstrip(":") + ":", "0"
    names: set[str] = set()
    for _ in range(ROUNDS):
        cursor, keys = await link.call("SCAN", cursor, "MATCH", f"{begin}*", "COUNT", 1_000)
        names |= {key.decode(errors="replace").removeprefix(begin) for key in keys}
        if int(cursor) == 0:
            break
    return names
