"""What a claim does to events: which one it joins, and what it changes there."""

from dataclasses import replace

import pytest

from tgewatch.detect.choice import candidate_keys, event_keys
from tgewatch.detect.correct import Edit, edit
from tgewatch.detect.dossier import dossier
from tgewatch.detect.merge import merge, score_of
from tgewatch.model import Kind, State
from tgewatch.testing.claims import at, claim, day, instant, month, quarter, soon


class Story:
    """Events as a store would keep them: each claim is merged and what follows is kept."""

    def __init__(self):
        self.events = {}
        self.told = []
        self.recorded = []
        self.reason = ""

    def hears(self, heard, now=None):
        merged = merge(heard, list(self.events.values()), heard.seen if now is None else now)
        for gone in merged.gone:
            del self.events[gone]
        for one in (*merged.left, merged):
            if one.event is not None:
                self.events[one.event.id] = one.event
        self.recorded += merged.transitions
        self.told += [t for t in merged.transitions if t.tell]
        self.reason = merged.reason
        return merged

    @property
    def event(self):
        (only,) = self.events.values()
        return only

    @property
    def changes(self):
        return [t.change for t in self.told]


def story(*claims):
    found = Story()
    for one in claims:
        found.hears(one)
    return found


ANNOUNCED = claim("Curvance announces CURV", Kind.ANNOUNCED, "2026-01-01", ticker="CURV")
DATED = claim("Curvance TGE on 12 May", Kind.DATE_SET, "2026-03-01", date=day("2026-05-12"))
LIVE = claim("CURV is trading", Kind.LIVE, "2026-05-12T15:00", outlet="b.example")


def test_an_event_goes_from_announced_to_dated_to_live_and_each_is_told_once():
    found = story(ANNOUNCED, DATED, LIVE)

    assert found.changes == ["announced", "dated", "live"]
    assert [t.number for t in found.told] == [1, 2, 3]
    assert [t.claim for t in found.told] == [ANNOUNCED.id, DATED.id, LIVE.id]
    assert found.event.state is State.LIVE
    assert found.event.date == DATED.date
    assert found.event.changes == 3


def test_a_repeated_statement_is_evidence_and_no_change():
    again = replace(DATED, id="again", url="https://c.example/1", source="https://c.example/feed")
    found = story(ANNOUNCED, DATED, again)

    assert found.changes == ["announced", "dated"]
    assert len(found.event.claims) == 3
    assert found.event.sources == 2


def test_the_same_claim_twice_changes_nothing():
    found = story(ANNOUNCED, DATED)
    before = found.event

    merged = found.hears(DATED)

    assert merged.transitions == ()
    assert found.event == before


def test_a_finer_date_is_told_and_a_coarser_or_vague_one_is_not():
    found = story(
        claim("TGE in June", Kind.DATE_SET, "2026-01-01", date=month("2026-06")),
        claim("TGE in Q2", Kind.DATE_SET, "2026-01-02", date=quarter("2026-Q2")),
        claim("TGE soon", Kind.DATE_SET, "2026-01-03", date=soon()),
        claim("TGE on 12 June", Kind.DATE_SET, "2026-01-20", date=day("2026-06-12")),
        claim("12 June, 15:00", Kind.DATE_SET, "2026-02-01", date=instant("2026-06-12T15:00")),
    )

    assert found.changes == ["dated", "dated", "dated"]
    assert found.told[1].date_before == month("2026-06")
    assert found.event.date == instant("2026-06-12T15:00")
    assert found.event.conflict == ""


def test_a_slip_is_told_once_with_both_dates():
    found = story(
        DATED,
        claim("TGE moved from 12 May to June", Kind.POSTPONED, "2026-05-01", date=month("2026-06")),
        claim(
            "TGE now in June",
            Kind.DATE_SET,
            "2026-05-02",
            date=month("2026-06"),
            outlet="c.example",
        ),
        claim("Delayed!", Kind.POSTPONED, "2026-05-02", date=month("2026-06"), outlet="d.example"),
    )

    assert found.changes == ["dated", "postponed"]
    assert found.told[-1].date_before == DATED.date
    assert found.told[-1].date == month("2026-06")
    assert found.event.state is State.POSTPONED


def test_a_date_brought_forward_by_its_own_author_is_redated():
    found = story(DATED, replace(DATED, id="n", at=at("2026-04-01"), date=day("2026-05-05")))

    assert found.changes == ["dated", "redated"]
    assert found.event.date == day("2026-05-05")
    assert found.event.state is State.DATED


def test_a_delay_without_a_date_gives_the_old_one_up_and_echoes_do_not_bring_it_back():
    found = story(
        DATED,
        claim("Curvance delays TGE of 12 May", Kind.POSTPONED, "2026-05-10", date=day("2026-05-12")),
        claim("Curvance TGE on 12 May", Kind.DATE_SET, "2026-05-20", date=day("2026-05-12"),
              outlet="late.example"),
    )  # fmt: skip

    assert found.changes == ["dated", "postponed"]
    assert found.event.date is None
    assert found.event.state is State.POSTPONED


JUNE = day("2026-06-03")


@pytest.mark.parametrize("first", [Kind.POSTPONED, Kind.DATE_SET])
@pytest.mark.parametrize("late", [False, True])
def test_one_slip_in_other_words_is_told_once_whichever_was_said_or_heard_first(first, late):
    other = Kind.DATE_SET if first is Kind.POSTPONED else Kind.POSTPONED
    one = claim("Curvance moves TGE from 12 May to 3 June", first, "2026-05-01T10:00", date=JUNE,
                outlet="b.example")  # fmt: skip
    two = claim("Curvance delays TGE to 3 June", other, "2026-05-01T10:20", date=JUNE,
                outlet="c.example")  # fmt: skip

    found = story(DATED, *([two, one] if late else [one, two]))

    assert len(found.changes) == 2
    assert found.event.date == JUNE
    assert found.told[-1].date_before == DATED.date


def test_a_delay_for_an_unknown_time_gives_up_the_date_that_a_slip_had_set():
    slip = claim("Curvance delays TGE to 3 June", Kind.POSTPONED, "2026-05-01", date=JUNE)
    endless = claim("Curvance puts TGE of 3 June on hold", Kind.POSTPONED, "2026-05-02", date=JUNE,
                    outlet="b.example")  # fmt: skip

    found = story(DATED, slip, endless)

    assert found.changes == ["dated", "postponed", "postponed"]
    assert found.event.date is None
    again = replace(endless, id="n", source="https://n.example/feed", url="https://n.example/1")
    assert found.hears(again).transitions == ()


def test_an_echo_of_a_delay_for_an_unknown_time_does_not_undo_the_new_date():
    endless = claim("TGE of 12 May postponed indefinitely", Kind.POSTPONED, "2026-05-02",
                    date=DATED.date)  # fmt: skip
    new = claim("Curvance sets new date: 3 June", Kind.DATE_SET, "2026-05-05", date=JUNE)
    echo = replace(endless, id="e", at=at("2026-05-06"), seen=at("2026-05-06"),
                   source="https://e.example/feed", url="https://e.example/1")  # fmt: skip

    found = story(DATED, endless, new, echo)

    assert found.changes == ["dated", "postponed", "redated"]
    assert found.event.date == JUNE


def test_the_day_of_a_sale_that_is_open_is_no_news():
    found = story(
        claim("Curvance kicks off token sale", Kind.TOKEN_SALE, "2026-05-02"),
        claim("Curvance sale is open", Kind.TOKEN_SALE, "2026-05-02", outlet="b.example",
              date=day("2026-05-02", "pubdate")),
    )  # fmt: skip

    assert found.changes == ["sale_open"]


def test_a_new_date_after_a_delay_is_told():
    found = story(
        DATED,
        claim("Curvance delays TGE", Kind.POSTPONED, "2026-05-10"),
        claim("Curvance TGE on 3 June", Kind.DATE_SET, "2026-05-20", date=day("2026-06-03")),
    )

    assert found.changes == ["dated", "postponed", "redated"]
    assert found.event.state is State.DATED


def test_each_further_slip_is_told():
    found = story(
        DATED,
        claim("Delayed to June", Kind.POSTPONED, "2026-05-10", date=month("2026-06")),
        claim("Delayed to July", Kind.POSTPONED, "2026-06-20", date=month("2026-07")),
    )

    assert found.changes == ["dated", "postponed", "postponed"]
    assert found.event.date == month("2026-07")


def test_an_older_claim_never_turns_the_state_back():
    found = story(LIVE, DATED, ANNOUNCED)

    assert found.changes == ["live"]
    assert found.event.state is State.LIVE
    late = story(
        claim("Delayed to June", Kind.POSTPONED, "2026-05-10", date=month("2026-06")), DATED
    )
    assert late.event.state is State.POSTPONED
    assert late.event.date == month("2026-06")


def test_sources_that_differ_are_shown_and_the_first_date_stands():
    found = story(
        DATED,
        claim(
            "TGE on 20 May", Kind.DATE_SET, "2026-03-02", date=day("2026-05-20"), outlet="b.example"
        ),
    )

    assert found.changes == ["dated"]
    assert found.event.date == DATED.date
    assert "12 May 2026" in found.event.conflict
    assert "20 May 2026" in found.event.conflict


def test_the_greater_number_of_independent_sources_wins_and_the_conflict_stays_visible():
    found = story(
        DATED,
        claim(
            "It is 20 May", Kind.DATE_SET, "2026-03-02", date=day("2026-05-20"), outlet="b.example"
        ),
        claim("On 20 May", Kind.DATE_SET, "2026-03-02", date=day("2026-05-20"), outlet="c.example"),
    )

    assert found.changes == ["dated", "redated"]
    assert found.event.date == day("2026-05-20")
    assert "12 May 2026" in found.event.conflict


def test_another_date_long_after_the_last_word_on_the_known_one_is_news():
    found = story(
        DATED,
        claim(
            "TGE on 20 May", Kind.DATE_SET, "2026-04-02", date=day("2026-05-20"), outlet="b.example"
        ),
    )

    assert found.changes == ["dated", "redated"]
    assert found.event.conflict == ""


def test_the_projects_own_word_overrides_outlets_and_is_not_overridden_by_one():
    own = claim("TGE: 20 May", Kind.DATE_SET, "2026-03-02", date=day("2026-05-20"), official=True,
                outlet="curvance.example")  # fmt: skip
    found = story(
        DATED,
        own,
        claim(
            "It is 12 May", Kind.DATE_SET, "2026-03-20", date=day("2026-05-12"), outlet="c.example"
        ),
        claim(
            "It is 25 May", Kind.DATE_SET, "2026-03-20", date=day("2026-05-25"), outlet="d.example"
        ),
    )

    assert found.changes == ["dated", "redated"]
    assert found.event.date == own.date
    assert "the project" in found.event.conflict


def test_what_is_live_is_not_undone_by_an_outlet_but_by_the_project():
    off = claim("CURV launch called off", Kind.CANCELLED, "2026-05-13", outlet="c.example")
    found = story(DATED, LIVE, off)

    assert found.event.state is State.LIVE
    assert "cancelled" in found.event.conflict
    assert story(DATED, LIVE, replace(off, official=True)).event.state is State.CANCELLED


def test_a_cancelled_event_comes_back_on_the_projects_word_or_much_later():
    off = claim("Curvance cancels TGE", Kind.CANCELLED, "2026-04-01")
    echo = claim(
        "TGE in June", Kind.DATE_SET, "2026-04-02", date=month("2026-06"), outlet="b.example"
    )

    assert story(DATED, off, echo).changes == ["dated", "cancelled"]
    assert story(DATED, off, replace(echo, official=True)).event.state is State.DATED
    later = replace(echo, at=at("2026-05-01"), seen=at("2026-05-01"))
    assert story(DATED, off, later).changes == ["dated", "cancelled", "dated"]


def test_a_strangers_rumour_is_evidence_without_alert():
    rumour = claim("Curvance could airdrop", rumour=True, outlet="b.example")
    found = story(rumour)

    assert found.told == []
    assert found.event.state is State.RUMOURED
    assert story(DATED, replace(rumour, at=at("2026-04-01"))).changes == ["dated"]


def test_the_projects_own_hint_is_told_once():
    rumour = claim("Curvance could airdrop", rumour=True, outlet="b.example")
    hint = claim("Something is brewing", when="2026-01-02", rumour=True, official=True)
    again = claim("Still brewing", when="2026-01-05", rumour=True, official=True)

    assert story(rumour, hint, again).changes == ["rumoured"]
    assert story(hint, rumour, again).changes == ["rumoured"]


def test_a_suspicious_claim_warns_once_and_moves_nothing():
    bait = claim("Curvance airdrop is live", Kind.AIRDROP_CLAIM, outlet="bait.example",
                 flags=("lookalike_domain",))  # fmt: skip
    more = replace(bait, id="more", title="Claim CURV now")
    found = story(bait, more)

    assert found.changes == ["rumoured"]
    assert found.event.state is State.RUMOURED
    assert found.event.score < 0.3
    assert found.event.sources == 0
    assert story(ANNOUNCED, bait).event.state is State.ANNOUNCED


def test_claim_window_sale_rounds_and_listings_lie_on_one_timeline_each_told_once():
    found = story(
        claim(
            "Curvance token sale opens 2 May", Kind.TOKEN_SALE, "2026-04-01", date=day("2026-05-02")
        ),
        claim("Curvance sale is live", Kind.TOKEN_SALE, "2026-05-02"),
        claim("Curvance sale sold out", Kind.TOKEN_SALE, "2026-05-03"),
        claim("Curvance TGE on 12 May", Kind.DATE_SET, "2026-05-04", date=day("2026-05-12")),
        claim("Binance to list Curvance", Kind.LISTING, "2026-05-10", date=day("2026-05-12")),
        claim("Curvance airdrop: claim now", Kind.AIRDROP_CLAIM, "2026-05-12T10:00"),
        claim("CURV is live", Kind.LIVE, "2026-05-12T11:00"),
        claim("Binance lists Curvance", Kind.LISTING, "2026-05-12T12:00"),
        claim("KuCoin lists Curvance", Kind.LISTING, "2026-05-14T12:00"),
        claim("KuCoin lists CURV", Kind.LISTING, "2026-05-14T13:00", outlet="b.example"),
        claim(
            "Airdrop claim ends 12 June", Kind.AIRDROP_CLAIM, "2026-06-01", date=day("2026-06-12")
        ),
        claim("Claim window closes soon", Kind.AIRDROP_CLAIM, "2026-06-10"),
        claim("Claim for season 2 is open", Kind.AIRDROP_CLAIM, "2026-06-12"),
    )

    assert found.changes == [
        "sale", "sale_open", "sale_close", "dated", "listing",
        "claim_open", "listing", "claim_close", "claim_open",
    ]  # fmt: skip
    assert found.event.state is State.LIVE
    assert found.event.date == day("2026-05-12")


def test_a_claim_opened_before_the_token_trades_and_the_token_much_later_are_two_news():
    opened = claim("Claim your CURV now", Kind.AIRDROP_CLAIM, "2026-05-12")
    trading = claim("CURV is trading at last", Kind.LIVE, "2026-07-20", outlet="b.example")

    assert story(opened, trading).changes == ["claim_open", "live"]
    same_day = replace(trading, at=opened.at + 60, seen=opened.at + 60)
    assert story(opened, same_day).changes == ["claim_open"]
    assert story(LIVE, trading).changes == ["live"]


def test_a_later_round_has_its_own_delay_and_leaves_the_token_live():
    found = story(
        LIVE,
        claim("Season 2 airdrop claim is postponed", Kind.POSTPONED, "2026-05-20"),
        claim("Season 2 claim delayed again", Kind.POSTPONED, "2026-05-21", outlet="b.example"),
    )

    assert found.changes == ["live", "postponed"]
    assert found.told[-1].detail == "claim 2"
    assert found.event.state is State.LIVE
    assert found.event.conflict == ""


def test_a_claim_that_is_put_off_while_the_token_trades_is_told_and_undoes_nothing():
    found = story(
        LIVE,
        claim("Curvance airdrop claim postponed", Kind.POSTPONED, "2026-05-20"),
        claim("KuCoin delays CURV listing", Kind.POSTPONED, "2026-05-21"),
    )

    assert found.changes == ["live", "postponed", "postponed"]
    assert [t.detail for t in found.told] == ["", "claim", "listing KuCoin"]
    assert found.event.state is State.LIVE
    assert found.event.conflict == ""


def test_one_delay_in_other_words_is_told_once():
    found = story(
        DATED,
        claim("Curvance TGE postponed", Kind.POSTPONED, "2026-05-01"),
        claim("Curvance airdrop claim postponed", Kind.POSTPONED, "2026-05-01", outlet="b.example"),
        claim("KuCoin delays CURV listing", Kind.POSTPONED, "2026-05-02", outlet="c.example"),
    )

    assert found.changes == ["dated", "postponed"]


def test_a_sale_that_is_put_off_leaves_the_date_of_the_token():
    found = story(
        DATED,
        claim("Curvance sale on 2 May", Kind.TOKEN_SALE, "2026-04-01", date=day("2026-05-02")),
        claim("Curvance sale postponed", Kind.POSTPONED, "2026-04-20"),
    )

    assert found.changes == ["dated", "sale", "postponed"]
    assert found.told[-1].detail == "sale"
    assert found.event.state is State.DATED
    assert found.event.date == DATED.date


def test_history_joins_the_round_that_it_belongs_to():
    first = claim("CURV is live", Kind.LIVE, "2026-01-05")
    second = claim("Curvance announces another airdrop", Kind.ANNOUNCED, "2027-01-01")
    found = story(first, second)

    merged = found.hears(claim("Curvance announces CURV", when="2025-12-20"), at("2027-01-02"))

    assert first in merged.event.claims


def test_a_flood_from_one_voice_is_dammed_and_the_projects_own_word_is_not():
    flood = [claim(f"Curvance token news {n}", when="2026-01-02", name=f"n{n}") for n in range(60)]
    found = story(ANNOUNCED, *flood)

    assert len(found.event.claims) < 50
    assert found.changes == ["announced"]
    other = replace(DATED, source="https://b.example/feed", url="https://b.example/1")
    found.hears(other)
    assert found.changes == ["announced", "dated"]
    found.hears(replace(LIVE, official=True, url=flood[0].url, source=flood[0].source))
    assert found.event.state is State.LIVE


def test_names_of_any_length_are_bounded():
    found = story(claim("x", project="long " * 500))

    assert len(found.event.project) <= 120


def test_claims_that_are_opened_again_are_told():
    found = story(
        claim("Claim your CURV now", Kind.AIRDROP_CLAIM, "2026-05-12"),
        claim("Curvance reopens CURV claims", Kind.AIRDROP_CLAIM, "2026-06-01"),
    )

    assert [t.detail for t in found.told] == ["", "reopened"]


def test_a_listing_on_several_venues_is_one_message_that_names_them():
    found = story(LIVE, claim("KuCoin and Bybit list CURV", Kind.LISTING, "2026-05-13"))

    assert found.told[-1].detail == "Bybit, KuCoin"


def test_the_date_of_a_sale_is_no_date_of_the_token():
    found = story(
        claim("Curvance sale on 2 May", Kind.TOKEN_SALE, "2026-04-01", date=day("2026-05-02")),
        claim("Curvance TGE on 12 May", Kind.DATE_SET, "2026-04-02", date=day("2026-05-12"),
              outlet="b.example"),
    )  # fmt: skip

    assert found.changes == ["sale", "dated"]
    assert found.event.conflict == ""


def test_a_window_that_is_open_is_told_with_the_day_it_closes_and_never_with_the_tokens():
    closing = replace(day("2026-06-12"), text="June 12")
    found = story(
        DATED,
        claim(
            "Curvance claim is live until June 12", Kind.AIRDROP_CLAIM, "2026-05-01", date=closing
        ),
    )

    assert found.changes == ["dated", "claim_close"]
    assert found.told[-1].date == closing
    first = story(claim("Claim is live until June 12", Kind.AIRDROP_CLAIM, date=closing))
    assert [(t.change, t.date) for t in first.told] == [("claim_close", closing)]


def test_a_window_that_is_to_open_and_close_is_not_open_yet():
    opening = replace(day("2026-05-12"), text="May 12")
    found = story(
        claim("Claim opens May 12, closes June 12", Kind.AIRDROP_CLAIM, "2026-05-01", date=opening)
    )

    assert found.event.state is State.DATED
    assert [(t.change, t.date) for t in found.told] == [("claim", opening)]


def test_a_delay_is_not_told_with_the_date_that_the_user_has_pinned():
    found = story(DATED)
    pinned = edit(found.event, Edit(date=day("2026-05-15")), at("2026-03-02")).event
    late = claim(
        "Curvance postpones TGE to 1 June", Kind.POSTPONED, "2026-03-03", date=day("2026-06-01")
    )

    merged = merge(late, [pinned], late.seen)

    assert [(t.change, t.date) for t in merged.transitions] == [("postponed", None)]
    assert merged.event.date == day("2026-05-15")
    assert [(t.change, t.date) for t in story(DATED, late).told][-1] == ("postponed", late.date)


def test_a_window_that_is_said_to_be_extended_is_told_as_moved():
    found = story(
        LIVE,
        claim("Claim ends 12 June", Kind.AIRDROP_CLAIM, "2026-06-01", date=day("2026-06-12")),
        claim("Claim deadline extended to 30 June", Kind.AIRDROP_CLAIM, "2026-06-10",
              date=replace(day("2026-06-30"), text="30 June")),
    )  # fmt: skip

    assert found.changes == ["live", "claim_close", "redated"]
    assert found.told[-1].detail == "claim close"


def test_an_extended_claim_window_is_told():
    found = story(
        LIVE,
        claim("Claim ends 12 June", Kind.AIRDROP_CLAIM, "2026-06-01", date=day("2026-06-12")),
        claim(
            "Claim deadline is 30 June", Kind.AIRDROP_CLAIM, "2026-06-10", date=day("2026-06-30")
        ),
    )

    assert found.changes == ["live", "claim_close", "redated"]
    assert found.told[-1].date_before == day("2026-06-12")


@pytest.mark.parametrize(
    "other",
    [
        claim("Camelot announces a token", project="Camelot"),
        claim("Another CURV", project="Curve Nova", ticker="CURV"),
        claim("A second token", project="Curvance", ticker="VANCE"),
        claim("Espresso", project="Curvance", company="Espresso"),
    ],
)
def test_a_claim_about_another_project_or_token_opens_an_event_of_its_own(other):
    held = claim("Curvance announces CURV", project="Curvance", company="Curvance", ticker="CURV")
    found = story(held, other)

    assert len(found.events) == 2
    assert found.changes == ["announced", "announced"]


def test_a_clash_of_tickers_is_noted():
    found = story(ANNOUNCED, claim("Another CURV", project="Curve Nova", ticker="CURV"))

    assert "kept apart" in found.reason
    assert "kept apart" in found.told[-1].note


def test_a_name_that_two_events_could_mean_is_kept_apart():
    found = story(
        claim("Zorblat Finance token", project="Zorblat Finance"),
        claim("Zorblat Chain token", project="Zorblat Chain"),
        claim("Zorblat token", project="Zorblat"),
    )

    assert len(found.events) == 3
    assert "could be" in found.reason


def test_names_aliases_and_tickers_of_one_project_meet_in_one_event():
    found = story(
        claim("Curvance to launch CURV", ticker="CURV"),
        claim("Curvance Finance token", project="Curvance Finance", outlet="b.example"),
        claim("CURV is coming", project="", ticker="CURV", outlet="c.example"),
        claim("Curvance Labs", project="CURVANCE LABS", outlet="d.example"),
    )

    assert found.event.sources == 4
    assert set(found.event.names) >= {"curvance", "curvance finance", "curvance labs"}


def test_a_claim_that_names_nothing_makes_no_event():
    merged = merge(claim("A token is coming", project=""), [], 0.0)

    assert merged.event is None
    assert merged.reason


def test_a_new_round_long_after_the_end_is_a_new_event_and_a_nearer_one_is_not():
    near = claim("Curvance airdrop two", Kind.ANNOUNCED, "2026-08-01")
    far = claim("Curvance announces another airdrop", Kind.ANNOUNCED, "2027-01-01")

    assert len(story(LIVE, near).events) == 1
    found = story(LIVE, far)
    assert len(found.events) == 2
    assert found.changes == ["live", "announced"]


def test_history_of_long_ago_does_not_join_what_is_ahead():
    old = claim("Curvance token is live", Kind.LIVE, "2022-05-01", baseline=True)
    found = story(DATED, replace(old, seen=at("2026-03-02")))

    assert len(found.events) == 2
    assert found.changes == ["dated"]


def test_syndicated_copies_count_once():
    wire = "Curvance said that holders of points will claim tokens in the middle of May."
    title = "Curvance to open token claims in the middle of May"
    found = story(
        claim(title, outlet="a.example", summary=wire),
        claim(title, outlet="b.example", summary=wire),
        claim(
            "CURV airdrop: what the team says about May", outlet="c.example", summary="Own words."
        ),
    )

    assert found.event.sources == 2
    assert found.event.score == pytest.approx(1 - 0.2 * 0.2)


def test_an_official_source_weighs_more_and_a_rumour_less():
    plain = score_of(dossier([claim("x")]).placed)
    assert plain == pytest.approx(0.8)
    assert score_of(dossier([claim("x", official=True)]).placed) > plain
    assert score_of(dossier([claim("x", rumour=True)]).placed) < plain


def test_confidence_out_of_range_stays_a_probability():
    assert score_of(dossier([claim("x", confidence=7.0)]).placed) == 1.0
    assert score_of(dossier([claim("x", confidence=-7.0)]).placed) == 0.0


BASELINE_NOW = at("2026-03-01")


@pytest.mark.parametrize(
    ("heard", "told"),
    [
        (claim("TGE 12 May", Kind.DATE_SET, "2026-01-01", date=day("2026-05-12")), True),
        (claim("TGE 12 January", Kind.DATE_SET, "2026-01-01", date=day("2026-01-12")), False),
        (claim("Token announced", Kind.ANNOUNCED, "2026-02-20"), True),
        (claim("Token announced", Kind.ANNOUNCED, "2026-01-20"), False),
        (claim("Delayed", Kind.POSTPONED, "2026-02-20"), True),
        (claim("Delayed", Kind.POSTPONED, "2026-01-20"), False),
        (claim("Live", Kind.LIVE, "2026-02-28"), False),
        (claim("Claim ends", Kind.AIRDROP_CLAIM, "2026-02-28", date=day("2026-03-20")), True),
        (claim("Cancelled", Kind.CANCELLED, "2026-02-28"), False),
    ],
)
def test_history_is_told_only_while_the_event_is_ahead(heard, told):
    found = Story()
    found.hears(replace(heard, baseline=True), BASELINE_NOW)

    assert bool(found.told) is told
    assert len(found.recorded) == 1


def test_what_is_long_over_when_first_heard_of_is_never_told():
    found = Story()
    found.hears(LIVE, at("2027-05-12"))

    assert found.told == []
    assert found.event.state is State.DONE


def test_an_edited_text_says_what_it_says_from_then_on():
    edited = replace(
        DATED,
        title="Curvance TGE on 20 May",
        text="Curvance TGE on 20 May",
        date=day("2026-05-20"),
        seen=at("2026-04-01"),
    )
    found = story(DATED, edited)

    assert found.changes == ["dated", "redated"]
    assert len(found.event.claims) == 1


def test_a_better_reading_of_the_same_text_keeps_its_place_in_time():
    vague = replace(DATED, kind=Kind.ANNOUNCED, date=None)
    found = story(vague, replace(DATED, seen=at("2026-03-03")))

    assert found.changes == ["announced", "dated"]
    assert found.event.claims[0].at == DATED.at


def test_a_lone_claim_that_gets_its_name_right_renames_its_event():
    found = story(claim("Big news", project="Big", name="n"), claim("Big news", name="n"))

    assert found.event.project == "Curvance"
    assert found.event.names == ("curvance",)


def test_a_dismissed_event_swallows_claims_silently():
    found = story(ANNOUNCED)
    found.events[found.event.id] = replace(found.event, dismissed=True)

    merged = found.hears(DATED)

    assert merged.transitions == ()
    assert found.event.state is State.ANNOUNCED
    assert len(found.event.claims) == 2


def test_what_the_user_set_is_not_moved_by_claims():
    found = story(DATED)
    pinned = replace(
        found.event, date=day("2026-07-01"), project="Curvance!", pinned=("date", "project")
    )
    found.events[pinned.id] = pinned

    moved = claim(
        "Moved to June", Kind.DATE_SET, "2026-04-01", date=month("2026-06"), official=True
    )
    assert found.hears(moved).transitions == ()
    assert found.event.date == day("2026-07-01")
    assert found.event.project == "Curvance!"
    found.hears(LIVE)
    assert found.changes[-1] == "live"


def test_an_event_is_found_by_the_keys_of_the_claims_that_join_it():
    found = story(ANNOUNCED)

    for joining in (
        DATED,
        claim("x", project="", ticker="CURV"),
        claim("x", project="curvance dao"),
    ):
        assert candidate_keys(joining) & event_keys(found.event)
    assert not candidate_keys(claim("x", project="Camelot")) & event_keys(found.event)


def test_ids_are_readable_and_the_same_each_time():
    one, other = story(ANNOUNCED).event.id, story(ANNOUNCED).event.id

    assert one == other
    assert one.startswith("curvance-")
    assert story(claim("x", project="金龙")).event.id.startswith("event-")
    assert len(story(claim("x", project="long " * 60)).event.id) < 60
