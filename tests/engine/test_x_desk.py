"""The desk against the shipped fake X, in virtual time, as the engine would poll it."""

import asyncio
from dataclasses import replace
from random import Random

import pytest

from tgewatch.engine.x_desk import SOURCE, XDesk
from tgewatch.errors import ConfigError, RefusedError, TgewatchError, TransientError
from tgewatch.fetch.ledger import Ledgers
from tgewatch.model import Company, Priority, SourceState
from tgewatch.parse.x_items import key_of
from tgewatch.settings import XSettings
from tgewatch.sources.x_parts import x_parts
from tgewatch.testing.virtual_loop import VirtualClock, run_virtually
from tgewatch.testing.x_caller import InProcessCaller, MemoryNotes
from tgewatch.world.x import Account, Archive, FakeX, Faults, Post, Product

TOKEN = "token"  # noqa: S105 - of a fake
FOO, STRANGER = 7, 9


class Stage:
    """A company on X, and a desk that is polled as the engine does it."""

    def __init__(self, *, faults=None, product=None, tokens=None, skew=0.0, companies=None, **more):
        self.clock = VirtualClock(skew=skew)
        self.true = VirtualClock()
        self.archive = Archive()
        for number, name in ((FOO, "Foo"), (8, "Bar"), (STRANGER, "stranger")):
            self.archive.add_account(Account(number, name, followers=9_000))
        self.archive.lists[77] = frozenset({FOO, 8})
        self.fake = FakeX(
            self.archive, now=self.true.now, faults=faults, product=product, tokens=tokens
        )
        self.settings = XSettings(**{"token": TOKEN, "history": 0.0, **more})
        self.companies = companies or [
            Company("Foo", x_handle="Foo"),
            Company("Bar", x_handle="Bar"),
        ]
        self.caller = InProcessCaller(self.fake, self.clock)
        self.notes = MemoryNotes()
        self.state = SourceState(url=SOURCE.url)
        self.items = []
        self.desk = self.open()

    def open(self):
        self.parts = x_parts(
            self.settings,
            self.companies,
            caller=self.caller,
            turns=Ledgers(clock=self.clock),
            notes=self.notes,
            clock=self.clock,
        )
        self.desk = XDesk(
            self.settings,
            self.companies,
            ask=self.parts,
            clock=self.clock,
            chance=Random(1).random,  # noqa: S311 - jitter
        )
        return self.desk

    def post(self, text="the TGE", *, author=FOO, **more):
        at = round(self.true.now(), 3)
        made = Post(self.archive.next_id(at), author, text, at, **more)
        self.archive.add(made)
        return made.id

    async def poll(self, *, store=True):
        reading = await self.desk.read(SOURCE.url, self.state, ())
        if store:
            self.items += reading.items
            baseline = self.state.baseline_at or self.clock.now()
            self.state = replace(self.state, validators=reading.validators, baseline_at=baseline)
        return reading

    async def live(self, seconds, *, work=None):
        """Poll without pause for so long, with `work` beside it."""
        end = self.clock.monotonic() + seconds
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(self.desk.live(stop))
            if work is not None:
                group.create_task(work())
            while self.clock.monotonic() < end:
                try:
                    await self.poll()
                except TgewatchError:
                    await self.clock.sleep(30.0)
                await self.clock.sleep(0.05)
            stop.set()

    def keys(self):
        return [item.key for item in self.items]


def play(main):
    return run_virtually(main)


def test_a_scan_brings_what_is_new_and_nothing_twice():
    async def main():
        stage = Stage(history=3_600.0)
        first = stage.post()
        await stage.clock.sleep(60.0)
        await stage.poll()
        second = stage.post("the TGE moves")
        await stage.clock.sleep(120.0)
        await stage.poll()
        await stage.clock.sleep(120.0)
        last = await stage.poll()
        assert stage.keys() == [key_of(first), key_of(second)]
        assert last.unchanged
        assert stage.items[0].author == "@Foo"

    play(main())


def test_a_poll_that_was_not_stored_is_brought_again():
    async def main():
        stage = Stage(history=3_600.0)
        await stage.poll()
        post = stage.post()
        await stage.clock.sleep(120.0)
        lost = await stage.poll(store=False)
        assert [item.key for item in lost.items] == [key_of(post)]
        again = await stage.poll()
        assert [item.key for item in again.items] == [key_of(post)]
        assert (await stage.poll()).unchanged

    play(main())


def test_another_process_goes_on_where_the_last_one_was_stored():
    async def main():
        stage = Stage()
        await stage.poll()
        post = stage.post()
        await stage.clock.sleep(120.0)
        await stage.poll(store=False)
        stage.open()
        await stage.clock.sleep(120.0)
        reading = await stage.poll()
        assert key_of(post) in [item.key for item in reading.items]

    play(main())


@pytest.mark.parametrize("skew", [-3.0, 0.0, 3.0])
def test_the_stream_brings_posts_in_seconds(skew):
    async def main():
        stage = Stage(skew=skew)
        made = []

        async def work():
            await stage.clock.sleep(60.0)
            for _ in range(10):
                made.append(stage.post(f"the TGE {len(made)}"))
                before = len(stage.items)
                await stage.clock.sleep(30.0)
                assert len(stage.items) == before + 1

        await stage.live(400.0, work=work)
        assert stage.keys() == [key_of(post) for post in made]
        assert "filtered stream" in stage.desk.status()["strategy"]
        assert sum(stage.fake.log.too_many.values()) == 0

    play(main())


def test_what_a_gap_of_the_stream_has_swallowed_is_found_soon():
    async def main():
        stage = Stage()

        async def work():
            await stage.clock.sleep(60.0)
            stage.fake.streams.filtered.drop("stall")
            await stage.clock.sleep(5.0)
            stage.post()
            await stage.clock.sleep(100.0)
            assert len(stage.items) == 1

        await stage.live(200.0, work=work)

    play(main())


def test_an_edit_is_a_new_version_of_the_same_item():
    async def main():
        stage = Stage()

        async def work():
            await stage.clock.sleep(60.0)
            post = stage.post("the TGE is on May 5")
            await stage.clock.sleep(60.0)
            stage.archive.edit(post, "the TGE is on May 6", at=round(stage.true.now(), 3))

        await stage.live(700.0, work=work)
        assert len(set(stage.keys())) == 1
        assert [item.title[-1] for item in stage.items] == ["5", "6"]

    play(main())


def test_without_a_stream_searches_do_it_and_say_so():
    async def main():
        stage = Stage(strategy="packed")

        async def work():
            await stage.clock.sleep(100.0)
            stage.post()

        await stage.live(400.0, work=work)
        assert len(stage.items) == 1
        assert stage.fake.log.calls["GET /2/tweets/search/stream"] == 0
        assert stage.desk.status()["strategy"].endswith("as [x] strategy says")

    play(main())


def test_a_list_that_x_refuses_gives_way_to_packed_accounts():
    async def main():
        stage = Stage(strategy="list", list_id="77", product=Product(lists=False))

        async def work():
            await stage.clock.sleep(100.0)
            stage.post()

        await stage.live(500.0, work=work)
        assert len(stage.items) == 1
        assert "refuses the list" in stage.desk.status()["strategy"]

    play(main())


def test_a_wrong_token_is_one_clear_error():
    async def main():
        stage = Stage(tokens={"another": "app"})
        for _ in range(3):
            with pytest.raises(RefusedError, match="token") as caught:
                await stage.poll()
        assert caught.value.cause == "x_unauthorized"
        assert sum(stage.fake.log.calls.values()) == 1

    play(main())


def test_no_network_is_an_error_that_passes():
    async def main():
        stage = Stage()
        stage.caller.cut = True
        with pytest.raises(TransientError):
            await stage.poll()
        stage.caller.cut = False
        assert not (await stage.poll()).items

    play(main())


def test_money_that_runs_out_leaves_only_those_of_high_priority():
    async def main():
        watched = [
            Company("Foo", x_handle="Foo", priority=Priority.HIGH),
            Company("Bar", x_handle="Bar", priority=Priority.LOW),
        ]
        stage = Stage(strategy="packed", budget=0.02, companies=watched)
        await stage.poll()  # two accounts were looked up: all of the budget
        high, _ = stage.post("gm"), stage.post(author=8)
        await stage.clock.sleep(120.0)
        await stage.poll()
        assert stage.keys() == [key_of(high)]
        assert "only companies of high priority" in stage.desk.status()["saving"]

    play(main())


def test_keywords_are_counted_before_they_are_paid_for():
    async def main():
        stage = Stage(strategy="packed", keywords=("TGE",), keyword_filter="", keyword_posts=5)
        start = stage.true.now()
        for n in range(200):
            at = round(start - 86_400 * 3 + n * 60, 3)
            stage.archive.add(Post(stage.archive.next_id(at), STRANGER, "TGE", at))

        await stage.live(400.0)
        assert stage.fake.log.calls["GET /2/tweets/counts/recent"] == 1
        assert "keywords" not in [s["name"] for s in stage.desk.status()["shards"]]
        assert stage.items == []

    play(main())


def test_few_enough_keywords_bring_what_strangers_say_once():
    async def main():
        text = "the Foo TGE is said to happen on the fifth of May"
        stage = Stage(strategy="packed", keywords=("TGE",), keyword_filter="")

        async def work():
            await stage.clock.sleep(200.0)
            stage.post(text, author=STRANGER)
            stage.post(f"{text}!", author=STRANGER)

        await stage.live(800.0, work=work)
        assert [item.author for item in stage.items] == [""]

    play(main())


def test_queries_that_x_would_refuse_are_a_problem_of_the_settings():
    async def main():
        with pytest.raises(ConfigError, match="odd number"):
            Stage(exclude='lang:"')

    play(main())


def test_without_a_store_every_post_comes_once():
    async def main():
        stage = Stage(history=3_600.0)
        post = stage.post()
        await stage.clock.sleep(60.0)
        assert [p.id for p in await stage.desk.posts(seconds=20.0)] == [post]
        await stage.clock.sleep(120.0)
        assert await stage.desk.posts(seconds=20.0) == []

    play(main())


def test_many_faults_lose_no_post_and_see_no_429():
    async def main():
        faults = Faults(
            seed=2, unavailable=0.05, lost=0.02, short=0.1, late=0.05, disconnect=600.0, stale=20.0
        )
        stage = Stage(faults=faults, skew=3.0)
        made = []

        async def work():
            await stage.clock.sleep(60.0)
            while stage.clock.monotonic() < 6_000.0:
                made.append(stage.post(f"the TGE, part {len(made)}"))
                await stage.clock.sleep(97.0)

        await stage.live(7_200.0, work=work)
        assert sorted(stage.keys()) == sorted(key_of(post) for post in made)
        assert sum(stage.fake.log.too_many.values()) == 0

    play(main())


def test_a_post_that_was_removed_is_said_to_be_gone_and_costs_nothing_more():
    async def main():
        stage = Stage(strategy="packed", exclude="")

        async def work():
            await stage.clock.sleep(100.0)
            kept, gone = stage.post("the TGE is on May 5"), stage.post("the airdrop", author=8)
            await stage.clock.sleep(300.0)
            assert set(stage.keys()) == {key_of(kept), key_of(gone)}
            stage.archive.delete(gone, at=stage.true.now())
            spent = stage.fake.meter.dollars
            await stage.clock.sleep(4_000.0)
            assert stage.fake.meter.dollars == spent

        await stage.live(5_000.0, work=work)
        last = stage.items[-1]
        assert (last.gone, last.key) == (True, stage.items[1].key)
        assert "no longer" in last.title
        assert last.summary == last.content == ""
        assert [item.gone for item in stage.items] == [False, False, True]
        assert stage.desk.status()["gone"] == 1

    play(main())
