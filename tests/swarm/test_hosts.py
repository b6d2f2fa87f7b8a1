import asyncio

import pytest

from tgewatch.clock import SystemClock
from tgewatch.errors import TransientError
from tgewatch.fetch.host_budget import HostBudgets


def budgets(swarm, *, limit=5, window=60.0):
    def alone(calls):
        return HostBudgets(limit=calls, window=window, clock=SystemClock())

    return swarm.shared.budgets(limit=limit, window=window, alone=alone)


async def given(budgets, host="a.example", *, asked=20):
    """Return how many calls are given at once."""
    asking = (budgets.acquire(host, deadline=0.0) for _ in range(asked))
    got = await asyncio.gather(*asking, return_exceptions=True)
    assert all(isinstance(each, float | TransientError) for each in got)
    return sum(not isinstance(each, Exception) for each in got)


async def test_all_instances_together_have_one_budget_per_host(join_shared):
    async with join_shared() as one, join_shared() as two:
        here, there = budgets(one), budgets(two)
        counts = await asyncio.gather(given(here), given(there))

        assert sum(counts) == 5
        assert await given(here, "b.example") == 5


async def test_the_wait_is_known_and_a_refused_call_books_nothing(join_shared):
    async with join_shared() as one:
        here = budgets(one, limit=1)
        assert await here.acquire("a.example", deadline=0) == 0
        for _ in range(3):
            with pytest.raises(TransientError) as caught:
                await here.acquire("a.example", deadline=30)
            assert caught.value.cause == "rate_limited"
            assert 55 < caught.value.retry_after <= 60


async def test_who_may_wait_is_given_a_time_of_his_own(join_shared):
    async with join_shared() as one, join_shared() as two:
        here, there = budgets(one, limit=2, window=0.05), budgets(two, limit=2, window=0.05)
        asking = [each.acquire("a.example", deadline=30) for each in (here, there) * 4]
        waits = sorted(await asyncio.gather(*asking))

        assert waits[:2] == [0, 0]
        assert 0.14 <= waits[-1] <= 0.16


async def test_without_the_server_each_has_its_part(server, gated):
    async with gated(server, expected=4) as (swarm, gate):
        await swarm.shared.presence.leave()
        here = budgets(swarm, limit=20)
        swarm.shared.presence._counted = 4
        await gate.close()

        assert await given(here) == 5
        assert await given(here) == 0
        await gate.open()


async def test_a_part_is_never_nothing(server, gated):
    async with gated(server) as (swarm, gate):
        swarm.shared.presence._counted = 400
        await gate.close()

        assert await given(budgets(swarm, limit=20)) == 1


async def test_bookings_far_in_the_future_come_from_a_clock_that_was_wrong(server, join_shared):
    second, _ = server.say("TIME")
    for _ in range(5):
        server.say("RPUSH", "tgewatch:calls:a.example", (int(second) + 100_000) * 1_000_000)

    async with join_shared() as one:
        assert await given(budgets(one)) == 5


async def test_a_pause_that_one_was_told_is_obeyed_by_all_and_by_those_who_come_later(
    join_shared, until
):
    first, second, third = [], [], []
    async with (
        join_shared() as one,
        join_shared() as two,
        one.shared.pauses(first.append) as telling,
        one.shared.listening(),
        two.shared.pauses(second.append),
        two.shared.listening(),
    ):
        await until(lambda: two.shared.bulletin.listening)
        second.clear()
        telling.note({"host a.example": 600.0, "url https://b.example/x": 60.0})
        await until(lambda: second)
        async with (
            join_shared() as late,
            late.shared.pauses(third.append),
            late.shared.listening(),
        ):
            await until(lambda: late.shared.bulletin.listening)

    for told in (second[0], third[0]):
        assert 590 < told["host a.example"] <= 600
        assert 50 < told["url https://b.example/x"] <= 60
    assert all(not told for told in first)


async def test_a_pause_is_told_once_the_server_is_back(server, gated, join_shared, until):
    heard = []
    async with join_shared() as two, two.shared.pauses(heard.append), two.shared.listening():
        await until(lambda: two.shared.bulletin.listening)
        heard.clear()
        async with gated(server) as (one, gate), one.shared.pauses(lambda _: None) as telling:
            await gate.close()
            telling.note({"host a.example": 600.0})
            await until(lambda: not one.up)
            assert heard == []
            await gate.open()
            await until(lambda: heard)
            await until(lambda: repr(telling) == "<SharedPauses 0 untold>")

    assert list(heard[0]) == ["host a.example"]


async def test_a_shorter_pause_does_not_end_a_longer_one(join_shared, until):
    late = []
    async with join_shared() as one, one.shared.pauses(lambda _: None) as telling:
        telling.note({"host a.example": 600.0})
        await until(lambda: repr(telling) == "<SharedPauses 0 untold>")
        telling.note({"host a.example": 5.0})
        await until(lambda: repr(telling) == "<SharedPauses 0 untold>")
        async with join_shared() as two, two.shared.pauses(late.append), two.shared.listening():
            await until(lambda: late)

    assert late[0]["host a.example"] > 500
