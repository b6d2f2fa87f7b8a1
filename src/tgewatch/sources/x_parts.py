"""Everything that reads X, put together."""

from collections.abc import Sequence
from dataclasses import dataclass

from tgewatch.clock import Clock
from tgewatch.model import Company
from tgewatch.ports import Leases
from tgewatch.rules import x_plan
from tgewatch.rules.prices import Prices
from tgewatch.settings import XSettings
from tgewatch.sources.x_client import XClient
from tgewatch.sources.x_ports import Caller, Notes, Turns
from tgewatch.sources.x_prices import PriceList
from tgewatch.sources.x_purse import SavedPurse
from tgewatch.sources.x_search import QueryReader
from tgewatch.sources.x_stream import StreamReader
from tgewatch.sources.x_stream_owner import OwnedStreamReader
from tgewatch.sources.x_users import Users


@dataclass(frozen=True, slots=True)
class XParts:
    """Who asks X, and who remembers what it said and cost."""

    api: XClient
    queries: QueryReader
    stream: StreamReader
    who: Users
    money: SavedPurse
    notes: Notes


def x_parts(
    settings: XSettings,
    companies: Sequence[Company],
    *,
    caller: Caller,
    turns: Turns,
    notes: Notes,
    clock: Clock,
    leases: Leases | None = None,
) -> XParts:
    """Return them. Opens nothing and asks nothing.

    `leases` decide which of several instances with this token keeps the stream.
    """
    owners = {handle: company.name for handle, company in x_plan.accounts(companies).items()}

    def handle(user: str) -> str:
        return users.handle(user)  # who come later, as their look-ups are charged

    stated = Prices(settings.prices.post, settings.prices.user, settings.prices.counts)
    prices = PriceList(caller, url=settings.prices.url, stated=stated, notes=notes, clock=clock)
    purse = SavedPurse(
        settings, notes=notes, clock=clock, owners=owners, handle=handle, prices=prices
    )
    client = XClient(
        caller, turns, purse=purse, clock=clock, token=settings.token, base_url=settings.base_url
    )
    stream = (
        StreamReader(client, clock=clock)
        if leases is None
        else OwnedStreamReader(client, leases=leases, token=settings.token, clock=clock)
    )
    users = Users(client, notes=notes, clock=clock, fresh=settings.users_fresh)
    return XParts(
        api=client,
        queries=QueryReader(client, settings),
        stream=stream,
        who=users,
        money=purse,
        notes=notes,
    )
