import asyncio

import pytest

from tgewatch.errors import TransientError
from tgewatch.fetch.host_budget import MOST_HOSTS, HostBudgets
from tgewatch.testing import ManualClock
from tgewatch.testing.virtual_loop import VirtualClock, run_virtually


def test_no_window_ever_holds_more_calls_than_the_limit_however_many_ask_at_once():
    clock = VirtualClock()
    budgets = HostBudgets(limit=5, window=10.0, clock=clock)
    calls = []

    async def ask():
        await budgets.acquire("a.example", deadline=1_000)
        calls.append(clock.monotonic())

    async def scenario():
        async with asyncio.TaskGroup() as group:
            for _ in range(23):
                group.create_task(ask())

    run_virtually(scenario())

    assert len(calls) == 23
    assert all(b - a >= 10 - 1e-6 for a, b in zip(calls, calls[5:], strict=False))
    assert calls[-1] == pytest.approx(40.0)


def test_hosts_do_not_wait_for_each_other():
    clock = ManualClock()
    budgets = HostBudgets(limit=1, window=10.0, clock=clock)

    asyncio.run(budgets.acquire("a.example"))
    asyncio.run(budgets.acquire("b.example"))

    assert clock.slept == []


def test_the_wait_is_known_before_the_call():
    clock = ManualClock()
    budgets = HostBudgets(limit=1, window=10.0, clock=clock)
    asyncio.run(budgets.acquire("a.example"))
    clock.advance(4)

    assert budgets.wait("a.example") == pytest.approx(6)
    assert budgets.used("a.example") == 1
    assert asyncio.run(budgets.acquire("a.example")) == pytest.approx(6)
    assert budgets.wait("never.example") == 0


def test_a_wait_beyond_the_deadline_is_refused_at_once_and_books_nothing():
    clock = ManualClock()
    budgets = HostBudgets(limit=1, window=100.0, clock=clock)
    asyncio.run(budgets.acquire("a.example"))

    with pytest.raises(TransientError) as caught:
        asyncio.run(budgets.acquire("a.example", deadline=60))

    assert caught.value.retry_after == pytest.approx(100)
    assert budgets.wait("a.example") == pytest.approx(100)
    assert clock.slept == []


def test_an_early_wake_up_is_not_permission():
    class WakesEarly(ManualClock):
        async def sleep(self, seconds):
            await super().sleep(max(seconds / 2, 0.5))

    clock = WakesEarly(now=0.0)
    budgets = HostBudgets(limit=1, window=10.0, clock=clock)
    asyncio.run(budgets.acquire("a.example"))
    asyncio.run(budgets.acquire("a.example"))

    assert clock.now() >= 10


def test_remembers_a_bounded_number_of_hosts():
    budgets = HostBudgets(limit=1, window=10.0, clock=ManualClock())

    async def scenario():
        for n in range(MOST_HOSTS + 10):
            await budgets.acquire(f"{n}.example")

    asyncio.run(scenario())

    assert repr(budgets) == f"<HostBudgets 1 per 10s, {MOST_HOSTS} hosts>"
