from dataclasses import replace

import pytest

from tgewatch.detect.correct import (
    Edit,
    advance,
    confirm,
    dismiss,
    edit,
    merge_events,
    restore,
    split,
)
from tgewatch.detect.merge import merge
from tgewatch.model import Kind, State
from tgewatch.rules.lifecycle import DAY, GRACE, LIVE_FOR
from tgewatch.testing.claims import at, claim, day, month

NOW = at("2026-04-01")
ANNOUNCED = claim("Curvance announces CURV", when="2026-01-01", ticker="CURV")
DATED = claim("Curvance TGE on 12 May", Kind.DATE_SET, "2026-03-01", date=day("2026-05-12"))
LIVE = claim("CURV is trading", Kind.LIVE, "2026-05-12", outlet="b.example")


def event_of(*claims, now=NOW):
    event = None
    for one in claims:
        event = merge(one, [event] if event else [], now).event
    return event


def test_time_ends_what_was_live_once_and_silently():
    event = event_of(LIVE, now=at("2026-05-13"))
    over = at("2026-05-12") + LIVE_FOR

    assert advance(event, over - 1).transitions == ()
    merged = advance(event, over)
    (done,) = merged.transitions
    assert (done.change, done.tell, done.claim, done.number) == ("done", False, "", 2)
    assert merged.event.state is State.DONE
    assert advance(merged.event, over + DAY).transitions == ()


def test_time_ends_a_date_that_nobody_called_live_and_never_makes_it_live():
    event = event_of(DATED)
    past = day("2026-05-12").end

    assert advance(event, past + 1).event.state is State.DATED
    over = advance(event, past + GRACE)
    assert over.event.state is State.DONE
    assert "nobody called it live" in over.transitions[0].note


def test_a_claim_that_comes_after_time_has_ended_an_event_records_both():
    event = event_of(LIVE, now=at("2026-05-13"))
    listing = claim("KuCoin lists CURV", Kind.LISTING, "2026-07-01")

    merged = merge(listing, [event], at("2026-07-01"))

    assert [(t.number, t.change, t.tell) for t in merged.transitions] == [
        (2, "done", False),
        (3, "listing", True),
    ]
    assert merged.event.state is State.DONE


def test_names_that_are_released_are_those_of_the_evidence_again():
    event = event_of(claim("Curvance announces CURV", company="Curvance", ticker="CURV"))
    fields = Edit(project="Other", company="Others", ticker="OTH")
    theirs = edit(event, fields, NOW).event
    assert (theirs.project, theirs.company, theirs.ticker) == ("Other", "Others", "OTH")

    back = edit(theirs, Edit(release=("project", "company", "ticker")), NOW).event

    assert (back.project, back.company, back.ticker) == ("Curvance", "Curvance", "CURV")
    same = edit(back, Edit(release=("project", "score")), NOW).event
    assert (same.project, same.score) == (back.project, back.score)


def test_what_is_confirmed_after_it_was_dismissed_shows_what_was_said_meanwhile():
    gone = dismiss(event_of(ANNOUNCED), NOW).event
    heard = merge(DATED, [gone], NOW).event

    back = confirm(heard, NOW).event

    assert (back.dismissed, back.state, back.date, back.score) == (
        False,
        State.DATED,
        DATED.date,
        1.0,
    )


def test_what_the_user_dismissed_is_quiet_until_it_is_restored():
    gone = dismiss(event_of(ANNOUNCED), NOW).event
    heard = merge(DATED, [gone], NOW)

    assert heard.transitions == ()
    assert heard.event.dismissed
    assert advance(heard.event, at("2030-01-01")).transitions == ()
    back = restore(heard.event, NOW)
    assert not back.event.dismissed
    assert back.event.state is State.DATED
    assert not back.transitions[0].tell


def test_what_the_user_confirmed_is_sure_and_stays_so():
    sure = confirm(event_of(replace(ANNOUNCED, rumour=True)), NOW).event

    assert sure.score == 1.0
    assert sure.state is State.ANNOUNCED
    later = merge(replace(DATED, confidence=0.1), [sure], NOW).event
    assert later.score == 1.0


def test_a_confirmed_event_still_moves_with_its_claims():
    sure = confirm(event_of(ANNOUNCED), NOW).event

    assert merge(DATED, [sure], NOW).event.state is State.DATED


def test_edited_fields_are_pinned_and_released_ones_follow_the_claims_again():
    event = event_of(ANNOUNCED, DATED)
    edited = edit(event, Edit(date=day("2026-07-01"), ticker="$vance"), NOW).event
    moved = claim("Moved to June", Kind.POSTPONED, "2026-03-20", date=month("2026-06"))

    assert edited.pinned == ("date", "ticker")
    assert edited.ticker == "VANCE"
    heard = merge(replace(moved, ticker="VANCE"), [edited], NOW).event
    assert heard.date == day("2026-07-01")
    freed = edit(heard, Edit(release=("date",)), NOW).event
    assert freed.date == month("2026-06")
    assert freed.ticker == "VANCE"


def test_a_name_that_the_user_adds_joins_claims():
    edited = edit(event_of(ANNOUNCED), Edit(names=("zorblat",)), NOW).event

    merged = merge(claim("Zorblat TGE is near", project="Zorblat"), [edited], NOW)

    assert merged.event.id == edited.id


def test_merged_events_keep_all_evidence_and_both_names():
    one = event_of(ANNOUNCED)
    other = event_of(replace(DATED, project="Zorblat", id="z"))

    merged = merge_events(one, other, NOW)

    assert merged.event.id == one.id
    assert merged.event.date == DATED.date
    assert len(merged.event.claims) == 2
    assert not merged.transitions[0].tell
    joined = merge(
        claim("Zorblat again", project="Zorblat", outlet="c.example"), [merged.event], NOW
    )
    assert joined.event.id == one.id


def test_merging_events_of_two_tickers_makes_both_tickers_theirs():
    one = event_of(ANNOUNCED)
    other = event_of(claim("VANCE", ticker="VANCE", outlet="c.example"))

    merged = merge_events(one, other, NOW).event

    for ticker in ("CURV", "VANCE"):
        heard = merge(claim(f"more of {ticker}", ticker=ticker), [merged], NOW)
        assert heard.event.id == one.id


def test_a_split_makes_two_events_of_one_and_each_keeps_its_own_story():
    stranger = claim("Camelot token is live", Kind.LIVE, "2026-03-20", outlet="c.example")
    event = event_of(ANNOUNCED, DATED, stranger)

    kept, born = split(event, {stranger.id}, NOW)

    assert kept.event.id == event.id
    assert kept.event.state is State.DATED
    assert born.event.id != event.id
    assert born.event.claims == (stranger,)
    assert born.event.state is State.LIVE
    assert [t.tell for m in (kept, born) for t in m.transitions] == [False, False]
    assert born.transitions[0].number == 1


def test_the_claim_that_opened_an_event_can_be_split_off_too():
    event = event_of(ANNOUNCED, DATED)

    kept, born = split(event, {ANNOUNCED.id}, NOW)

    assert kept.event.id == event.id != born.event.id
    assert (kept.event.claims, born.event.claims) == ((DATED,), (ANNOUNCED,))


def test_a_claim_that_was_split_off_is_known_where_it_went():
    event = event_of(ANNOUNCED, DATED)
    kept, born = split(event, {DATED.id}, NOW)

    merged = merge(DATED, [kept.event, born.event], NOW)

    assert merged.event == born.event
    assert merged.transitions == ()


@pytest.mark.parametrize("ids", [set(), {"nobody"}, {ANNOUNCED.id}])
def test_a_split_leaves_no_event_without_evidence(ids):
    with pytest.raises(ValueError, match="at least one claim"):
        split(event_of(ANNOUNCED), ids, NOW)
