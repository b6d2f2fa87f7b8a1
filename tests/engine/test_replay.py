"""History judged again, as it was and as other rules would have it."""

import asyncio
from dataclasses import replace

import pytest

from tgewatch.detect.detector import Detector
from tgewatch.engine.articles import Articles
from tgewatch.engine.pipeline import Pipeline
from tgewatch.engine.replay import Replay, Side
from tgewatch.model import Kind, Label, Record, Source
from tgewatch.settings import DetectionSettings, Terms
from tgewatch.testing.claims import claim
from tgewatch.testing.fetcher import ScriptedFetcher
from tgewatch.testing.reader import item

NOW = 1_780_000_000.0
HOUR = 3_600.0
PAPER = Source("https://paper.example/feed", "paper")
STORY = (
    ("Quarvo announces QRV token and airdrop for early users", 0.0),
    ("Lentil soup for twelve", 1.0),
    ("Quarvo to launch QRV token on 12 August 2026", 5.0),
    ("Quarvo token generation event will take place on 12 August 2026", 7.0),
    ("Velthar rallies as traders cheer", 8.0),
)


async def unread(_body, _url, _type):
    return ""


def pipeline(**rules):
    detector = Detector((), DetectionSettings(mode="discover", **rules))
    return Pipeline(detector, Articles(ScriptedFetcher([]), unread))


def history(*story, judge=None, article=""):
    """Return records of items that `judge` judged when they were read."""
    judge = judge or pipeline()
    found = []
    for number, (title, hours) in enumerate(story or STORY):
        at = NOW + hours * HOUR
        one = item(title, source=PAPER.url, url=f"https://paper.example/{number}", at=at - 60)
        judged = judge.judge(PAPER, one, now=at)
        if article and judged.article == "wanted":
            judged = judge.with_article(PAPER, judged, article, now=at, baseline=False)
        found.append(Record(PAPER.name, judged, at, at))
    return found


async def each(records):
    for record in records:
        yield record


def replayed(records, judge=None, **options):
    replay = Replay(judge or pipeline(), sources={PAPER.url: PAPER}, **options)
    return asyncio.run(replay.run(each(records)))


def mine(weight, *phrases):
    return (Terms(tier="mine", weight=weight, phrases=phrases),)


def test_the_same_rules_change_nothing():
    found = replayed(history())

    assert found.items == 5
    assert [pair.after.change for pair in found.pairs] == ["announced", "dated"]
    assert found.gained == found.lost == found.leads == []
    assert found.changes == {}


def test_an_alert_that_no_longer_comes_is_lost_with_the_reason():
    found = replayed(history(STORY[0]), pipeline(terms=mine(-9.0, "airdrop")))

    (lost,) = found.lost
    assert (lost.project, lost.change) == ("Quarvo", "announced")
    assert lost.score_before > 0.5 > lost.score_after
    assert "no longer relevant: term mine -9.00" in lost.reason
    assert found.gained == found.pairs == []
    assert found.changes == {"irrelevant": 1}


def test_an_alert_that_comes_in_addition_is_gained_with_the_reason():
    found = replayed(history(STORY[4]), pipeline(terms=mine(12.0, "rallies")))

    (gained,) = found.gained
    assert gained.project == "Velthar"
    assert gained.score_before is None
    assert gained.score_after > 0.5
    assert "had no term" in gained.reason
    assert found.changes == {"relevant": 1}


def test_an_alert_that_another_item_brings_comes_later_and_is_not_lost():
    found = replayed(history(), pipeline(terms=mine(-9.0, "to launch")))

    assert found.lost == found.gained == []
    (moved,) = (pair for pair in found.pairs if pair.lead)
    assert moved.after.change == "dated"
    assert moved.lead == -2 * HOUR
    assert found.median_lead == -2 * HOUR
    assert replayed(history(judge=pipeline(terms=mine(-9.0, "to launch")))).median_lead == 2 * HOUR


def test_what_reaches_nobody_is_no_alert():
    assert replayed(history(), before=lambda *_: (), after=lambda *_: ()).pairs == []
    found = replayed(history(), before=lambda *_: (), after=lambda *_: ("somebody",))
    assert [alert.change for alert in found.gained] == ["announced", "dated"]


def test_an_article_in_the_store_is_read_again_and_a_missing_one_is_counted():
    vague = ("Quarvo shares plans for its upcoming token", 0.0)
    text = "The QRV token generation event takes place on 12 August 2026, Quarvo said."
    with_text, without = history(vague, article=text), history(vague)

    assert with_text[0].judged.article == "fetched"
    found = replayed(with_text)
    assert not found.changes
    assert found.articles_missing == 0
    without[0] = replace(without[0], judged=replace(without[0].judged, article="not_needed"))
    assert replayed(without).articles_missing == 1


def test_an_edited_item_is_counted_as_known_by_its_last_text():
    records = history()
    records[0] = replace(records[0], edited_at=NOW + 9)

    assert replayed(records).edited == 1


def test_labels_are_scored_before_and_after():
    labels = [
        Label(relevant=True, url="https://paper.example/0", project="Quarvo", kind=Kind.ANNOUNCED),
        Label(relevant=False, url="https://paper.example/4"),
        Label(relevant=False, text="Velthar rallies", at=NOW),
        Label(relevant=True, url="https://gone.example/", at=NOW),
    ]
    found = replayed(
        history(), pipeline(terms=mine(12.0, "rallies")), labels=labels, present=pipeline()
    )

    assert [row.found for row in found.labels_before] == [True, False, False]
    assert [row.found for row in found.labels_after] == [True, True, True]
    (delay,) = found.delays
    assert delay.project == "Quarvo"
    assert (delay.before, delay.after) == (NOW, NOW)
    assert delay.published == NOW - 60


def test_a_labelled_project_that_is_no_longer_told_of_is_told_never():
    labels = [Label(relevant=True, url="https://paper.example/0", project="Quarvo")]
    found = replayed(history(STORY[0]), pipeline(threshold=0.9999), labels=labels)

    assert (found.delays[0].before, found.delays[0].after) == (NOW, None)


def test_an_event_under_another_name_is_the_same_where_one_item_is_evidence_of_both():
    records = history()
    first = records[0].judged
    misread = replace(
        first,
        verdict=replace(first.verdict, project="Big News", ticker=""),
        claim=replace(first.claim, project="Big News", ticker=""),
    )
    records[0] = replace(records[0], judged=misread)

    found = replayed(records[:1])

    (pair,) = found.pairs
    assert (pair.before.project, pair.after.project) == ("Big News", "Quarvo")
    assert found.changes == {"project": 1}


def test_no_items_are_no_outcome():
    found = replayed([])

    assert (found.items, found.pairs, found.median_lead) == (0, [], 0.0)


def test_a_side_keeps_no_event_that_has_been_quiet_for_a_year_and_more():
    side = Side(None)
    for number in range(50):
        one = claim(f"Project {number}", project=f"Quor{number}", when="2026-01-01")
        side.hears(one, one.seen)
    assert len(side.events) == 50

    side.let_go(one.seen + 500 * 86_400.0)

    assert side.events == {}
    assert not side._holds
    assert not any(side._found.values())


@pytest.mark.parametrize("later", [False, True])
def test_both_sides_merge_as_the_store_does(later):
    side = Side(None)
    name = claim("TreasureDAO plans a token", project="TreasureDAO", outlet="a.example")
    ticker = claim("MAGIC token", project="MAGIC", outlet="b.example")
    both = claim("TreasureDAO MAGIC", project="TreasureDAO", ticker="MAGIC", outlet="c.example")
    for one in (name, ticker, both) if later else (both, name, ticker):
        side.hears(one, one.seen)

    (event,) = side.events.values()
    assert len(event.claims) == 3
