"""Everything that reads X, put together as the program does it."""

import asyncio

from tgewatch.fetch.ledger import Ledgers
from tgewatch.model import Company
from tgewatch.settings import PriceSettings, XSettings
from tgewatch.sources.x_parts import x_parts
from tgewatch.testing.virtual_loop import VirtualClock, run_virtually
from tgewatch.testing.x_caller import InProcessCaller, MemoryNotes
from tgewatch.world.x import Account, Archive, FakeX


def stage(**settings):
    clock = VirtualClock()
    archive = Archive()
    archive.add_account(Account(7, "Foo"))
    caller = InProcessCaller(FakeX(archive, now=clock.now), clock)
    parts = x_parts(
        XSettings(token="token", **settings),  # noqa: S106 - of a fake
        [Company("Foo Labs", x_handle="foo")],
        caller=caller,
        turns=Ledgers(clock=clock),
        notes=MemoryNotes(),
        clock=clock,
    )
    return parts, caller


def test_nothing_is_asked_when_they_are_made():
    async def main():
        _, caller = stage()
        assert caller.asked == []

    asyncio.run(main())


def test_a_look_up_is_charged_to_the_company_by_the_price_list():
    async def main():
        url = "https://api.x.com/api/credits/pricing"
        parts, caller = stage(prices=PriceSettings(url=url, user=9.0))
        await parts.money.load()
        await parts.who.lookup(["@FOO"])

        now = caller.clock.now()
        assert dict(parts.money.bill.companies(now)) == {"Foo Labs": 0.01}
        assert parts.who.handle("7") == "foo"

    run_virtually(main())
