"""Names to addresses, from threads of our own."""

import asyncio
import socket
import threading

import pytest

from tgewatch.fetch.resolve import Resolver


def answer(*addresses):
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, 80)) for a in addresses]


def test_brings_every_address_of_a_name_in_order():
    async def main():
        resolver = Resolver(lambda *_: answer("192.0.2.1", "192.0.2.2"))
        found = await resolver.resolve("name.example", 80)
        await resolver.close()
        assert [(r["host"], r["port"], r["hostname"]) for r in found] == [
            ("192.0.2.1", 80, "name.example"),
            ("192.0.2.2", 80, "name.example"),
        ]

    asyncio.run(main())


def test_many_names_are_looked_up_at_once():
    together = threading.Barrier(20)

    def lookup(*_):
        together.wait(5)
        return answer("192.0.2.1")

    async def main():
        resolver = Resolver(lookup)
        async with asyncio.TaskGroup() as group:
            for number in range(20):
                group.create_task(resolver.resolve(f"h{number}", 80))
        await resolver.close()

    asyncio.run(main())


@pytest.mark.parametrize("error", [socket.gaierror(-2, "unknown"), UnicodeError("label too long")])
def test_a_name_that_cannot_be_looked_up_is_an_oserror(error):
    def lookup(*_):
        raise error

    async def main():
        resolver = Resolver(lookup)
        with pytest.raises(OSError):  # noqa: PT011 - any of them
            await resolver.resolve("h", 80)
        await resolver.close()

    asyncio.run(main())


def test_numbers_in_any_spelling_come_out_as_addresses():
    async def main():
        resolver = Resolver()
        for spelling in ("2130706433", "0177.0.0.1", "0x7f.1", "127.1"):
            found = await resolver.resolve(spelling, 80)
            assert {r["host"] for r in found} == {"127.0.0.1"}
        await resolver.close()

    asyncio.run(main())
