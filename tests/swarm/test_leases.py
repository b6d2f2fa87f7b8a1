import asyncio

import pytest


async def test_one_of_many_holds_a_lease_until_it_gives_it(join):
    async with join() as swarm:
        tenure = await swarm.leases.take("scheduler", seconds=60)

        assert await swarm.leases.take("scheduler", seconds=60) is None
        assert await swarm.leases.take("stream", seconds=60) is not None
        await swarm.leases.give(tenure)
        assert await swarm.leases.take("scheduler", seconds=60) is not None


async def test_a_lease_runs_out_by_itself(join, until):
    async with join() as swarm:
        tenure = await swarm.leases.take("scheduler", seconds=0.02)

        async def taken_again():
            return await swarm.leases.take("scheduler", seconds=60)

        await until(taken_again)
        assert not await swarm.leases.keep(tenure, seconds=60)


async def test_a_lease_that_is_kept_does_not_run_out(join, until):
    async with join() as swarm:
        short = await swarm.leases.take("short", seconds=0.02)
        kept = await swarm.leases.take("kept", seconds=0.02)
        assert await swarm.leases.keep(kept, seconds=60)

        async def taken():
            return await swarm.leases.take("short", seconds=60)

        await until(taken)
        assert await swarm.leases.take("kept", seconds=60) is None
        assert not await swarm.leases.keep(short, seconds=60)


async def test_who_lost_a_lease_cannot_give_or_keep_that_of_its_successor(join, until):
    async with join() as swarm:
        lost = await swarm.leases.take("scheduler", seconds=0.01)
        found = []

        async def taken():
            found.append(await swarm.leases.take("scheduler", seconds=60))
            return found[-1]

        await until(taken)
        await swarm.leases.give(lost)

        assert not await swarm.leases.keep(lost, seconds=60)
        assert await swarm.leases.keep(found[-1], seconds=60)
        assert await swarm.leases.take("scheduler", seconds=60) is None


async def test_tokens_grow_from_holder_to_holder(join):
    tokens = []
    for _ in range(3):
        async with join() as swarm:
            for _ in range(3):
                tenure = await swarm.leases.take("scheduler", seconds=60)
                tokens.append(tenure.token)
                await swarm.leases.give(tenure)

    assert tokens == sorted(set(tokens))


async def test_two_instances_never_hold_one_lease(join_shared):
    async with join_shared() as one, join_shared() as other:
        swarms = [one, other] * 20
        taken = await asyncio.gather(*(s.leases.take("only", seconds=60) for s in swarms))

        assert sum(each is not None for each in taken) == 1


async def test_tokens_grow_although_the_server_forgets_everything(server, join_shared):
    async with join_shared() as one, join_shared() as other:
        before = await one.leases.take("scheduler", seconds=60)
        server.say("FLUSHALL")
        after = await other.leases.take("scheduler", seconds=60)

        assert after.token > before.token
        assert not await one.leases.keep(before, seconds=60)


async def test_a_token_of_the_future_is_still_followed_by_a_greater_one(server, join_shared):
    server.say("SET", "tgewatch:token:scheduler", 8_000_000_000_000_000)

    async with join_shared() as swarm:
        tenure = await swarm.leases.take("scheduler", seconds=60)

    assert tenure.token == 8_000_000_000_000_001


async def test_without_the_server_a_holder_holds_on_for_its_time_and_nobody_else_is_let_in(
    server, gated, until
):
    async with gated(server) as (swarm, gate):
        long = await swarm.leases.take("long", seconds=60)
        short = await swarm.leases.take("short", seconds=0.05)
        await gate.close()

        assert await swarm.leases.keep(long, seconds=60)
        assert await swarm.leases.take("new", seconds=60) is None

        async def lost():
            return not await swarm.leases.keep(short, seconds=60)

        await until(lost)
        await swarm.leases.give(long)
        assert not await swarm.leases.keep(long, seconds=60)


async def test_a_thing_is_reserved_once(join):
    async with join() as swarm:
        assert await swarm.reservations.reserve("send", seconds=60)
        assert not await swarm.reservations.reserve("send", seconds=60)
        assert await swarm.reservations.reserve("other", seconds=60)
        await swarm.reservations.release("send")
        assert await swarm.reservations.reserve("send", seconds=60)


async def test_a_reservation_runs_out(join, until):
    async with join() as swarm:
        assert await swarm.reservations.reserve("send", seconds=0.02)

        async def reserved():
            return await swarm.reservations.reserve("send", seconds=60)

        await until(reserved)


@pytest.mark.parametrize("name", ["https://a.example/" + "x" * 5_000, "a\r\nDEL b", "ü {x}"])
async def test_any_name_will_do(join, name):
    async with join() as swarm:
        assert await swarm.reservations.reserve(name, seconds=60)
        assert not await swarm.reservations.reserve(name, seconds=60)
        assert await swarm.leases.take(name, seconds=60) is not None


async def test_what_one_instance_reserved_another_cannot_release(join_shared):
    async with join_shared() as one, join_shared() as other:
        assert await one.reservations.reserve("send", seconds=60)
        assert not await other.reservations.reserve("send", seconds=60)
        await other.reservations.release("send")

        assert not await other.reservations.reserve("send", seconds=60)
        await one.reservations.release("send")
        assert await other.reservations.reserve("send", seconds=60)


async def test_without_the_server_each_instance_reserves_for_itself(server, gated):
    async with gated(server) as (swarm, gate):
        await gate.close()

        assert await swarm.reservations.reserve("send", seconds=60)
        assert not await swarm.reservations.reserve("send", seconds=60)


async def test_other_prefixes_are_other_swarms(join_shared):
    async with join_shared() as one, join_shared(prefix="staging") as other:
        assert await one.leases.take("scheduler", seconds=60)
        assert await other.leases.take("scheduler", seconds=60)


async def test_a_foreign_value_under_our_key_is_no_lease_and_no_error(server, join_shared):
    server.say("LPUSH", "tgewatch:lease:scheduler", "x")
    server.say("SET", "tgewatch:lease:stream", "x")
    server.say("LPUSH", "tgewatch:once:send", "x")

    async with join_shared() as swarm:
        assert await swarm.leases.take("scheduler", seconds=60) is None
        assert await swarm.leases.take("stream", seconds=60) is None
        assert await swarm.reservations.reserve("send", seconds=60)
        assert swarm.up
