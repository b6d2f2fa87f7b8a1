import asyncio
from contextlib import asynccontextmanager

import pytest

from tgewatch.clock import SystemClock
from tgewatch.swarm.local import LocalShelf
from tgewatch.swarm.shelf import SharedShelf


@pytest.fixture(params=["alone", "shared"])
def opened(request):
    """Return what opens a shelf: in the process, or on the server."""

    @asynccontextmanager
    async def alone():
        yield LocalShelf(clock=SystemClock())

    @asynccontextmanager
    async def shared():
        async with request.getfixturevalue("join_shared")() as swarm:
            yield SharedShelf(swarm.link, "ledger")

    if request.param == "shared":
        request.getfixturevalue("server")
    return shared if request.param == "shared" else alone


async def test_a_shelf_holds_what_was_put_there_last_and_swaps_only_what_was_read(opened):
    async with opened() as shelf:
        empty = await shelf.read("search")
        done, page = await shelf.swap(empty, "search", b"one")
        late, stands = await shelf.swap(empty, "search", b"two")
        again, last = await shelf.swap(page, "search", b"\x00three")

        assert (empty.data, done, late, again) == (b"", True, False, True)
        assert (stands.data, last.data) == (b"one", b"\x00three")
        assert (await shelf.read("search")).data == b"\x00three"
        assert (await shelf.read("other")).data == b""
        assert last.at >= page.at > 1_600_000_000


async def test_of_many_who_swap_at_once_one_does(opened):
    async with opened() as shelf:
        empty = await shelf.read("search")
        done = await asyncio.gather(*(shelf.swap(empty, "search", b"%d" % n) for n in range(20)))

        assert sum(each for each, _ in done) == 1


async def test_the_time_is_the_servers_and_the_same_for_all(server, join_shared):
    async with join_shared() as one, join_shared() as other:
        shelves = [SharedShelf(swarm.link, "ledger") for swarm in (one, other)]
        pages = [await shelf.read("search") for shelf in shelves]
        second, _ = server.say("TIME")

        assert all(int(second) - 5 < page.at < int(second) + 2 for page in pages)
        assert abs(shelves[0].time() - shelves[1].time()) < 1
