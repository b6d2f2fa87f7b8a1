"""What an instance that is alone does for itself; the contracts are in the tests of what is shared."""

from tgewatch.swarm.local import REMEMBERED, LocalLeases, LocalReservations
from tgewatch.testing import ManualClock


async def test_tokens_grow_although_the_clock_is_set_back():
    clock = ManualClock()
    leases = LocalLeases(clock=clock)
    first = await leases.take("a", seconds=10)
    clock.advance(-3_600)
    second = await leases.take("b", seconds=10)

    assert second.token == first.token + 1
    clock.advance(7_200)
    assert (await leases.take("c", seconds=10)).token > second.token + 1_000_000


async def test_a_reservation_ends_to_the_second():
    clock = ManualClock()
    reservations = LocalReservations(clock=clock)
    assert await reservations.reserve("a", seconds=10)
    clock.advance(9.9)
    assert not await reservations.reserve("a", seconds=10)
    clock.advance(0.1)
    assert await reservations.reserve("a", seconds=10)


async def test_what_ran_out_is_not_remembered_for_ever():
    clock = ManualClock()
    reservations = LocalReservations(clock=clock)
    for n in range(3 * REMEMBERED):
        await reservations.reserve(str(n), seconds=1)
        clock.advance(0.001)

    assert len(reservations._until) <= REMEMBERED
    assert repr(reservations) == "<LocalReservations 1000 held>"


async def test_what_still_holds_is_never_forgotten():
    reservations = LocalReservations(clock=ManualClock())
    for n in range(3 * REMEMBERED):
        assert await reservations.reserve(str(n), seconds=60)

    assert not await reservations.reserve("0", seconds=60)
