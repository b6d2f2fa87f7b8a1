from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgewatch.detect.phase import moment, statement, suspicious
from tgewatch.model import Kind
from tgewatch.rules.lifecycle import Signal
from tgewatch.testing.claims import at, claim, day, month, soon

TODAY = day("2026-01-01", "pubdate")


@pytest.mark.parametrize(
    ("title", "kind", "date", "signal"),
    [
        ("Curvance announces a token", Kind.ANNOUNCED, None, Signal.ANNOUNCE),
        ("Curvance announces a token for May", Kind.ANNOUNCED, month("2026-05"), Signal.DATE),
        ("Curvance plans a token soon", Kind.ANNOUNCED, soon(), Signal.ANNOUNCE),
        ("Curvance TGE on 12 May", Kind.DATE_SET, day("2026-05-12"), Signal.DATE),
        ("Curvance listing date is out", Kind.DATE_SET, None, Signal.ANNOUNCE),
        ("Curvance token debuts", Kind.LIVE, None, Signal.OPEN),
        ("Curvance token debuts today", Kind.LIVE, TODAY, Signal.OPEN),
        ("Curvance token goes live in May", Kind.LIVE, month("2026-05"), Signal.DATE),
        ("Curvance token launched this month", Kind.LIVE, month("2026-01"), Signal.OPEN),
        ("Curvance TGE was on 12 May 2025", Kind.DATE_SET, day("2025-05-12"), Signal.ANNOUNCE),
        ("Maker becomes Sky", Kind.OTHER, None, Signal.ANNOUNCE),
        ("Curvance airdrop is live, claim now", Kind.AIRDROP_CLAIM, None, Signal.OPEN),
        ("Curvance begins $1B airdrop", Kind.AIRDROP_CLAIM, None, Signal.OPEN),
        ("Curvance opens claim portal", Kind.AIRDROP_CLAIM, None, Signal.OPEN),
        ("Curvance unveils airdrop for stakers", Kind.AIRDROP_CLAIM, None, Signal.ANNOUNCE),
        ("Curvance airdrop criteria: who can claim", Kind.AIRDROP_CLAIM, None, Signal.ANNOUNCE),
        ("Curvance to open claims on 12 May", Kind.AIRDROP_CLAIM, day("2026-05-12"), Signal.DATE),
        ("Curvance airdrop claim ends in May", Kind.AIRDROP_CLAIM, month("2026-05"), Signal.CLOSE),
        ("Last chance to claim CURV", Kind.AIRDROP_CLAIM, None, Signal.CLOSE),
        ("Curvance claims open 12 May and close in June", Kind.AIRDROP_CLAIM, day("2026-05-12"),
         Signal.DATE),
        ("Curvance token sale opens next week", Kind.TOKEN_SALE, day("2026-01-08"), Signal.DATE),
        ("Curvance public sale is live", Kind.TOKEN_SALE, None, Signal.OPEN),
        ("Curvance gears up for a public sale", Kind.TOKEN_SALE, None, Signal.ANNOUNCE),
        ("Curvance sale sells out", Kind.TOKEN_SALE, None, Signal.CLOSE),
        ("Whitelist for the Curvance public sale", Kind.TOKEN_SALE, None, Signal.ANNOUNCE),
        ("Binance to list Curvance", Kind.LISTING, None, Signal.ANNOUNCE),
        ("Binance lists Curvance", Kind.LISTING, None, Signal.OPEN),
        ("Binance will list Curvance", Kind.LISTING, day("2026-05-12"), Signal.DATE),
        ("Curvance TGE delayed", Kind.POSTPONED, None, Signal.POSTPONE),
        ("Curvance calls off its airdrop", Kind.CANCELLED, None, Signal.CANCEL),
    ],
)  # fmt: skip
def test_a_claim_says_what_its_kind_date_and_words_say(title, kind, date, signal):
    assert statement(claim(title, kind, "2026-01-01", date=date)).signal is signal


@pytest.mark.parametrize(
    ("title", "kind", "date", "signal"),
    [
        ("Curvance claim opens May 12, closes June 9", Kind.AIRDROP_CLAIM, "May 12", Signal.DATE),
        ("Curvance claim opens May 12, closes June 9", Kind.AIRDROP_CLAIM, "June 9", Signal.CLOSE),
        ("Curvance claim is live until June 9", Kind.AIRDROP_CLAIM, "June 9", Signal.CLOSE),
        ("Curvance claim closes June 9, opens May 12", Kind.AIRDROP_CLAIM, "May 12", Signal.DATE),
        ("Curvance sale starts May 12 and ends June 9", Kind.TOKEN_SALE, "May 12", Signal.DATE),
        (
            "Curvance extends its claim deadline to June 9",
            Kind.AIRDROP_CLAIM,
            "June 9",
            Signal.CLOSE,
        ),
        ("Curvance delays its claim to June 9", Kind.AIRDROP_CLAIM, "June 9", Signal.DATE),
        ("Curvance claims close on June 9", Kind.DATE_SET, "June 9", Signal.CLOSE),
        ("Curvance claims open on May 12", Kind.DATE_SET, "May 12", Signal.DATE),
    ],
)
def test_the_word_before_a_date_says_whether_a_window_opens_then_or_closes(
    title, kind, date, signal
):
    when = replace(day("2026-05-12" if date == "May 12" else "2026-06-09"), text=date)

    said = statement(claim(title, kind, "2026-01-01", date=when))

    assert (said.signal, said.date) == (signal, when)


@pytest.mark.parametrize(
    ("title", "track"),
    [
        ("Curvance sets claim for May 12", "claim"),
        ("Curvance sets public sale for May 12", "sale"),
        ("Curvance sets TGE and claim for May 12", "token"),
        ("Curvance sets token launch after the sale for May 12", "token"),
        ("Curvance sets May 12", "token"),
    ],
)
def test_a_date_belongs_to_the_claim_or_sale_that_alone_it_is_set_for(title, track):
    assert statement(claim(title, Kind.DATE_SET, date=day("2026-05-12"))).track == track


def test_a_strangers_rumour_is_one_and_the_projects_own_is_a_hint():
    rumour = claim("Curvance could airdrop", rumour=True)

    assert statement(rumour).signal is Signal.RUMOUR
    assert statement(replace(rumour, official=True)).signal is Signal.HINT


@pytest.mark.parametrize("flag", ["lookalike_domain", "impersonator", "drainer_phrase"])
def test_a_claim_with_signs_of_fraud_moves_nothing(flag):
    bait = claim("Curvance airdrop is live", Kind.AIRDROP_CLAIM, flags=(flag,), official=True)

    assert suspicious(bait)
    assert statement(bait).signal is Signal.RUMOUR


def test_a_shortened_link_alone_is_no_fraud():
    assert not suspicious(claim("Curvance airdrop is live", flags=("shortened_link",)))


def test_a_listing_names_its_venues_and_futures_are_none():
    both = claim("Sei to list on Bitfinex, Binance and more", Kind.LISTING)
    futures = claim("Binance lists Sei perpetual futures", Kind.LISTING)

    assert statement(both).venues == ("Bitfinex", "Binance")
    assert statement(futures).venues == ()


@pytest.mark.parametrize(
    ("title", "part"),
    [
        ("Season 2 of the airdrop is live", "2"),
        ("The second airdrop is live", "2"),
        ("Second Sei airdrop is live", "2"),
        ("The airdrop is live", ""),
        ("Phase 1 of the airdrop is live", ""),
    ],
)
def test_rounds_after_the_first_are_tracks_of_their_own(title, part):
    assert statement(claim(title, Kind.AIRDROP_CLAIM)).part == part


def test_what_has_happened_keeps_its_day_and_no_day_of_long_ago():
    live = claim("CURV is live", Kind.LIVE, "2026-05-14", date=day("2026-05-12"))

    assert statement(live).date == day("2026-05-12")
    assert statement(replace(live, date=day("2021-05-12"))).date is None


def test_words_that_a_date_moves_are_read():
    assert statement(claim("TGE moved to June", Kind.DATE_SET, date=month("2026-06"))).slip
    for title in (
        "moves its TGE from 12 May to June",
        "changed the TGE date from Q2 to June",
        "brings its TGE forward to June",
        "moves TGE one week later, to June",
    ):
        assert statement(claim(title, Kind.DATE_SET, date=month("2026-06"))).slip
    for title in ("TGE in June", "moves funds from a wallet before its TGE in June"):
        assert not statement(claim(title, Kind.DATE_SET, date=month("2026-06"))).slip


def test_nothing_is_said_before_it_was_read():
    late = replace(claim("x"), at=at("2027-01-01"), seen=at("2026-01-01"))

    assert moment(late) == at("2026-01-01")
    assert moment(replace(late, seen=0.0)) == late.at


@given(st.text(max_size=300), st.sampled_from(list(Kind)), st.none() | st.just(day("2026-05-12")))
def test_every_text_can_be_read(title, kind, date):
    found = statement(claim(title, kind, date=date))

    assert found.signal in Signal
    assert statement(claim(title, kind, date=date)) == found


def test_a_long_run_of_words_is_read_quickly():
    hostile = claim("claim " * 5_000 + "window \n" * 5_000, Kind.AIRDROP_CLAIM)

    assert statement(hostile).track == "claim"
