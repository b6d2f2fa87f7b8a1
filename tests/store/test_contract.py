"""What every store promises, the fake included."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from tgewatch.detect.correct import confirm, merge_events
from tgewatch.detect.merge import merge
from tgewatch.errors import RefusedError, TransientError
from tgewatch.model import DateClaim, Event, Kind, Label, Precision, SourceState, State, Transition
from tgewatch.ports import Merged
from tgewatch.testing.polls import (
    FEED,
    NOW,
    claimed,
    dropped,
    item,
    key_of,
    poll,
    simple_merge,
    simple_route,
    source_notice,
)

DAY = 86_400.0
MAY = DateClaim(NOW + 10 * DAY, NOW + 11 * DAY, Precision.DAY, text="in ten days")


def run(home: Any, story: Callable[[Any], Awaitable[None]], **ways: Any) -> None:
    async def whole() -> None:
        async with home.open(**ways) as store:
            await story(store)

    asyncio.run(whole())


# Sources


def test_a_source_is_remembered_as_its_last_poll_left_it(home):
    first, second = poll(polls=1, etag="a"), poll(polls=2, etag="b", at=NOW + 600)

    async def story(store):
        await store.commit_poll(first)
        await store.commit_poll(second)

        assert await store.source_states([FEED, "https://unknown.example/"]) == {FEED: second.state}
        assert await store.all_states() == {FEED: second.state}

    run(home, story)


def test_an_unknown_source_has_no_state(home):
    async def story(store):
        assert await store.source_states([FEED]) == {}
        assert await store.source_states([]) == {}

    run(home, story)


def test_what_was_stored_is_there_when_the_store_is_opened_again(home):
    run(home, lambda store: store.commit_poll(poll(claimed("a", "Foo"))))

    async def story(store):
        assert (await store.source_states([FEED]))[FEED].polls == 1
        assert [event.project for event in await store.events()] == ["Foo"]
        assert await store.unseen([item("a"), item("b")]) == {key_of("b"): "new"}

    run(home, story)


# Items


def test_items_are_new_once_and_edited_when_their_text_changes(home):
    async def story(store):
        wanted = [item("a"), item("b")]
        assert await store.unseen(wanted) == {key_of("a"): "new", key_of("b"): "new"}

        stored = await store.commit_poll(poll(dropped("a"), dropped("b")))

        assert stored.new == 2
        assert await store.unseen(wanted) == {}
        assert await store.unseen([item("a", title="Corrected"), item("b")]) == {
            key_of("a"): "edited"
        }

    run(home, story)


def test_an_edited_title_is_an_update_and_no_second_item(home):
    async def story(store):
        await store.commit_poll(poll(dropped("a")))
        again = replace(dropped("a", "other", title="Corrected"), edited=True)

        stored = await store.commit_poll(poll(again, at=NOW + 60))

        assert stored.new == 0
        (trace,) = await store.why("https://news.example/a")
        assert trace.record.judged.item.title == "Corrected"
        assert trace.record.judged.reason == "other"
        assert trace.record.judged.edited
        assert (trace.record.seen_at, trace.record.edited_at) == (NOW, NOW + 60)
        assert await store.unseen([item("a", title="Corrected")]) == {}

    run(home, story)


def test_an_item_that_its_source_removed_loses_its_text_and_its_claim_gets_a_note(home):
    async def story(store):
        await store.commit_poll(poll(claimed("a", "Foo", date=MAY), claimed("b", "Bar")))
        before = {event.project: event for event in await store.events()}
        removed = replace(item("a", title="which X has no longer"), summary="", gone=True)
        gone = replace(dropped("a"), item=removed, stage="gone", reason="removed", edited=True)

        stored = await store.commit_poll(poll(gone, at=NOW + 60))
        again = await store.commit_poll(poll(gone, at=NOW + 120))

        assert (stored.new, stored.transitions, stored.outgoing) == (0, (), ())
        assert (again.events, again.new) == ((), 0)
        after = {event.project: event for event in await store.events()}
        (claim,) = after["Foo"].claims
        assert [flag.name for flag in claim.flags] == ["removed"]
        assert (after["Foo"].state, after["Foo"].date) == (before["Foo"].state, before["Foo"].date)
        assert after["Bar"] == before["Bar"]
        (trace,) = await store.why("https://news.example/a")
        assert trace.record.judged.stage == "gone"
        assert trace.record.judged.item.title == "which X has no longer"
        assert trace.event is not None

    run(home, story, merge=merge)


def test_the_same_key_in_two_sources_is_two_items(home):
    other = "https://other.example/feed.xml"

    async def story(store):
        await store.commit_poll(poll(dropped("a")))

        assert await store.unseen([item("a", source=other)]) == {key_of("a"): "new"}
        await store.commit_poll(poll(dropped("a", source=other), source=other))

        assert len(await store.why("https://news.example/a")) == 2

    run(home, story)


def test_an_item_that_is_twice_in_one_poll_is_stored_once(home):
    async def story(store):
        stored = await store.commit_poll(poll(dropped("a"), dropped("a", title="Again")))

        assert stored.new == 1
        assert len(await store.why("https://news.example/a")) == 1

    run(home, story)


def test_the_same_poll_committed_twice_changes_nothing(home):
    one = poll(dropped("a"), claimed("b", "Foo"), notices=[source_notice("broken")])

    async def story(store):
        first = await store.commit_poll(one)
        before = await snapshot(store)
        second = await store.commit_poll(one)

        assert first.new == 2
        assert (len(first.events), len(first.transitions), len(first.outgoing)) == (1, 1, 3)
        assert (second.new, second.events, second.transitions, second.outgoing) == (0, (), (), ())
        assert await snapshot(store) == before

    run(home, story)


def test_whatever_a_publisher_writes_comes_back_or_is_mended(home):
    odd = "naïve \U0001f680 \u202e'; DROP TABLE items; -- %s {x} \x00 \ud800 end"
    one = replace(claimed("a", "Fo\x00o"), item=replace(item("a"), title=odd, author=odd))

    async def story(store):
        await store.commit_poll(poll(one))

        (trace,) = await store.why("https://news.example/a")
        assert trace.record.judged.item.title.startswith("naïve \U0001f680 \u202e'; DROP TABLE")
        assert len(await store.events()) == 1
        assert await store.unseen([one.item]) == {}

    run(home, story)


def test_keys_that_are_no_hashes_are_keys_all_the_same(home):
    long, odd = "x" * 5_000, "\ud800\x00"

    async def story(store):
        judged = [replace(dropped("a"), item=replace(item("a"), key=key)) for key in (long, odd)]
        assert (await store.commit_poll(poll(*judged))).new == 2
        assert (
            await store.unseen([replace(item("a"), key=key) for key in (long, odd, "third")])
        ) == {"third": "new"}

    run(home, story)


# Verdicts, reasons, why


def test_why_tells_the_whole_way_of_an_item(home):
    one = claimed("a", "Foo", kind=Kind.DATE_SET, date=MAY)

    async def story(store):
        await store.commit_poll(poll(dropped("b", "no_company"), one))

        (trace,) = await store.why("https://news.example/a")
        assert trace.record.source == "News of news.example/feed.xml"
        assert trace.record.judged.verdict == one.verdict
        assert trace.record.judged.item == one.item
        assert trace.record.baseline
        assert trace.claim == one.claim
        assert trace.joined == "first of its project"
        assert trace.event is not None
        assert trace.event.date == MAY
        assert [step.change for step in trace.transitions] == ["dated"]
        assert {one.channel for one in trace.deliveries} == {"console", "mail"}
        (stopped,) = await store.why("https://news.example/b")
        assert (stopped.record.judged.stage, stopped.record.judged.reason) == (
            "match",
            "no_company",
        )
        assert stopped.event is None

    run(home, story)


@pytest.mark.parametrize(
    "spelling",
    [
        "https://news.example/a",
        "https://news.example/a/",
        "http://news.example/a",
        "HTTPS://NEWS.example:443/a#top",
        "  news.example/a ",
        "https://news.example/a?utm_source=x",
    ],
)
def test_why_finds_close_spellings_of_a_url(home, spelling):
    async def story(store):
        await store.commit_poll(poll(dropped("a"), dropped("ab")))

        assert [t.record.judged.item.key for t in await store.why(spelling)] == [key_of("a")]
        assert await store.why("https://news.example/never") == []

    run(home, story)


def test_drops_are_counted_by_stage_and_reason_over_a_period(home):
    async def story(store):
        await store.commit_poll(poll(dropped("a"), dropped("b"), claimed("c", "Foo")))
        await store.commit_poll(poll(dropped("d", "old"), at=NOW + 60))

        assert await store.drops(0) == {
            ("event", "tge_announced"): 1,
            ("match", "no_term"): 2,
            ("match", "old"): 1,
        }
        assert await store.drops(NOW + 1) == {("match", "old"): 1}
        assert await store.drops(0, until=NOW) == {}

    run(home, story)


def test_records_come_in_the_order_they_were_seen(home):
    async def story(store):
        await store.commit_poll(poll(*(dropped(f"a{n}") for n in range(3))))
        await store.commit_poll(poll(claimed("b", "Foo"), at=NOW + 60))

        found = [record async for record in store.records()]
        assert [record.judged.item.key for record in found] == [
            key_of(name) for name in ("a0", "a1", "a2", "b")
        ]
        assert found[-1].judged == claimed("b", "Foo")
        late = [record async for record in store.records(NOW + 1, until=NOW + 61)]
        assert [record.seen_at for record in late] == [NOW + 60]

    run(home, story)


# Articles


def test_an_item_waits_for_its_article_until_it_is_judged_again(home):
    waits = replace(claimed("a", "Foo"), claim=None, article="wanted", article_retry_at=NOW + 5)

    async def story(store):
        await store.commit_poll(poll(waits, dropped("b")))

        assert await store.article_retries(NOW, limit=10) == []
        (waiting,) = await store.article_retries(NOW + 5, limit=10)
        assert (waiting.source, waiting.judged, waiting.baseline) == (FEED, waits, True)

        again = replace(claimed("a", "Foo"), article="fetched", article_text="All of it")
        stored = await store.commit_rejudged(poll().source, [again], at=NOW + 9)

        assert len(stored.transitions) == 1
        assert await store.article_retries(NOW + 100, limit=10) == []
        (trace,) = await store.why("https://news.example/a")
        assert trace.record.judged == again
        assert trace.record.judged_at == NOW + 9
        assert await store.unseen([item("a")]) == {}

    run(home, story)


def test_longest_due_articles_come_first_and_no_more_than_asked(home):
    some = [replace(dropped(f"a{n}"), article="wanted", article_retry_at=NOW - n) for n in range(5)]

    async def story(store):
        await store.commit_poll(poll(*some))

        found = await store.article_retries(NOW, limit=2)
        assert [one.judged.item.key for one in found] == [key_of("a4"), key_of("a3")]

    run(home, story)


def test_what_was_judged_of_an_older_text_does_not_replace_the_newer(home):
    async def story(store):
        await store.commit_poll(poll(dropped("a")))
        await store.commit_poll(poll(dropped("a", "edited", title="Corrected"), at=NOW + 1))

        stored = await store.commit_rejudged(poll().source, [claimed("a", "Foo")], at=NOW + 2)

        assert stored.transitions == ()
        (trace,) = await store.why("https://news.example/a")
        assert trace.record.judged.reason == "edited"

    run(home, story)


def test_rejudging_what_is_not_known_stores_nothing(home):
    async def story(store):
        stored = await store.commit_rejudged(poll().source, [claimed("a", "Foo")], at=NOW)

        assert stored.transitions == ()
        assert await store.events() == []

    run(home, story)


def test_a_claim_that_says_something_else_after_the_article_is_merged_again(home):
    async def story(store):
        await store.commit_poll(poll(claimed("a", "Foo")))
        dated = claimed("a", "Foo", kind=Kind.DATE_SET, date=MAY)

        stored = await store.commit_rejudged(poll().source, [dated], at=NOW + 1)
        again = await store.commit_rejudged(poll().source, [dated], at=NOW + 2)

        assert [step.change for step in stored.transitions] == ["dated"]
        assert again.transitions == ()
        (event,) = await store.events()
        assert event.claims == (dated.claim,)
        assert [step.number for step in await store.history(event.id)] == [1, 2]

    run(home, story)


def test_a_claim_that_turns_out_to_be_about_another_project_leaves_its_event(home):
    async def story(store):
        await store.commit_poll(poll(claimed("a", "Foo"), claimed("b", "Foo")))

        stored = await store.commit_rejudged(poll().source, [claimed("a", "Bar")], at=NOW + 1)

        assert [event.project for event in stored.events] == ["Bar"]
        assert [claim.item for claim in (await store.event("foo")).claims] == [key_of("b")]
        assert [claim.item for claim in (await store.event("bar")).claims] == [key_of("a")]
        (trace,) = await store.why("https://news.example/a")
        assert trace.event.project == "Bar"

    run(home, story)


def test_events_that_a_claim_shows_to_be_one_become_one_and_the_old_id_leads_there(home):
    async def story(store):
        await store.commit_poll(poll(claimed("a", "TreasureDAO"), claimed("b", "MAGIC")))
        old = await store.event("magic")

        stored = await store.commit_poll(
            poll(claimed("c", "TreasureDAO", ticker="MAGIC"), at=NOW + 1)
        )

        (event,) = await store.events()
        assert event.project == "TreasureDAO"
        assert {one.item for one in event.claims} == {key_of(name) for name in "abc"}
        assert await store.event(old.id) == event
        assert stored.outgoing == ()
        assert [s.change for s in await store.history(event.id)] == ["announced", "merged"]
        (trace,) = await store.why("https://news.example/b")
        assert trace.event == event

    run(home, story, merge=merge)


def test_a_claim_that_moves_away_changes_the_event_that_it_leaves(home):
    async def story(store):
        opened = claimed("b", "Zorblat", kind=Kind.LIVE)
        await store.commit_poll(poll(claimed("a", "Zorblat"), opened))

        stored = await store.commit_rejudged(
            poll().source, [claimed("b", "Camelot", kind=Kind.LIVE)], at=NOW + 1
        )

        found = {event.project: event for event in await store.events()}
        assert {name: event.state for name, event in found.items()} == {
            "Zorblat": State.ANNOUNCED,
            "Camelot": State.LIVE,
        }
        assert len(stored.events) == 2
        history = await store.history(found["Zorblat"].id)
        assert [step.change for step in history] == ["announced", "live", "moved"]

    run(home, story, merge=merge)


def test_the_beginning_of_an_id_leads_on_too_where_no_event_that_is_left_has_it(home):
    async def story(store):
        await store.commit_poll(poll(claimed("a", "Foo"), claimed("b", "Bar")))
        foo, bar = await store.event("foo"), await store.event("bar")
        await store.correct(
            [foo.id, bar.id], lambda found, now: [merge_events(found[0], found[1], now)], at=NOW
        )

        assert (await store.event("bar")).id == foo.id
        assert await store.event("baz") is None

    run(home, story, merge=merge)


def test_a_lone_claim_that_moves_takes_its_event_along(home):
    async def story(store):
        await store.commit_poll(poll(claimed("a", "Zorblat"), claimed("b", "Big")))
        old = await store.event("big")

        stored = await store.commit_rejudged(poll().source, [claimed("b", "Zorblat")], at=NOW + 1)

        (event,) = await store.events()
        assert len(event.claims) == 2
        assert await store.event(old.id) == event
        assert stored.outgoing == ()

    run(home, story, merge=merge)


def test_what_turns_out_to_report_nothing_is_no_evidence_any_more(home):
    async def story(store):
        opened = claimed("b", "Zorblat", kind=Kind.LIVE)
        await store.commit_poll(poll(claimed("a", "Zorblat"), opened, claimed("c", "Camelot")))
        refuted = [
            replace(claimed(name, project), stage="score", reason="x", claim=None)
            for name, project in (("b", "Zorblat"), ("c", "Camelot"))
        ]

        stored = await store.commit_rejudged(poll().source, refuted, at=NOW + 1)

        (event,) = await store.events()
        assert (event.project, event.state) == ("Zorblat", State.ANNOUNCED)
        assert [c.item for c in event.claims] == [key_of("a")]
        assert stored.outgoing == ()
        changes = [step.change for step in await store.history(event.id)]
        assert changes == ["announced", "live", "withdrawn"]
        (trace,) = await store.why("https://news.example/b")
        assert (trace.claim, trace.record.judged.stage) == (None, "score")
        again = await store.commit_poll(poll(claimed("d", "Camelot"), at=NOW + 2))
        assert [step.change for step in again.transitions] == ["announced"]
        assert len(await store.events()) == 2

    run(home, story, merge=merge)


def test_what_the_user_vouches_for_keeps_its_evidence(home):
    async def story(store):
        await store.commit_poll(poll(claimed("c", "Camelot")))
        (event,) = await store.events()
        await store.correct([event.id], lambda found, now: [confirm(found[0], now)], at=NOW)
        refuted = replace(claimed("c", "Camelot"), stage="score", reason="x", claim=None)

        await store.commit_rejudged(poll().source, [refuted], at=NOW + 1)

        (event,) = await store.events()
        assert len(event.claims) == 1

    run(home, story, merge=merge)


# Events


def test_claims_of_several_sources_and_polls_make_one_event(home):
    other = "https://other.example/feed.xml"

    async def story(store):
        await store.commit_poll(poll(claimed("a", "Foo", ticker="FOO")))
        stored = await store.commit_poll(
            poll(
                claimed("b", "Foo", source=other, kind=Kind.DATE_SET, date=MAY),
                claimed("c", "Bar", source=other),
                source=other,
                at=NOW + 60,
            )
        )

        assert [(step.event[:3], step.number, step.change) for step in stored.transitions] == [
            ("foo", 2, "dated"),
            ("bar", 1, "announced"),
        ]
        foo = await store.event("foo")
        assert foo is not None
        assert (foo.ticker, foo.sources, foo.changes, foo.state) == ("FOO", 2, 2, State.DATED)
        assert {claim.source for claim in foo.claims} == {FEED, other}
        assert [step.change for step in await store.history(foo.id)] == ["announced", "dated"]
        assert [step.change for step in await store.changes(NOW + 60)] == ["announced", "dated"]

    run(home, story)


def test_claims_of_one_poll_see_each_other(home):
    async def story(store):
        stored = await store.commit_poll(
            poll(claimed("a", "Foo"), claimed("b", "Foo", kind=Kind.LIVE))
        )

        assert [step.change for step in stored.transitions] == ["announced", "live"]
        assert len(stored.events) == 1

    run(home, story)


def test_a_claim_without_an_event_is_kept_with_its_reason(home):
    def refusing(*_):
        return Merged(None, reason="names nobody")

    async def story(store):
        stored = await store.commit_poll(poll(claimed("a", "Foo")))

        assert (stored.events, stored.outgoing) == ((), ())
        (trace,) = await store.why("https://news.example/a")
        assert (trace.claim, trace.joined, trace.event) == (
            claimed("a", "Foo").claim,
            "names nobody",
            None,
        )

    run(home, story, merge=refusing)


def test_numbers_of_transitions_go_on_whatever_the_merge_counts(home):
    def miscounting(claim, candidates, now):
        merged = simple_merge(claim, candidates, now)
        return replace(merged, transitions=tuple(replace(t, number=1) for t in merged.transitions))

    async def story(store):
        await store.commit_poll(poll(claimed("a", "Foo")))
        await store.commit_poll(poll(claimed("b", "Foo", kind=Kind.LIVE)))

        (event,) = await store.events()
        assert [step.number for step in await store.history(event.id)] == [1, 2]

    run(home, story, merge=miscounting)


def test_what_is_not_worth_telling_is_recorded_and_not_told(home):
    def quiet(claim, candidates, now):
        merged = simple_merge(claim, candidates, now)
        return replace(
            merged, transitions=tuple(replace(t, tell=False) for t in merged.transitions)
        )

    async def story(store):
        stored = await store.commit_poll(poll(claimed("a", "Foo")))

        assert (len(stored.transitions), stored.outgoing) == (1, ())
        assert await store.pending(NOW, limit=10) == []

    run(home, story, merge=quiet)


def test_events_are_found_by_state_company_text_and_time(home):
    async def story(store):
        await store.commit_poll(poll(claimed("a", "Foo", company="Foo Labs", ticker="FUU")))
        await store.commit_poll(poll(claimed("b", "Bar_50%", kind=Kind.LIVE), at=NOW + 60))

        async def names(**wanted):
            return [event.project for event in await store.events(**wanted)]

        assert await names() == ["Bar_50%", "Foo"]
        assert await names(limit=1) == ["Bar_50%"]
        assert await names(states=[State.LIVE]) == ["Bar_50%"]
        assert await names(states=[State.LIVE, State.ANNOUNCED]) == ["Bar_50%", "Foo"]
        assert await names(company="foo labs") == ["Foo"]
        assert await names(text="fuu") == ["Foo"]
        assert await names(text="_50%") == ["Bar_50%"]
        assert await names(text="%") == ["Bar_50%"]
        assert await names(since=NOW + 1) == ["Bar_50%"]
        assert await names(until=NOW + 1) == ["Foo"]
        assert await names(text="none such") == []

    run(home, story)


def test_upcoming_events_come_earliest_first_and_leave_when_they_are_over(home):
    later = replace(MAY, start=MAY.start + DAY, end=MAY.end + DAY)

    async def story(store):
        await store.commit_poll(
            poll(
                claimed("a", "Late", kind=Kind.DATE_SET, date=later),
                claimed("b", "Soon", kind=Kind.DATE_SET, date=MAY),
                claimed("c", "Never"),
            )
        )

        async def names(since, until=None):
            return [event.project for event in await store.upcoming(since, until=until)]

        assert await names(NOW) == ["Soon", "Late"]
        assert await names(NOW, until=later.start) == ["Soon"]
        assert await names(MAY.end + 1) == ["Late"]

    run(home, story)


def test_an_event_is_named_by_the_beginning_of_its_id(home):
    async def story(store):
        await store.commit_poll(poll(claimed("a", "Foo"), claimed("b", "Food")))

        assert (await store.event("food-")).project == "Food"
        assert (await store.event("foo-")).project == "Foo"
        assert await store.event("bar") is None
        assert await store.event("%") is None
        with pytest.raises(RefusedError, match=r"foo-\w+, food-\w+") as caught:
            await store.event("foo")
        assert caught.value.cause == "ambiguous"

    run(home, story)


# Time and the user's hand


def test_time_ends_what_is_over_once_and_tells_nobody_twice(home):
    def ending(event, now):
        if event.state is State.DONE or now < NOW + DAY:
            return Merged(event)
        step = Transition(event.id, event.changes + 1, "done", State.DONE, now, "", event.state)
        return Merged(replace(event, state=State.DONE, updated=now, changes=step.number), (step,))

    async def story(store):
        await store.commit_poll(poll(claimed("a", "Foo"), claimed("b", "Bar")))

        assert (await store.advance(NOW)).transitions == ()
        stored = await store.advance(NOW + DAY)
        assert sorted(step.event[:3] for step in stored.transitions) == ["bar", "foo"]
        assert len(stored.outgoing) == 4
        assert (await store.advance(NOW + 2 * DAY)).transitions == ()

    run(home, story, advance=ending)


def test_the_user_dismisses_an_event_and_finds_it_again(home):
    def dismiss(events, now):
        return [Merged(replace(event, dismissed=True, updated=now)) for event in events]

    async def story(store):
        await store.commit_poll(poll(claimed("a", "Foo")))
        (event,) = await store.events()

        await store.correct([event.id], dismiss, at=NOW + 1)

        assert await store.events() == []
        (kept,) = await store.events(dismissed=True)
        assert kept.claims == event.claims

    run(home, story)


def test_the_user_merges_two_events_and_old_links_lead_on(home):
    def together(events, now):
        kept, gone = events
        claims = kept.claims + gone.claims
        names = kept.names + gone.names
        return [Merged(replace(kept, claims=claims, names=names, updated=now))]

    async def story(store):
        await store.commit_poll(poll(claimed("a", "Foo"), claimed("b", "Phoo")))
        foo, phoo = await store.event("foo"), await store.event("phoo")

        stored = await store.correct([foo.id, phoo.id], together, at=NOW + 1)

        assert [event.id for event in stored.events] == [foo.id]
        assert [event.id for event in await store.events(dismissed=True)] == [foo.id]
        assert (await store.event(phoo.id)).id == foo.id
        assert {claim.project for claim in (await store.event("foo")).claims} == {"Foo", "Phoo"}
        (trace,) = await store.why("https://news.example/b")
        assert trace.event.id == foo.id
        with pytest.raises(RefusedError, match=f"{phoo.id} was merged into {foo.id}"):
            await store.correct([phoo.id], together, at=NOW + 2)

    run(home, story)


def test_the_user_splits_an_event_and_later_claims_find_the_right_one(home):
    def apart(events, now):
        (event,) = events
        first, second = sorted(event.claims, key=lambda one: one.item != key_of("a"))
        new = replace(event, id="new-1", claims=(second,), changes=0, project="Foo Two")
        step = Transition(new.id, 1, "split", new.state, now, "", tell=False)
        return [Merged(replace(event, claims=(first,))), Merged(new, (step,))]

    async def story(store):
        await store.commit_poll(poll(claimed("a", "Foo"), claimed("b", "Foo")))
        (event,) = await store.events()

        await store.correct([event.id], apart, at=NOW + 1)

        assert len((await store.event(event.id)).claims) == 1
        assert [c.item for c in (await store.event("new-1")).claims] == [key_of("b")]
        assert [step.change for step in await store.history("new-1")] == ["split"]

    run(home, story)


def test_correcting_what_is_not_there_is_refused_and_changes_nothing(home):
    def never(*_):
        raise AssertionError

    async def story(store):
        with pytest.raises(RefusedError, match="no such event: none-1") as caught:
            await store.correct(["none-1"], never, at=NOW)
        assert caught.value.cause == "unknown"

    run(home, story)


# The outbox


def test_a_change_is_told_once_to_every_channel(home):
    async def story(store):
        stored = await store.commit_poll(poll(claimed("a", "Foo")))

        due = await store.pending(NOW, limit=10)
        assert [one.key for one in due] == sorted(one.key for one in stored.outgoing)
        assert {(one.channel, one.state, one.attempts) for one in due} == {
            ("console", "pending", 0),
            ("mail", "pending", 0),
        }
        assert [one.notice for one in due] == [stored.outgoing[0].notice] * 2
        assert [one.channel for one in await store.pending(NOW, limit=10, channel="mail")] == [
            "mail"
        ]
        assert len(await store.pending(NOW, limit=1)) == 1

    run(home, story)


def test_delivered_is_for_good(home):
    async def story(store):
        await store.commit_poll(poll(claimed("a", "Foo")))
        first, second = await store.pending(NOW, limit=10)

        await store.delivered(first.key, NOW + 1)
        await store.postponed(first.key, attempts=1, next_at=NOW, error="late answer")
        await store.buried(first.key, attempts=1, error="late answer")

        assert [one.key for one in await store.pending(NOW + 9, limit=10)] == [second.key]
        assert await store.dead_letters() == []
        told = {one.key: one for one in await store.deliveries(0)}
        assert (told[first.key].state, told[first.key].delivered_at) == ("delivered", NOW + 1)

    run(home, story)


def test_what_could_not_be_delivered_is_tried_again_later(home):
    async def story(store):
        await store.commit_poll(poll(notices=[source_notice("broken")]))
        (one,) = await store.pending(NOW, limit=10)

        await store.postponed(one.key, attempts=1, next_at=NOW + 60, error="timeout")

        assert await store.pending(NOW + 59, limit=10) == []
        (again,) = await store.pending(NOW + 60, limit=10)
        assert (again.attempts, again.error, again.next_at) == (1, "timeout", NOW + 60)

    run(home, story)


def test_quiet_hours_hold_a_delivery(home):
    async def story(store):
        held = replace(source_notice("silent"), not_before=NOW + 3_600)
        await store.commit_poll(poll(notices=[held]))

        assert await store.pending(NOW + 3_599, limit=10) == []
        assert len(await store.pending(NOW + 3_600, limit=10)) == 1

    run(home, story)


def test_no_change_of_an_event_overtakes_an_earlier_one_in_its_channel(home):
    async def story(store):
        await store.commit_poll(poll(claimed("a", "Foo"), claimed("b", "Foo", kind=Kind.LIVE)))
        first = await store.pending(NOW, limit=10)
        assert [(one.channel, one.notice.change) for one in first] == [
            ("console", "announced"),
            ("mail", "announced"),
        ] or {one.notice.change for one in first} == {"announced"}

        by_channel = {one.channel: one for one in first}
        await store.postponed(by_channel["mail"].key, attempts=1, next_at=NOW + 60, error="")
        await store.delivered(by_channel["console"].key, NOW)

        (due,) = await store.pending(NOW, limit=10)
        assert (due.channel, due.notice.change) == ("console", "live")
        await store.buried(by_channel["mail"].key, attempts=9, error="")
        assert len(await store.pending(NOW, limit=10)) == 2

    run(home, story)


def test_notices_about_sources_do_not_wait_for_each_other(home):
    async def story(store):
        await store.commit_poll(poll(notices=[source_notice("broken"), source_notice("silent")]))

        assert len(await store.pending(NOW, limit=10)) == 2

    run(home, story)


def test_dead_letters_are_listed_and_replayed(home):
    async def story(store):
        await store.commit_poll(poll(claimed("a", "Foo")))
        for one in await store.pending(NOW, limit=10):
            await store.buried(one.key, attempts=8, error="gone")
        dead = await store.dead_letters()
        assert {(one.state, one.attempts, one.error) for one in dead} == {("dead", 8, "gone")}
        assert await store.pending(NOW + DAY, limit=10) == []

        assert await store.replay_dead([dead[0].key, "unknown"], NOW + 1) == 1
        assert [one.key for one in await store.pending(NOW + 1, limit=10)] == [dead[0].key]
        assert await store.replay_dead(None, NOW + 2) == 1
        assert await store.replay_dead(None, NOW + 2) == 0
        assert {one.attempts for one in await store.pending(NOW + 2, limit=10)} == {0}

    run(home, story)


def test_marking_an_unknown_delivery_does_nothing(home):
    async def story(store):
        await store.delivered("none", NOW)
        await store.postponed("none", attempts=1, next_at=NOW, error="")
        await store.buried("none", attempts=1, error="")

        assert await store.deliveries(0) == []

    run(home, story)


# All or nothing


def test_a_poll_that_fails_leaves_nothing_behind(home):
    def broken(claim, candidates, now):
        if claim.project == "Bad":
            raise ValueError("cannot merge this")
        return simple_merge(claim, candidates, now)

    async def story(store):
        before = await snapshot(store)
        with pytest.raises(ValueError, match="cannot merge this"):
            await store.commit_poll(
                poll(
                    dropped("a"),
                    claimed("b", "Good"),
                    claimed("c", "Bad"),
                    notices=[source_notice("broken")],
                )
            )

        assert await snapshot(store) == before
        assert (await store.commit_poll(poll(dropped("a"), claimed("b", "Good")))).new == 2

    run(home, story, merge=broken)


def test_a_poll_that_fails_takes_no_other_with_it(home):
    def broken(event, step, claim, now):
        if event.project == "Bad":
            raise ValueError("cannot route this")
        return simple_route(event, step, claim, now)

    async def story(store):
        feeds = [f"https://feed{n}.example/" for n in range(20)]
        names = ["Bad" if n == 7 else f"P{n}" for n in range(20)]
        results = await asyncio.gather(
            *(
                store.commit_poll(poll(claimed("a", name, source=feed), source=feed))
                for feed, name in zip(feeds, names, strict=True)
            ),
            return_exceptions=True,
        )

        assert [n for n, one in enumerate(results) if isinstance(one, ValueError)] == [7]
        assert set(await store.source_states(feeds)) == {
            feed for n, feed in enumerate(feeds) if n != 7
        }
        assert {event.project for event in await store.events()} == set(names) - {"Bad"}

    run(home, story, route=broken)


def test_polls_of_one_source_that_wait_together_keep_their_order(home):
    async def story(store):
        await asyncio.gather(
            *(store.commit_poll(poll(dropped("a"), dropped(f"b{n}"), polls=n)) for n in range(10))
        )

        assert (await store.source_states([FEED]))[FEED].polls == 9
        assert sum((await store.drops(0)).values()) == 11

    run(home, story)


# Labels and notes


def test_the_last_label_on_a_url_or_text_counts(home):
    async def story(store):
        await store.label(Label(relevant=True, url="https://news.example/a", at=NOW))
        await store.label(Label(relevant=True, text="Foo launches", kind=Kind.LIVE, at=NOW + 1))
        last = Label(relevant=False, url="https://news.example/a#top", note="no", at=NOW + 2)
        await store.label(last)

        assert [(one.relevant, one.kind) for one in await store.labels()] == [
            (True, Kind.LIVE),
            (False, None),
        ]
        assert (await store.labels())[-1] == last

    run(home, story)


def test_a_label_can_be_taken_back(home):
    async def story(store):
        await store.label(Label(relevant=True, url="https://news.example/a", at=NOW))
        await store.label(Label(relevant=True, text="Foo launches", at=NOW))

        gone = Label(relevant=False, url="https://news.example/a#top", text="whatever")
        assert await store.unlabel(gone) is True
        assert await store.unlabel(gone) is False
        assert [one.text for one in await store.labels()] == ["Foo launches"]

    run(home, story)


def test_notes_are_kept_by_name_until_they_are_removed(home):
    async def story(store):
        assert await store.note("schedule") is None
        await store.write_note("schedule", b"\x00\xff one", at=NOW)
        await store.write_note("schedule", b"two", at=NOW)
        await store.write_note("other", b"", at=NOW)
        assert (await store.note("schedule"), await store.note("other")) == (b"two", b"")

        await store.write_note("schedule", None, at=NOW)
        await store.write_note("schedule", None, at=NOW)
        assert await store.note("schedule") is None

    run(home, story)


# Forgetting


def test_old_items_without_a_claim_are_forgotten_and_never_come_back_as_new(home):
    async def story(store):
        await store.commit_poll(poll(dropped("a"), claimed("b", "Foo")))
        await store.commit_poll(poll(dropped("c"), at=NOW + 80 * DAY))

        assert await store.forget(NOW + 89 * DAY) == 0
        assert await store.forget(NOW + 91 * DAY) == 1

        assert await store.why("https://news.example/a") == []
        assert len(await store.why("https://news.example/b")) == 1
        assert await store.unseen([item("a"), item("b"), item("c")]) == {}
        assert (await store.commit_poll(poll(dropped("a"), at=NOW + 92 * DAY))).new == 0

    run(home, story)


async def snapshot(store: Any) -> Any:
    """Return everything there is to see."""
    events: list[Event] = list(await store.events(dismissed=True, limit=1_000))
    return (
        await store.all_states(),
        [record async for record in store.records()],
        events,
        [await store.history(event.id) for event in events],
        await store.deliveries(0, limit=1_000),
        await store.drops(0),
    )


def test_a_state_with_all_its_fields_comes_back(home):
    state = SourceState(
        url=FEED,
        location="https://moved.example/",
        moved_to="https://again.example/",
        moved_times=3,
        body_hash="ab" * 16,
        baseline_at=NOW,
        answered_at=NOW + 0.123456,
        newest_at=NOW - 1e6,
        errors=4,
        error="line\none",
        error_cause="timeout",
        health="silent",
    )

    async def story(store):
        await store.commit_poll(replace(poll(), state=state, outcome="failed"))

        assert (await store.source_states([FEED]))[FEED] == state

    run(home, story)


def test_the_fake_fails_when_told_to():
    from tgewatch.testing import MemoryStore  # noqa: PLC0415 - the one test of its vocabulary

    store = MemoryStore(merge=simple_merge, route=simple_route)
    store.fails_next(TransientError("disk full", cause="disk_full"))

    async def story():
        with pytest.raises(TransientError, match="disk full"):
            await store.commit_poll(poll(claimed("a", "Foo")))
        assert await store.all_states() == {}
        await store.commit_poll(poll(claimed("a", "Foo")))
        assert len(store.told()) == 2
        assert len(store.polls) == 1

    asyncio.run(story())
