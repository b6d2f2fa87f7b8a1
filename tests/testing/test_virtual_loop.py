import asyncio

import pytest

from tgewatch.testing.virtual_loop import VirtualClock, run_virtually


def test_a_day_passes_at_once():
    async def scenario():
        clock = VirtualClock(start=1_000.0)
        await clock.sleep(86_400)
        return clock.now()

    assert run_virtually(scenario()) == pytest.approx(87_400)


def test_tasks_wake_in_the_order_of_their_time():
    async def scenario():
        order = []

        async def sleeper(seconds):
            await VirtualClock().sleep(seconds)
            order.append(seconds)

        async with asyncio.TaskGroup() as group:
            for seconds in (30, 10, 20):
                group.create_task(sleeper(seconds))
        return order

    assert run_virtually(scenario()) == [10, 20, 30]


def test_a_clock_may_be_wrong():
    async def scenario():
        clock = VirtualClock(start=0.0, skew=3.0, drift=0.01)
        await VirtualClock().sleep(100)
        return clock.now(), clock.monotonic()

    assert run_virtually(scenario()) == (pytest.approx(104), pytest.approx(101))


def test_a_program_that_waits_for_nothing_is_told():
    async def scenario():
        await asyncio.get_running_loop().create_future()

    with pytest.raises(RuntimeError, match="nobody for the clock"):
        run_virtually(scenario())
