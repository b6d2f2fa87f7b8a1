"""The shared ledger: the rule on a shelf in virtual time, and on a real server in real time."""

import asyncio
from contextlib import AsyncExitStack, suppress
from random import Random

import pytest

from tgewatch.clock import SystemClock
from tgewatch.errors import RefusedError, TransientError
from tgewatch.rules.ledger import LedgerPolicy, Urgency
from tgewatch.swarm.ledgers import open_ledgers
from tgewatch.swarm.local import LocalShelf
from tgewatch.swarm.shelf import SharedShelf
from tgewatch.testing.rate_server import NoAnswerError, RateFaults, RateServer
from tgewatch.testing.virtual_loop import VirtualClock, run_virtually

COUNT = 8
CAPPED = b'{"type":"https://api.example/problems/usage-capped"}'


class FaultyShelf(LocalShelf):
    """Takes a moment for everything, forgets, and is gone when it is told to."""

    def __init__(self, *, clock, latency=0.002):
        super().__init__(clock=clock)
        self._latency = latency
        self.gone = False
        self.deaf = False
        """Does what it is told and does not say so."""

    async def read(self, name):
        await self._pass()
        return await super().read(name)

    async def swap(self, page, name, data):
        await self._pass()
        done = await super().swap(page, name, data)
        if self.deaf:
            raise TransientError("no answer", cause="swarm_down")
        return done

    def forget(self):
        self._states.clear()

    def put(self, name, state):
        self._states[name] = state

    async def _pass(self):
        await self._clock.sleep(self._latency)
        if self.gone:
            raise TransientError("the shelf is gone", cause="swarm_down")


def headers(remaining, *, at, limit=450, ends_in=900.0):
    return {
        "x-rate-limit-limit": str(limit),
        "x-rate-limit-remaining": str(remaining),
        "x-rate-limit-reset": str(int(at + ends_in)),
    }


class Several:
    """Some instances with one shelf."""

    def __init__(self, shelf, clocks, **how):
        self._shelf, self._clocks, self._how = shelf, clocks, how
        self._stack = AsyncExitStack()

    async def __aenter__(self):
        return [
            await self._stack.enter_async_context(
                open_ledgers(self._shelf, clock=clock, **self._how)
            )
            for clock in self._clocks
        ]

    async def __aexit__(self, *error):
        return await self._stack.__aexit__(*error)


def instances(count=2, **how):
    clock = VirtualClock()
    shelf = FaultyShelf(clock=clock)
    return shelf, Several(shelf, [clock] * count, **how)


async def explored(ledgers, shelf, remaining=449, **how):
    ticket = await ledgers.acquire("search")
    ledgers.settle(ticket, status=200, headers=headers(remaining, at=shelf.time(), **how))


def test_instances_together_are_given_what_the_server_has_left_and_no_more():
    async def scenario():
        shelf, several = instances(3)
        async with several as (one, two, three):
            await explored(one, shelf, remaining=20, limit=100)
            asked = [each.acquire("search", deadline=5) for each in (one, two, three) * 10]
            return await asyncio.gather(*asked, return_exceptions=True)

    got = run_virtually(scenario())

    refused = [each for each in got if isinstance(each, TransientError)]
    assert len(refused) == 12  # two of twenty are nobody's
    assert all(each.cause == "rate_limited" and each.retry_after > 890 for each in refused)


def test_one_instance_asks_how_it_stands_and_the_others_wait_for_its_answer():
    async def scenario():
        shelf, several = instances(3)
        async with several as (one, two, three):
            first = await one.acquire("search")
            rest = [asyncio.ensure_future(each.acquire("search")) for each in (two, three)]
            await VirtualClock().sleep(3)
            assert not any(each.done() for each in rest)
            one.settle(first, status=200, headers=headers(449, at=shelf.time()))
            await asyncio.gather(*rest)
            return VirtualClock().monotonic()

    assert 3 <= run_virtually(scenario()) < 3.5


def test_endpoints_are_counted_apart_and_urgent_calls_go_first():
    async def scenario():
        shelf, several = instances(1)
        order = []
        async with several as (ledgers,):
            first = await ledgers.acquire("search")
            await ledgers.acquire("users")

            async def ask(urgency):
                await ledgers.acquire("search", urgency=urgency)
                order.append(urgency)

            async with asyncio.TaskGroup() as tasks:
                for urgency in (Urgency.BACKGROUND, Urgency.NORMAL, Urgency.HIGH):
                    tasks.create_task(ask(urgency))
                await VirtualClock().sleep(1)
                ledgers.settle(first, status=200, headers=headers(400, at=shelf.time()))
        return order

    assert run_virtually(scenario()) == [Urgency.HIGH, Urgency.NORMAL, Urgency.BACKGROUND]


def test_a_used_up_month_is_refused_to_all_instances_until_somebody_raises_it():
    async def scenario():
        _, several = instances(2)
        async with several as (one, two):
            one.settle(await one.acquire("search"), status=429, body=CAPPED)
            await VirtualClock().sleep(0.1)
            for each in (one, two):
                with pytest.raises(RefusedError) as caught:
                    await each.acquire("search")
                assert caught.value.cause == "usage_capped"
            two.uncap("search")
            await VirtualClock().sleep(0.1)
            assert await one.acquire("search", deadline=60)

    run_virtually(scenario())


def test_who_gives_up_or_never_sends_makes_way():
    async def scenario():
        shelf, several = instances(2)
        async with several as (one, two):
            await explored(one, shelf, remaining=1, limit=10)
            held = await one.acquire("search", deadline=5)
            waiting = asyncio.ensure_future(two.acquire("search"))
            await VirtualClock().sleep(0.1)
            waiting.cancel()
            await asyncio.wait({waiting})
            one.release(held)
            await VirtualClock().sleep(0.1)
            await two.acquire("search", deadline=5)
            (standing,) = two.standings()
            return standing.outstanding, standing.waiting

    assert run_virtually(scenario()) == (1, 0)


def test_nobody_waits_beyond_the_deadline_and_the_line_is_bounded():
    async def scenario():
        _, several = instances(1, policy=LedgerPolicy(probe=1_000.0), most_waiting=3)
        async with several as (ledgers,):
            await ledgers.acquire("search")  # and never heard of
            asked = [ledgers.acquire("search", deadline=20 + n) for n in range(4)]
            results = await asyncio.gather(*asked, return_exceptions=True)
            return VirtualClock().monotonic(), results

    took, results = run_virtually(scenario())

    assert took == pytest.approx(22, abs=0.1)
    assert all(isinstance(each, TransientError) for each in results)
    assert sum("too many" in str(each) for each in results) == 1


def test_calls_of_an_instance_that_died_are_counted_until_the_window_turns():
    async def scenario():
        shelf, several = instances(2)
        async with several as (dead, other):
            await explored(other, shelf, remaining=10, limit=20)
            for _ in range(6):
                await dead.acquire("search")  # and never heard of again
            await VirtualClock().sleep(200)
            got = [
                await asyncio.gather(other.acquire("search", deadline=5), return_exceptions=True)
                for _ in range(8)
            ]
            before = sum(not isinstance(each[0], Exception) for each in got)
            await VirtualClock().sleep(900)
            await explored(other, shelf, remaining=19, limit=20)
            await VirtualClock().sleep(1)
            return before, other.standings()[0].outstanding

    before, outstanding = run_virtually(scenario())

    assert before == 4
    assert outstanding == 0


def test_a_ticket_counts_once_however_often_it_is_settled():
    async def scenario():
        shelf, several = instances(1)
        async with several as (ledgers,):
            await explored(ledgers, shelf)
            ticket = await ledgers.acquire("search")
            for _ in range(3):
                ledgers.settle(ticket)
            with pytest.raises(ValueError, match="on the way"):
                async with ledgers.call("search"):
                    raise ValueError("on the way")
            await ledgers.acquire("search")
            return ledgers.standings()[0]

    standing = run_virtually(scenario())

    assert (standing.lost, standing.outstanding, standing.granted) == (2, 3, 4)


def test_what_the_shelf_forgot_is_put_back_by_those_who_know():
    async def scenario():
        shelf, several = instances(2)
        async with several as (one, two):
            await explored(one, shelf, remaining=10, limit=20)
            held = [await one.acquire("search") for _ in range(4)]
            assert len(held) == 4
            shelf.forget()
            first = await two.acquire("search", deadline=5)  # asks how it stands
            two.settle(first, status=200, headers=headers(9, at=shelf.time(), limit=20))
            one.settle(held[0], status=200, headers=headers(9, at=shelf.time(), limit=20))
            await VirtualClock().sleep(1)
            await one.acquire("search", deadline=5)
            return one.standings()[0].outstanding

    assert run_virtually(scenario()) == 4


def test_a_page_that_makes_no_sense_is_as_good_as_none(caplog):
    async def scenario():
        shelf, several = instances(1)
        shelf.put("search", b"12345678 and no ledger")
        async with several as (ledgers,):
            await explored(ledgers, shelf)
            await ledgers.acquire("search")
            return repr(ledgers)

    assert run_virtually(scenario()).startswith("<Ledger search 448/450")
    assert [r.message for r in caplog.records] == ["ledger_page_unreadable"]


def test_a_shelf_whose_clock_was_set_back_is_asked_carefully():
    async def scenario():
        clock = VirtualClock()
        shelf, several = instances(1)
        async with several as (ledgers,):
            await explored(ledgers, shelf)
            await clock.sleep(0.1)
            shelf._clock = VirtualClock(skew=-3_600)
            first = await ledgers.acquire("search", deadline=5)
            second = asyncio.ensure_future(ledgers.acquire("search", deadline=60))
            await clock.sleep(2)
            assert not second.done()
            ledgers.settle(first, status=200, headers=headers(400, at=shelf.time()))
            await second

    run_virtually(scenario())


def test_without_the_shelf_each_instance_takes_its_part_of_what_is_left():
    async def scenario():
        shelf, several = instances(2, parts=lambda: 4)
        async with several as (one, two):
            await explored(one, shelf, remaining=90, limit=100)
            await two.acquire("search")
            shelf.gone = True
            given = []
            for ledgers in (one, two):
                ticket = await ledgers.acquire("search", deadline=5)
                ledgers.settle(ticket, status=200, headers=headers(80, at=shelf.time(), limit=100))
                for _ in range(100):
                    with suppress(TransientError):
                        await ledgers.acquire("search", deadline=5)
                        given.append(ledgers)
            return given.count(one), given.count(two), [s.apart for s in one.standings()]

    one, two, apart = run_virtually(scenario())

    assert 15 <= one <= 20
    assert 15 <= two <= 20
    assert apart == [True]


def test_a_shelf_that_comes_back_is_told_what_was_done_without_it():
    async def scenario():
        shelf, several = instances(2, parts=lambda: 2)
        async with several as (one, two):
            await explored(one, shelf, remaining=90, limit=100)
            held = await one.acquire("search")
            shelf.gone = True
            first = await one.acquire("search")
            one.settle(first, status=200, headers=headers(70, at=shelf.time(), limit=100))
            one.settle(held, status=200, headers=headers(69, at=shelf.time(), limit=100))
            await one.acquire("search")
            shelf.gone = False
            ticket = await one.acquire("search", deadline=30)
            one.settle(ticket, status=200, headers=headers(67, at=shelf.time(), limit=100))
            await two.acquire("search", deadline=30)
            (standing,) = two.standings()
            return standing.line, standing.outstanding, standing.apart

    line, outstanding, apart = run_virtually(scenario())

    assert outstanding == 2
    assert line.startswith("<Ledger search 65/100")
    assert not apart


def test_a_change_whose_answer_was_lost_costs_calls_and_gives_none_twice():
    async def scenario():
        shelf, several = instances(1)
        async with several as (ledgers,):
            await explored(ledgers, shelf, remaining=50, limit=100)
            shelf.deaf = True
            first = await ledgers.acquire("search")  # apart, as nobody knows what was written
            shelf.deaf = False
            ledgers.settle(first, status=200, headers=headers(48, at=shelf.time(), limit=100))
            second = await ledgers.acquire("search", deadline=60)
            return first.lease.number, second.lease.number, ledgers.standings()[0].outstanding

    first, second, outstanding = run_virtually(scenario())

    assert first != second
    assert outstanding >= 2


FAULTS = {
    "none": ({}, {}, 0.985),
    "clocks of the instances apart": ({"skews": (-30.0, 0.0, 3.0, 3_600.0)}, {}, 0.985),
    "lost answers": ({}, {"lost": 0.005}, 0.97),
    "bare 503s": ({}, {"headerless": 0.02}, 0.97),
    "foreign use": ({}, {"foreign": 0.05}, 0.97),
    "stray dates": ({}, {"date_jitter": 0.5}, 0.97),
    "the shelf's clock 3 s fast": ({"skew": 3.0}, {}, 0.97),
    "the shelf's clock drifts": ({"drift": 50e-6}, {}, 0.97),
    "instances that die": ({"dying": True}, {}, 0.95),
    "a shelf that forgets": ({"forgets": True}, {}, 0.95),
    "a shelf that is gone now and then": ({"outages": True}, {}, 0.80),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_eight_instances_see_no_429_and_use_the_budget(fault):
    how, server_faults, least = FAULTS[fault]
    random = Random(fault)  # noqa: S311 - a trial, not a secret

    refused, used = run_virtually(Trial(random, how, server_faults).run(1.0))

    assert refused == 0
    assert used >= least


class Trial:
    """Eight instances that use all they can get for some hours, and what goes wrong meanwhile."""

    def __init__(self, random, how, server_faults):
        self.random, self.how = random, how
        self.server = RateServer(faults=RateFaults(**server_faults), random=random)
        self.shelf = FaultyShelf(
            clock=VirtualClock(skew=how.get("skew", 0.0), drift=how.get("drift", 0.0))
        )

    async def work(self, ledgers):
        while True:
            ticket = await ledgers.acquire("search")
            try:
                status, answer = await self.server.call()
            except NoAnswerError:
                ledgers.settle(ticket)
            else:
                ledgers.settle(ticket, status=status, headers=answer)
            await VirtualClock().sleep(self.random.uniform(0, 40))

    async def live(self, skew):
        clock, dies = VirtualClock(skew=skew), self.how.get("dying")
        while True:
            async with open_ledgers(self.shelf, clock=clock, parts=lambda: COUNT) as ledgers:
                loop = asyncio.get_running_loop()
                tasks = [loop.create_task(self.work(ledgers)) for _ in range(4)]
                try:
                    await clock.sleep(self.random.uniform(600, 3_000) if dies else 1e9)
                finally:
                    for task in tasks:
                        task.cancel()
                    await asyncio.wait(tasks)
                    for pen in ledgers._pens.values() if dies else ():
                        pen._reports.clear()  # a dead one reports nothing

    async def trouble(self):
        while self.how.get("forgets") or self.how.get("outages"):
            await VirtualClock().sleep(self.random.uniform(300, 1_500))
            if self.how.get("forgets"):
                self.shelf.forget()
            else:
                self.shelf.gone = True
                await VirtualClock().sleep(self.random.uniform(1, 600))
                self.shelf.gone = False

    async def run(self, hours):
        """Return the 429s, and the share of the budget that was used."""
        skews = self.how.get("skews", (0.0,))
        work = [self.server.foreign_use(), self.trouble()]
        work += [self.live(skews[n % len(skews)]) for n in range(COUNT)]
        tasks = [asyncio.ensure_future(each) for each in work]
        await VirtualClock().sleep(hours * 3_600.0)
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert not [each for each in results if isinstance(each, Exception)]
        return self.server.refused, self.server.accepted / (self.server.limit * hours * 4)


async def test_instances_on_a_real_server_are_given_what_is_left_and_no_more(join_shared, until):
    async with join_shared() as one, join_shared() as two:
        shelves = [SharedShelf(swarm.link, "ledger") for swarm in (one, two)]
        async with (
            open_ledgers(shelves[0], clock=SystemClock()) as here,
            open_ledgers(shelves[1], clock=SystemClock()) as there,
        ):
            await explored(here, shelves[0], remaining=60, limit=100)
            asked = [each.acquire("search", deadline=60) for each in (here, there) * 50]
            got = await asyncio.gather(*asked, return_exceptions=True)
            tickets = [each for each in got if not isinstance(each, Exception)]

            assert len(tickets) == 58
            assert len({each.lease.number for each in tickets}) == 58
            here.release(tickets[0])

            async def given():
                with suppress(TransientError):
                    return await there.acquire("search", deadline=60)

            await until(given)
