"""Turns at a host, and waits that were asked for."""

import asyncio
import itertools

import pytest

from tgewatch.clock import SystemClock
from tgewatch.errors import TransientError
from tgewatch.fetch import politeness
from tgewatch.fetch.politeness import Hosts, Policies, Waits
from tgewatch.settings import FetchSettings, HostPolicy
from tgewatch.testing import ManualClock


async def visit(hosts, clock, starts, *, name="a", spacing=1.0, at_once=9, seconds=60.0):
    until = clock.monotonic() + seconds
    with await hosts.turn(name, spacing=spacing, at_once=at_once, until=until) as turn:
        turn.started()
        starts.append(clock.monotonic())


def test_starts_at_one_host_are_spaced_and_other_hosts_do_not_wait():
    async def main():
        clock = ManualClock(0.0)
        hosts, starts, others = Hosts(clock=clock), [], []
        for _ in range(3):
            await visit(hosts, clock, starts)
        before = clock.monotonic()
        await visit(hosts, clock, others, name="b")
        assert starts == [0, 1, 2]
        assert others == [before]

    asyncio.run(main())


def test_without_spacing_nobody_waits():
    async def main():
        clock = ManualClock(0.0)
        hosts, starts = Hosts(clock=clock), []
        for _ in range(5):
            await visit(hosts, clock, starts, spacing=0.0)
        assert starts == [0] * 5
        assert clock.slept == []

    asyncio.run(main())


def test_waiters_start_in_order_and_spaced_even_when_they_came_together():
    async def main():
        clock = ManualClock(0.0)
        hosts, starts = Hosts(clock=clock), []
        async with asyncio.TaskGroup() as group:
            for _ in range(5):
                group.create_task(visit(hosts, clock, starts))
        assert starts == [0, 1, 2, 3, 4]

    asyncio.run(main())


def test_no_more_are_at_a_host_at_once_than_allowed():
    async def main():
        clock = ManualClock(0.0)
        hosts = Hosts(clock=clock)
        inside, most = 0, 0

        async def stay():
            nonlocal inside, most
            with await hosts.turn("a", spacing=0.0, at_once=2, until=60.0) as turn:
                turn.started()
                inside += 1
                most = max(most, inside)
                for _ in range(5):
                    await SystemClock().sleep(0)
                inside -= 1

        async with asyncio.TaskGroup() as group:
            for _ in range(7):
                group.create_task(stay())
        assert most == 2

    asyncio.run(main())


def test_a_turn_that_would_come_too_late_is_refused_at_once_with_its_time():
    async def main():
        clock = ManualClock(0.0)
        hosts, starts = Hosts(clock=clock), []
        await visit(hosts, clock, starts, spacing=10.0)
        with pytest.raises(TransientError) as caught:
            await visit(hosts, clock, starts, spacing=10.0, seconds=5.0)
        assert caught.value.cause == "busy"
        assert caught.value.retry_after == 10.0
        assert clock.slept == []
        await visit(hosts, clock, starts, spacing=10.0, seconds=11.0)
        assert starts == [0, 10]

    asyncio.run(main())


def test_a_host_whose_places_stay_taken_is_busy_at_the_deadline():
    async def main():
        clock = ManualClock(0.0)
        hosts = Hosts(clock=clock)
        with await hosts.turn("a", spacing=0.0, at_once=1, until=60.0) as turn:
            turn.started()
            with pytest.raises(TransientError) as caught:
                await hosts.turn("a", spacing=0.0, at_once=1, until=0.01)
            assert caught.value.cause == "busy"
        await visit(hosts, clock, [], at_once=1)

    asyncio.run(main())


def test_a_waiter_that_leaves_does_not_block_the_queue():
    async def main():
        clock = ManualClock(0.0)
        hosts, starts = Hosts(clock=clock), []
        with await hosts.turn("a", spacing=0.0, at_once=1, until=60.0) as turn:
            turn.started()
            leaving = asyncio.ensure_future(visit(hosts, clock, starts, at_once=1))
            staying = asyncio.ensure_future(visit(hosts, clock, starts, at_once=1))
            await SystemClock().sleep(0)
            leaving.cancel()
            await SystemClock().sleep(0)
        await staying
        assert len(starts) == 1

    asyncio.run(main())


def test_a_visit_that_never_starts_lets_the_next_one_go():
    async def main():
        clock = ManualClock(0.0)
        hosts, starts = Hosts(clock=clock), []
        with await hosts.turn("a", spacing=1.0, at_once=1, until=60.0):
            pass  # it failed before it was sent
        await visit(hosts, clock, starts)
        assert starts == [0]

    asyncio.run(main())


def test_hosts_without_meaning_are_forgotten(monkeypatch):
    monkeypatch.setattr(politeness, "REMEMBERED", 10)

    async def main():
        clock = ManualClock(0.0)
        hosts = Hosts(clock=clock)
        for number in range(1000):
            await visit(hosts, clock, [], name=f"h{number}", spacing=1.0)
            clock.advance(1.0)
        assert len(hosts._hosts) < 30

    asyncio.run(main())


def test_a_policy_is_found_by_name_by_wildcard_or_in_general():
    policies = Policies(
        FetchSettings(
            spacing=3.0,
            hosts=(
                HostPolicy(host="Medium.com", retry_after_scope="host"),
                HostPolicy(host="*.substack.com", spacing=0.0),
                HostPolicy(host="*.a.substack.com", spacing=9.0),
            ),
        )
    )

    def spacing(host):
        return policies.spacing(policies.of(host))

    assert policies.of("medium.com").retry_after_scope == "host"
    assert spacing("medium.com") == 3.0
    assert spacing("x.substack.com") == 0.0
    assert spacing("x.a.substack.com") == 9.0
    assert spacing("substack.com") == 3.0
    assert spacing("notsubstack.com") == 3.0
    assert Policies(FetchSettings()).of("a").throttle_statuses == (429, 503)


def test_a_wait_stops_its_url_and_ends_on_time():
    clock = ManualClock(0.0)
    waits = Waits(clock=clock)
    waits.remember("http://a/x", 10, whole_host=False)

    assert waits.left("http://a/x") == 10
    assert waits.left("http://a/y") == 0
    clock.advance(9.5)
    assert waits.left("http://a/x") == 0.5
    clock.advance(0.5)
    assert waits.left("http://a/x") == 0


def test_a_wait_for_the_whole_host_stops_all_of_it():
    waits = Waits(clock=ManualClock(0.0))
    waits.remember("http://a:8080/x", 10, whole_host=True)

    assert waits.left("http://a/y") == 10
    assert waits.left("http://b/x") == 0


def test_a_wait_for_one_url_stops_the_minor_requests_to_its_host_as_well():
    waits = Waits(clock=ManualClock(0.0))
    waits.remember("http://a/feed", 10, whole_host=False)

    assert waits.left("http://a/article", minor=True) == 10
    assert waits.left("http://a/other-feed") == 0
    assert waits.left("http://b/article", minor=True) == 0


def test_a_later_shorter_wait_does_not_shorten_an_earlier_one():
    waits = Waits(clock=ManualClock(0.0))
    waits.remember("http://a/", 100, whole_host=False)
    waits.remember("http://a/", 1, whole_host=False)

    assert waits.left("http://a/") == 100


def test_waits_outlive_the_program_by_the_time_of_day():
    clock = ManualClock(1_000.0)
    waits, later = Waits(clock=clock), Waits(clock=clock)
    waits.remember("http://a/feed", 100, whole_host=False)
    waits.remember("http://b/", 10, whole_host=True)

    saved = waits.dump()
    clock.advance(40.0)
    later.load(saved)

    assert later.left("http://a/feed") == 60
    assert later.left("http://a/article", minor=True) == 60
    assert later.left("http://b/") == 0
    assert set(later.dump()) == {"url http://a/feed", "minor a"}


def test_a_saved_wait_that_is_absurd_is_not_believed():
    waits = Waits(clock=ManualClock(1_000.0))

    waits.load({"host a": 10.0**9, "host b": float("nan"), "": 1_100.0, "host c": 1_050.0})

    assert [waits.left(f"http://{name}/") for name in "abc"] == [0, 0, 50]


def test_waits_that_are_over_are_forgotten(monkeypatch):
    monkeypatch.setattr(politeness, "REMEMBERED", 10)
    clock = ManualClock(0.0)
    waits = Waits(clock=clock)
    for number in range(500):
        waits.remember(f"http://a/{number}", 1, whole_host=False)
        clock.advance(1.0)

    assert len(waits._until) < 30


def starts(clock, hosts, amount, **limits):
    """Return the seconds at which `amount` requests start, one after another, ended at once."""

    async def scenario():
        began, found = clock.monotonic(), []
        for _ in range(amount):
            with await hosts.turn("a", at_once=9, until=clock.monotonic() + 99, **limits) as turn:
                turn.started()
                found.append(clock.monotonic() - began)
        return found

    return asyncio.run(scenario())


def test_a_host_left_alone_takes_a_burst_and_then_one_each_spacing():
    clock = ManualClock()

    assert starts(clock, Hosts(clock=clock), 6, spacing=2.0, burst=4) == [0, 0, 0, 0, 2.0, 4.0]


def test_a_burst_is_earned_again_by_leaving_the_host_alone():
    clock = ManualClock()
    hosts = Hosts(clock=clock)
    starts(clock, hosts, 4, spacing=2.0, burst=4)

    clock.advance(4.0)

    assert starts(clock, hosts, 4, spacing=2.0, burst=4) == [0, 0, 2.0, 4.0]


def test_no_burst_means_every_start_is_spaced():
    clock = ManualClock()

    assert starts(clock, Hosts(clock=clock), 3, spacing=2.0) == [0, 2.0, 4.0]


async def stay(hosts, clock, seconds, *, share):
    """Visit for so long, and return when the visit began."""
    until = clock.monotonic() + 60.0
    with await hosts.turn("a", spacing=0.0, at_once=4, until=until, share=share) as turn:
        turn.started()
        begun = clock.monotonic()
        await SystemClock().sleep(seconds)
    return begun


def test_who_shares_waits_for_the_one_before_to_leave_and_no_longer_than_that():
    async def main():
        clock = SystemClock()
        hosts, begun = Hosts(clock=clock), clock.monotonic()
        starts = await asyncio.gather(*(stay(hosts, clock, 0.05, share=5.0) for _ in range(3)))
        assert max(starts) - begun < 2.0
        assert all(b - a >= 0.05 for a, b in itertools.pairwise(sorted(starts)))

    asyncio.run(main())


def test_who_shares_goes_in_beside_one_who_stays_too_long():
    async def main():
        clock = SystemClock()
        hosts = Hosts(clock=clock)
        first = asyncio.ensure_future(stay(hosts, clock, 5.0, share=0.0))
        await SystemClock().sleep(0)
        begun = clock.monotonic()
        assert 0.05 <= await stay(hosts, clock, 0.0, share=0.05) - begun < 2.0
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)

    asyncio.run(main())
