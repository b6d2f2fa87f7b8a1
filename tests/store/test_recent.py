"""What the writer remembers of events: never older than what is stored."""

import asyncio
from contextlib import contextmanager
from dataclasses import replace
from random import Random

import pytest
import sqlalchemy as sa

from tgewatch.detect.correct import Edit, edit
from tgewatch.detect.merge import merge
from tgewatch.model import Kind
from tgewatch.store import Access
from tgewatch.store.recent import Recent
from tgewatch.testing.claims import claim
from tgewatch.testing.polls import FEED, NOW, claimed, poll, simple_merge

OTHER = "https://other.example/feed.xml"


@contextmanager
def watched():
    """Yield the statements that any connection executes from now on."""
    said = []

    @sa.event.listens_for(sa.Engine, "before_cursor_execute")
    def before(_connection, _cursor, statement, *_):
        said.append(" ".join(statement.split()))

    try:
        yield said
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", before)


def readings(said):
    """Return how often the evidence of events was read."""
    return sum(one.startswith("SELECT claims.event_id, claims.data") for one in said)


def event_of(number, size=1):
    merged = merge(claim(f"Project {number}", project=f"Project {number}"), [], NOW)
    return replace(merged.event, id=str(number), claims=merged.event.claims * size)


def test_an_event_is_read_once_and_not_again_in_the_transactions_that_follow(sql):
    async def story():
        async with sql.open() as store:
            await store.commit_poll(poll(claimed("a", "Foo")))
        async with sql.open() as store:
            with watched() as said:
                await store.commit_poll(poll(claimed("b", "Foo"), polls=2))
                assert readings(said) == 1
                await store.commit_poll(poll(claimed("c", "Foo"), polls=3))
                await store.commit_poll(poll(claimed("d", "Foo", source=OTHER), source=OTHER))
                assert readings(said) == 1
            (event,) = await store.events()
            assert len(event.claims) == 4

    asyncio.run(story())


def test_evidence_that_stays_as_it_is_is_not_written_again(sql):
    async def story():
        async with sql.open(merge=merge) as store:
            for number in range(5):
                await store.commit_poll(poll(claimed(f"{number}", "Foo"), polls=number + 1))
            with watched() as said:
                await store.commit_poll(poll(claimed("late", "Foo"), polls=9))
            written = [
                one for one in said if one.startswith(("INSERT INTO claims", "UPDATE claims"))
            ]
            assert len(written) == 1

    asyncio.run(story())


def test_what_another_has_changed_meanwhile_is_read_again(sql):
    def named(events, now):
        return [edit(event, Edit(company="Foo Labs"), now) for event in events]

    async def story():
        async with sql.open() as owner:
            await owner.commit_poll(poll(claimed("a", "Foo")))
            (event,) = await owner.events()
            async with sql.open(Access.AMEND) as other:
                await other.correct([event.id], named, at=NOW + 1)

            await owner.commit_poll(poll(claimed("b", "Foo"), polls=2))

            (event,) = await owner.events()
            assert (event.company, event.pinned) == ("Foo Labs", ("company",))
            assert len(event.claims) == 2

    asyncio.run(story())


def test_new_words_that_another_gives_a_claim_are_read_again_though_nothing_follows_from_them(pg):
    reworded = claimed("a", "Foo")
    reworded = replace(reworded, claim=replace(reworded.claim, why=(), seen=NOW + 7))

    async def story():
        async with (
            pg.open(Access.SHARE, merge=merge) as one,
            pg.open(Access.SHARE, merge=merge) as other,
        ):
            await one.commit_poll(poll(claimed("a", "Foo")))
            await one.commit_poll(poll(claimed("b", "Foo", source=OTHER), source=OTHER))
            source = poll(claimed("a", "Foo")).source
            await other.commit_rejudged(source, (reworded,), at=NOW + 8)

            stored = await one.commit_poll(poll(claimed("c", "Foo"), polls=2))

            (event,) = stored.events
            mine = next(each for each in event.claims if each.id == reworded.claim.id)
            assert (mine.seen, mine.why) == (NOW + 7, ())

    asyncio.run(story())


def test_nothing_is_remembered_of_a_transaction_that_failed(sql):
    def failing(said, candidates, now):
        if said.title == "About b":
            raise RuntimeError("no")
        return simple_merge(said, candidates, now)

    async def story():
        async with sql.open(merge=failing) as store:
            await store.commit_poll(poll(claimed("a", "Foo")))
            with pytest.raises(RuntimeError):
                await store.commit_poll(poll(claimed("lost", "Foo"), claimed("b", "Foo"), polls=2))

            stored = await store.commit_poll(poll(claimed("c", "Foo", source=OTHER), source=OTHER))

            for (event,) in (stored.events, await store.events()):
                assert {one.title for one in event.claims} == {"About a", "About c"}

    asyncio.run(story())


@pytest.mark.parametrize("seed", range(3))
def test_a_store_that_remembers_holds_what_one_holds_that_is_opened_anew_each_time(sql, seed):
    random = Random(seed)  # noqa: S311 - stories, no secrets

    def piece(number):
        source = random.choice((FEED, OTHER))
        made = [
            claimed(
                f"{random.randrange(12)}",
                random.choice(("Foo", "Foo Labs", "Bar", "BAR")),
                source=source,
                kind=random.choice(list(Kind)),
                ticker=random.choice(("", "FOO", "BAR")),
                title=random.choice(("Foo airdrop is live", "Bar opens claims", "A delay")),
            )
            for _ in range(random.choice((1, 1, 3)))
        ]
        again = random.random() < 0.3
        return number, source, {one.item.key: one for one in made}, again

    pieces = [piece(number) for number in range(14)]

    async def tell(store, number, source, made, again):
        at = NOW + number * 60.0
        judged = tuple(replace(one, claim=replace(one.claim, seen=at)) for one in made.values())
        one = poll(*judged, source=source, at=at, polls=number + 1)
        if again:
            await store.commit_rejudged(one.source, judged, at=at)
        else:
            await store.commit_poll(one)

    async def contents(store):
        events = sorted(await store.events(dismissed=True), key=lambda event: event.id)
        return events, [await store.history(event.id) for event in events], await store.totals()

    async def remembering():
        async with sql.open(merge=merge) as store:
            for each in pieces:
                await tell(store, *each)
            return await contents(store)

    async def forgetting():
        for each in pieces:
            async with sql.open(merge=merge) as store:
                await tell(store, *each)
        async with sql.open(merge=merge) as store:
            return await contents(store)

    found = asyncio.run(remembering())
    sql.clear()

    assert found == asyncio.run(forgetting())
    assert found[0]


def test_no_more_is_kept_than_was_agreed_and_the_last_used_stays():
    kept = Recent(most=10)
    for number in range(4):
        kept.read("", event_of(number, size=2))

    assert repr(kept) == "<Recent 3 events, 9 of 10 claims>"
    with sa.create_engine("sqlite://").connect() as connection:
        assert set(kept.find(connection, ["0", "1", "2", "3"])) == {"1", "2", "3"}
        kept.find(connection, ["1"])
        kept.read("", event_of(9, size=2))
        assert set(kept.find(connection, ["1", "2", "3", "9"])) == {"1", "3", "9"}


def test_an_event_that_is_too_large_is_not_kept():
    kept = Recent(most=10)
    kept.read("", event_of(1, size=20))

    assert repr(kept) == "<Recent 0 events, 0 of 10 claims>"


def test_what_a_transaction_changes_counts_at_once_and_what_it_removes_is_gone():
    kept = Recent()
    kept.read("", event_of(1))
    kept.read("", event_of(2))
    with sa.create_engine("sqlite://").connect() as connection:
        kept.write(connection, "1", event_of(1, size=3))
        kept.write(connection, "2", None)
        assert [len(e.claims) for e in kept.find(connection, ["1", "2"]).values()] == [3]
        kept.settle()
        assert set(kept.find(connection, ["1", "2"])) == {"1"}
        kept.forget()
        assert kept.find(connection, ["1", "2"]) == {}
        assert repr(kept) == "<Recent 0 events, 0 of 4000 claims>"


def test_what_nobody_said_the_end_of_is_not_believed():
    kept = Recent()
    with sa.create_engine("sqlite://").connect() as connection:
        with connection.begin():
            kept.begin(connection)
            kept.write(connection, "1", event_of(1))
            kept.begin(connection)
            assert set(kept.find(connection, ["1"])) == {"1"}
        with connection.begin():
            kept.begin(connection)
            assert kept.find(connection, ["1"]) == {}
