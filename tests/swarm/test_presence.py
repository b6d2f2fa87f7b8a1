from tgewatch.clock import SystemClock
from tgewatch.swarm.presence import LARGEST, summed


async def test_instances_count_each_other_and_those_that_leave_no_more(join_shared, until):
    async with join_shared() as one:
        await until(lambda: one.shared.presence.count == 1)
        async with join_shared() as two:
            await until(lambda: one.shared.presence.count == two.shared.presence.count == 2)
        await until(lambda: one.shared.presence.count == 1)


async def test_one_that_died_is_not_counted_for_long(server, join_shared, until):
    async with join_shared() as one:
        second, _ = server.say("TIME")
        server.say("ZADD", "tgewatch:instances", (int(second) - 100) * 1000, "dead.1")
        server.say("ZADD", "tgewatch:instances", (int(second) + 1) * 1000, "alive.1")
        await until(lambda: one.shared.presence.count == 2)
        listed = await one.shared.presence.present()

        assert [p.identity for p in listed if p.identity == "dead.1"] == []


async def test_who_was_never_counted_reckons_with_as_many_as_are_expected(own_server, join_own):
    own_server.kill()

    async with join_own(expected=7) as swarm:
        assert swarm.shared.presence.count == 7


async def test_without_the_server_the_last_count_holds(server, gated, until):
    async with gated(server) as (swarm, gate):
        await until(lambda: swarm.shared.presence.count == 1)
        await gate.close()
        await swarm.shared.presence.show()

        assert swarm.shared.presence.count == 1


async def test_what_each_counts_can_be_seen_and_summed(join_shared):
    async with (
        join_shared(instance="a", heartbeat=60) as one,
        join_shared(instance="b", heartbeat=60) as two,
    ):
        one.shared.presence.measured = lambda: ({"polls": 3}, {"memory_megabytes": 80.0})
        two.shared.presence.measured = lambda: ({"polls": 4, "items": 1}, {})
        for each in (one, two):
            await each.shared.presence.show()

        listed = await two.shared.presence.present()

        assert [p.snapshot.instance for p in listed] == ["a", "b"]
        assert listed[0].snapshot.gauges == {"memory_megabytes": 80.0}
        assert summed(listed) == {"polls": 7, "items": 1}
        assert all(0 <= p.silent < 60 for p in listed)


async def test_what_makes_no_sense_or_is_too_much_is_left_out(server, join_shared):
    async with join_shared(instance="a", heartbeat=60) as one:
        one.shared.presence.measured = lambda: ({"x" * LARGEST: 1}, {})
        await one.shared.presence.show()
        second, _ = server.say("TIME")
        server.say("ZADD", "tgewatch:instances", int(second) * 1000, "foreign")
        server.say("SET", "tgewatch:instance:foreign", "nonsense")

        listed = await one.shared.presence.present()

        assert {p.snapshot.instance: dict(p.snapshot.counts) for p in listed} == {"": {}, "a": {}}
        assert SystemClock().now() - listed[1].snapshot.started < 600
