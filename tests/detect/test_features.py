from datetime import UTC, datetime

import pytest

from tgewatch.detect.evidence import Examiner
from tgewatch.detect.features import clauses
from tgewatch.model import Item

NOW = datetime(2025, 6, 10, tzinfo=UTC).timestamp()


@pytest.fixture(scope="module")
def examiner():
    return Examiner()


def found(examiner, title, *, kind="entry"):
    item = Item(source="", key="k", url="", title=title, summary="", published=NOW, kind=kind)
    return set(examiner.examine(item).features)


def parts(examiner, title):
    item = Item(source="", key="k", url="", title=title, summary="", published=NOW, kind="entry")
    return [" ".join(m.text for m in c) for c in clauses(examiner.examine(item).readings[0])]


def test_a_headline_falls_into_clauses_at_colons_turns_and_full_stops(examiner):
    assert parts(examiner, "Quarvo sets TGE date as markets fall: what to expect") == [
        "Quarvo sets TGE date", "as markets fall :", "what to expect",
    ]  # fmt: skip
    assert parts(examiner, "Quarvo serves as a token for games") == [
        "Quarvo serves as a token for games"
    ]


def test_what_stands_beside_the_clause_of_the_event_is_told_apart(examiner):
    beside = found(examiner, "Bitcoin falls as Quarvo announces TGE")

    assert "aside PRICE" in beside
    assert "aside TGE" not in beside


def test_talk_has_no_clauses_of_a_headline_and_a_report_in_a_post_has(examiner):
    talk = found(examiner, "gm frens! Bitcoin falls as Quarvo announces TGE", kind="post")
    report = found(examiner, "Bitcoin falls as Quarvo announces TGE", kind="post")

    assert not [n for n in talk if n.startswith("aside")]
    assert "aside PRICE" in report


def test_nothing_is_beside_where_there_is_one_clause_or_no_event(examiner):
    assert not [n for n in found(examiner, "Quarvo announces TGE") if n.startswith("aside")]
    assert not [n for n in found(examiner, "Bitcoin falls as gold rises") if n.startswith("aside")]


@pytest.mark.parametrize(
    "title",
    [
        "QRV launch delayed: Quarvo needs more time",
        "Quarvo pushes TGE to next year",
        "Quarvo's token launch slips into Q3",
        "Quarvo puts airdrop on hold",
        "Quarvo reschedules token sale",
        "Quarvo calls off TGE",
        "$QRV launch is postponed",
    ],
)
def test_postponements_are_heard_in_all_their_forms(examiner, title):
    assert "says postponed" in found(examiner, title)


@pytest.mark.parametrize(
    "title",
    ["Quarvo moves token to Solana", "Quarvo announces TGE", "Quarvo mainnet launch next week"],
)
def test_what_comes_in_time_is_not_postponed(examiner, title):
    assert "says postponed" not in found(examiner, title)


def test_giving_tokens_is_an_event_and_talk_of_tokens_is_none(examiner):
    assert "shape no event" not in found(examiner, "Quarvo to distribute tokens to stakers")
    assert "shape no event" in found(examiner, "Quarvo thinks that tokens are useful")


@pytest.mark.parametrize(
    ("title", "frame"),
    [
        ("Quarvo launches mainnet and token today", "launches_both"),
        ("Quarvo public sale on Solana sold out", "sale_sold"),
        ("$QRV fan token is now listed on KuCoin", "entity_is_listed"),
        ("Today we finally launch the $QRV token", "we_bring"),
        ("Charles Brandt sets launch date for Monero upgrade", "dated_old"),
        ("New listing alert: $XCH is coming to @BitrueOfficial", "listing_old"),
    ],
)
def test_events_are_told_in_these_ways(examiner, title, frame):
    assert f"frame {frame}" in found(examiner, title)


@pytest.mark.parametrize(
    ("title", "frame"),
    [
        ("Quarvo launches mainnet today", "launches_both"),
        ("Quarvo public sale starts on Monday", "sale_sold"),
        ("Quarvo sets launch date for its token", "dated_old"),
        ("New listing alert: $QRV is coming to @BitrueOfficial", "listing_old"),
    ],
)
def test_and_others_are_not_taken_for_them(examiner, title, frame):
    assert f"frame {frame}" not in found(examiner, title)
