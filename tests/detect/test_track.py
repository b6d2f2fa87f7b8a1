from dataclasses import replace

from tgewatch.detect.phase import statement
from tgewatch.detect.track import Said, stepped
from tgewatch.model import Kind, State
from tgewatch.testing.claims import at, claim, day, month

FIRST = claim("TGE on 12 May", Kind.DATE_SET, "2026-03-01", date=day("2026-05-12"))


def told(one, voice):
    return Said(one, statement(one), voice, one.at)


def track(*said):
    known = None
    for one in said:
        known = stepped(known, one) or known
    return known


def test_a_date_has_an_author_and_those_who_repeat_it():
    known = track(told(FIRST, 0), told(replace(FIRST, at=at("2026-03-02")), 1))

    assert known.author == 0
    assert known.support == {0: FIRST.at, 1: at("2026-03-02")}


def test_another_date_within_the_dispute_is_a_rival_until_its_voice_agrees():
    rival = replace(FIRST, at=at("2026-03-02"), date=day("2026-05-20"))
    agrees = replace(FIRST, at=at("2026-03-03"))

    contested = track(told(FIRST, 0), told(rival, 1))
    assert contested.date == FIRST.date
    assert set(contested.rivals) == {1}
    assert track(told(FIRST, 0), told(rival, 1), told(agrees, 1)).rivals == {}


def test_a_date_whose_last_supporter_turns_away_is_given_up():
    turned = replace(FIRST, at=at("2026-03-02"), date=day("2026-05-20"))

    known = track(told(FIRST, 0), told(turned, 0))

    assert known.date == day("2026-05-20")
    assert known.void == (FIRST.date,)


def test_a_second_slip_in_the_same_days_is_disputed_and_a_later_one_is_not():
    june = claim("TGE moved to June", Kind.POSTPONED, "2026-05-01", date=month("2026-06"))
    july = replace(june, title="TGE moved to July", date=month("2026-07"), at=at("2026-05-02"))

    assert track(told(FIRST, 0), told(june, 1), told(july, 2)).date == month("2026-06")
    later = replace(july, at=at("2026-05-20"), seen=at("2026-05-20"))
    assert track(told(FIRST, 0), told(june, 1), told(later, 2)).date == month("2026-07")


def test_the_projects_confirmation_makes_a_date_its_own():
    own = replace(FIRST, official=True, at=at("2026-03-02"))
    rival = replace(FIRST, at=at("2026-04-01"), date=day("2026-05-20"))

    known = track(told(FIRST, 0), told(own, 1), told(rival, 2))

    assert known.official
    assert known.date == FIRST.date


def test_what_has_happened_takes_the_day_on_which_it_did():
    live = claim("It is live", Kind.LIVE, "2026-05-13", date=day("2026-05-13"))

    known = track(told(FIRST, 0), told(live, 1))

    assert known.state is State.LIVE
    assert known.date == day("2026-05-13")
