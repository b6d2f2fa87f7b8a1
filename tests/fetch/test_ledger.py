import asyncio
import json
import threading
from random import Random

import pytest

from tgewatch.errors import RefusedError, TransientError
from tgewatch.fetch.blob import FileBlob
from tgewatch.fetch.ledger import Ledgers, ledgers_from
from tgewatch.rules.ledger import LedgerPolicy, Ticket, Urgency
from tgewatch.settings.limiting import LimitSettings
from tgewatch.testing import ManualClock
from tgewatch.testing.rate_server import NoAnswerError, RateFaults, RateServer
from tgewatch.testing.virtual_loop import VirtualClock, run_virtually

CAPPED = b'{"type":"https://api.example/problems/usage-capped"}'


def headers(remaining, *, clock, limit=450, ends_in=900.0):
    return {
        "x-rate-limit-limit": str(limit),
        "x-rate-limit-remaining": str(remaining),
        "x-rate-limit-reset": str(int(clock.now() + ends_in)),
    }


def explored(clock, remaining=449, *, ledgers=None, **how):
    """Return ledgers after one call to `search` with that answer."""
    ledgers = ledgers or Ledgers(clock=clock)
    ticket = ledgers.try_acquire("search")
    ledgers.settle(ticket, status=200, headers=headers(remaining, clock=clock, **how))
    return ledgers


def test_hands_out_what_the_server_has_left():
    clock = ManualClock()
    ledgers = explored(clock, remaining=5, limit=15)

    tickets = [ledgers.try_acquire("search") for _ in range(6)]

    assert [isinstance(each, Ticket) for each in tickets] == [True] * 5 + [False]
    assert tickets[-1].reason == "spent"


def test_endpoints_are_counted_apart():
    ledgers = explored(ManualClock(), remaining=0)

    assert ledgers.wait("search").reason == "spent"
    assert ledgers.wait("users").reason == "probe"


def test_says_how_it_stands():
    clock = ManualClock()
    ledgers = explored(clock, remaining=448, ends_in=311.5)

    assert repr(ledgers).startswith("<Ledger search 448/450 resets in 31")
    (standing,) = ledgers.standings()
    assert (standing.granted, standing.throttled, standing.lost) == (1, 0, 0)
    assert repr(Ledgers(clock=clock)) == "<Ledgers none>"


def test_a_wait_beyond_the_deadline_is_refused_at_once():
    clock = ManualClock()
    ledgers = explored(clock, remaining=0)

    with pytest.raises(TransientError) as caught:
        asyncio.run(ledgers.acquire("search", deadline=60))

    assert caught.value.cause == "rate_limited"
    assert 895 < caught.value.retry_after < 910
    assert clock.slept == []


def test_a_used_up_month_is_refused_to_all():
    clock = ManualClock()
    ledgers = Ledgers(clock=clock)
    ledgers.settle(ledgers.try_acquire("search"), status=429, body=CAPPED)

    with pytest.raises(RefusedError) as caught:
        asyncio.run(ledgers.acquire("search"))
    assert caught.value.cause == "usage_capped"
    ledgers.uncap("search")
    assert isinstance(ledgers.try_acquire("search"), Ticket)


def test_who_waits_learns_that_the_month_is_used_up():
    async def scenario():
        ledgers = Ledgers(clock=VirtualClock())
        probe = await ledgers.acquire("search")
        waiting = asyncio.ensure_future(ledgers.acquire("search"))
        await VirtualClock().sleep(1)
        ledgers.settle(probe, status=429, body=CAPPED)
        await waiting

    with pytest.raises(RefusedError):
        run_virtually(scenario())


def test_others_wait_for_the_probe_and_no_longer():
    async def scenario():
        clock = VirtualClock()
        ledgers = Ledgers(clock=clock)
        probe = await ledgers.acquire("search")
        tasks = [asyncio.ensure_future(ledgers.acquire("search")) for _ in range(10)]
        await clock.sleep(3)
        assert not any(task.done() for task in tasks)
        ledgers.settle(probe, status=200, headers=headers(449, clock=clock))
        await asyncio.gather(*tasks)
        return clock.monotonic(), ledgers.standings()[0]

    took, standing = run_virtually(scenario())

    assert took == pytest.approx(3)
    assert (standing.outstanding, standing.waiting) == (10, 0)
    assert standing.waited == pytest.approx(30)


def test_the_more_urgent_go_first_and_equals_in_their_order():
    async def scenario():
        clock = VirtualClock()
        ledgers, order = Ledgers(clock=clock), []
        probe = await ledgers.acquire("search")

        async def ask(name, urgency):
            ticket = await ledgers.acquire("search", urgency=urgency)
            order.append(name)
            await clock.sleep(1)
            ledgers.settle(ticket, status=200, headers=headers(400, clock=clock))

        async with asyncio.TaskGroup() as group:
            for name, urgency in (
                ("background", Urgency.BACKGROUND),
                ("normal 1", Urgency.NORMAL),
                ("high 1", Urgency.HIGH),
                ("normal 2", Urgency.NORMAL),
                ("high 2", Urgency.HIGH),
            ):
                group.create_task(ask(name, urgency))
            await clock.sleep(1)
            ledgers.settle(probe, status=200, headers=headers(400, clock=clock))
        return order

    assert run_virtually(scenario()) == ["high 1", "high 2", "normal 1", "normal 2", "background"]


def test_nobody_jumps_the_line():
    async def scenario():
        clock = VirtualClock()
        ledgers = Ledgers(clock=clock)
        probe = await ledgers.acquire("search")
        waiting = asyncio.ensure_future(ledgers.acquire("search"))
        await clock.sleep(1)
        refused = ledgers.try_acquire("search")
        ledgers.settle(probe, status=200, headers=headers(400, clock=clock))
        urgent = ledgers.try_acquire("search", urgency=Urgency.HIGH)
        await waiting
        return refused.reason, type(urgent)

    assert run_virtually(scenario()) == ("in line", Ticket)


def test_one_who_gives_up_makes_way():
    async def scenario():
        clock = VirtualClock()
        ledgers = Ledgers(clock=clock)
        probe = await ledgers.acquire("search")
        first = asyncio.ensure_future(ledgers.acquire("search"))
        second = asyncio.ensure_future(ledgers.acquire("search"))
        await clock.sleep(1)
        first.cancel()
        await clock.sleep(1)
        ledgers.settle(probe, status=200, headers=headers(400, clock=clock))
        await second
        return ledgers.standings()[0].waiting

    assert run_virtually(scenario()) == 0


def test_nobody_waits_in_line_beyond_the_deadline():
    async def scenario():
        clock = VirtualClock()
        ledgers = Ledgers(clock=clock, policy=LedgerPolicy(probe=1_000.0))
        await ledgers.acquire("search")  # and never heard of
        tasks = [
            asyncio.ensure_future(ledgers.acquire("search", deadline=20 + n)) for n in range(3)
        ]
        results = await asyncio.gather(*tasks, return_exceptions=True)
        return clock.monotonic(), results

    took, results = run_virtually(scenario())

    assert took == pytest.approx(22)
    assert all(isinstance(each, TransientError) for each in results)


def test_the_line_is_bounded():
    async def scenario():
        clock = VirtualClock()
        ledgers = Ledgers(clock=clock, most_waiting=3)
        await ledgers.acquire("search")
        tasks = [asyncio.ensure_future(ledgers.acquire("search", deadline=5)) for _ in range(4)]
        results = await asyncio.gather(*tasks, return_exceptions=True)
        return [str(each) for each in results]

    assert sum("too many" in each for each in run_virtually(scenario())) == 1


def test_a_call_left_unsettled_counts_as_lost():
    clock = ManualClock()
    ledgers = explored(clock)

    async def scenario():
        with pytest.raises(ValueError, match="on the way"):
            async with ledgers.call("search"):
                raise ValueError("on the way")
        async with ledgers.call("search") as ticket:
            ledgers.settle(ticket, status=200, headers=headers(400, clock=clock))

    asyncio.run(scenario())

    (standing,) = ledgers.standings()
    assert (standing.lost, standing.outstanding) == (1, 1)


def test_a_ticket_whose_call_was_never_sent_can_be_given_back():
    ledgers = explored(ManualClock())

    ledgers.release(ledgers.try_acquire("search"))

    assert ledgers.standings()[0].outstanding == 0


def test_a_machine_whose_clock_is_set_keeps_counting():
    class Settable(ManualClock):
        set_by = 0.0

        def now(self):
            return super().now() + self.set_by

    clock = Settable()
    ledgers = explored(clock, remaining=0)
    clock.set_by = 3_600.0

    assert ledgers.wait("search").reason == "spent"


def test_a_restart_keeps_the_window(tmp_path):
    clock, blob = ManualClock(), FileBlob(tmp_path / "state" / "ledger.json")
    explored(clock, remaining=0, ledgers=Ledgers(clock=clock, blob=blob)).close()
    clock.advance(100)

    again = Ledgers(clock=clock, blob=blob)

    assert again.wait("search").reason == "spent"
    clock.advance(820)  # neither clock is known well after a restart
    assert again.wait("search").reason == "probe"


def test_settings_say_how_careful_to_be(tmp_path):
    clock = ManualClock()
    settings = LimitSettings(margin=10)
    ledgers = explored(
        clock, remaining=10, ledgers=ledgers_from(settings, root=tmp_path, clock=clock)
    )

    assert ledgers.wait("search").reason == "spent"
    assert (tmp_path / "state" / "ledger.json").exists()
    assert explored(
        clock, ledgers=ledgers_from(LimitSettings(path=None), root=tmp_path, clock=clock)
    )


def test_a_crash_near_the_end_of_a_window_costs_no_429(tmp_path):
    clock, blob = ManualClock(), FileBlob(tmp_path / "ledger.json")
    ledgers = Ledgers(clock=clock, blob=blob)
    for remaining in (449, 20, 3, 0):  # all within one second, then killed
        explored(clock, remaining, ledgers=ledgers)

    assert Ledgers(clock=clock, blob=blob).wait("search").reason == "spent"


@pytest.mark.parametrize(
    "data",
    [b"", b"nonsense", b"[]", b'{"version": 2, "ledgers": {}}', b'{"version":1,"ledgers":{"a":1}}'],
)
def test_a_state_that_makes_no_sense_is_none(tmp_path, data):
    path = tmp_path / "ledger.json"
    path.write_bytes(data)

    assert repr(Ledgers(clock=ManualClock(), blob=FileBlob(path))) == "<Ledgers none>"


def test_a_state_that_cannot_be_written_stops_nobody(tmp_path):
    (tmp_path / "file").write_text("no folder")
    ledgers = explored(
        ManualClock(), ledgers=Ledgers(clock=ManualClock(), blob=FileBlob(tmp_path / "file" / "x"))
    )

    assert isinstance(ledgers.try_acquire("search"), Ticket)


def test_the_state_says_nothing_but_numbers(tmp_path):
    clock, path = ManualClock(), tmp_path / "ledger.json"
    explored(clock, ledgers=Ledgers(clock=clock, blob=FileBlob(path))).close()

    state = json.loads(path.read_bytes())

    assert set(state["ledgers"]["search"]) == {
        "clock",
        "windows",
        "blocked_until",
        "capped_until",
    }


def test_threads_never_take_more_than_there_is():
    ledgers = explored(ManualClock(), remaining=300)
    taken = []

    def take():
        for _ in range(100):
            got = ledgers.try_acquire("search")
            if isinstance(got, Ticket):
                taken.append(got.lease.number)

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(taken) == len(set(taken)) == 298


def test_loops_on_several_threads_stand_in_one_line():
    from tgewatch.clock import SystemClock  # noqa: PLC0415 - real threads need real time

    clock = SystemClock()
    ledgers = Ledgers(clock=clock)
    probe = ledgers.try_acquire("search")
    got = []

    def run():
        got.append(asyncio.run(ledgers.acquire("search", deadline=20)))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    while ledgers.standings()[0].waiting < 4:
        threading.Event().wait(0.001)
    ledgers.settle(probe, status=200, headers=headers(400, clock=clock))
    for thread in threads:
        thread.join(20)

    assert len(got) == 4


FAULTS = {
    "none": ({}, {}, 0.99),
    "fast clock": ({"skew": 3.0}, {}, 0.97),
    "slow clock": ({"skew": -3.0}, {}, 0.97),
    "drift": ({"drift": 50e-6}, {}, 0.97),
    "lost answers": ({}, {"lost": 0.005}, 0.97),
    "bare 503s": ({}, {"headerless": 0.02}, 0.97),
    "foreign use": ({}, {"foreign": 0.05}, 0.97),
    "stray dates": ({}, {"date_jitter": 0.5}, 0.97),
    "all": (
        {"skew": 3.0, "drift": 50e-6},
        {"lost": 0.005, "headerless": 0.02, "foreign": 0.05, "date_jitter": 0.2},
        0.96,
    ),
}


async def hours(ledgers, server, *, count, random):
    """Let 32 tasks use all they can get for some hours; return the share of the budget used."""

    async def work():
        while True:
            ticket = await ledgers.acquire("search")
            try:
                status, answer = await server.call()
            except NoAnswerError:
                ledgers.settle(ticket)
            else:
                ledgers.settle(ticket, status=status, headers=answer)
            await VirtualClock().sleep(random.uniform(0, 40))

    tasks = [
        asyncio.ensure_future(each) for each in (server.foreign_use(), *(work() for _ in range(32)))
    ]
    await VirtualClock().sleep(count * 3_600.0)
    for task in tasks:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert not [each for each in results if isinstance(each, Exception)]
    return server.accepted / (server.limit * count * 4)


@pytest.mark.parametrize("fault", FAULTS)
def test_hours_of_use_see_no_429_and_waste_next_to_nothing(fault):
    clock_faults, server_faults, least = FAULTS[fault]
    random = Random(fault)  # noqa: S311 - a seeded simulation

    async def scenario():
        ledgers = Ledgers(clock=VirtualClock(**clock_faults))
        server = RateServer(faults=RateFaults(**server_faults), random=random)
        return await hours(ledgers, server, count=0.5, random=random), server.refused, ledgers

    used, refused, ledgers = run_virtually(scenario())

    assert refused == 0
    assert used >= least
    assert ledgers._accounts["search"].throttled == 0


def test_two_programs_that_do_not_know_of_each_other_see_next_to_no_429():
    random = Random(5)  # noqa: S311 - a seeded simulation

    async def scenario():
        server = RateServer(random=random, limit=300)
        each = [Ledgers(clock=VirtualClock(skew=skew)) for skew in (2.0, -2.0)]
        await asyncio.gather(*(hours(one, server, count=0.5, random=random) for one in each))
        return server.refused, server.accepted

    refused, accepted = run_virtually(scenario())

    assert refused <= 2
    assert accepted >= 590
