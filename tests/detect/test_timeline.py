from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from tgewatch.detect.dossier import dossier
from tgewatch.detect.merge import merge
from tgewatch.detect.timeline import view
from tgewatch.model import Kind, State
from tgewatch.rules.lifecycle import DAY
from tgewatch.testing.claims import at, claim, day, month, quarter, soon

START = at("2026-03-01")
NOW = START + 100 * DAY
DATES = [None, day("2026-05-12"), day("2026-05-20"), month("2026-05"), month("2026-06"),
         quarter("2026-Q2"), soon()]  # fmt: skip
TITLES = ["Curvance token news", "Curvance delays it to June", "Binance to list CURV",
          "Curvance airdrop is live, claim now", "Curvance claim ends"]  # fmt: skip


@st.composite
def claims(draw):
    kinds = draw(st.lists(st.sampled_from(list(Kind)), min_size=1, max_size=7))
    made = []
    for number, kind in enumerate(kinds):
        outlet = draw(st.integers(0, 4))
        one = claim(
            draw(st.sampled_from(TITLES)),
            kind,
            date=draw(st.sampled_from(DATES)),
            outlet=f"o{outlet}.example",
            official=outlet == 0,
            rumour=draw(st.integers(0, 7)) == 0,
            name=f"n{number}",
        )
        when = START + draw(st.integers(0, 60)) * DAY / 2
        made.append(replace(one, id=f"{number}{one.id}", at=when, seen=when))
    return made


def told_by(order):
    event, transitions = None, []
    for one in order:
        merged = merge(one, [event] if event else [], NOW)
        assert event is None or merged.event.id == event.id
        event = merged.event
        transitions += merged.transitions
    return event, transitions


def shown(event):
    return (event.state, event.date, event.kind, event.sources, event.score, event.conflict)


@settings(deadline=None)
@given(claims(), st.randoms(use_true_random=False))
def test_an_event_is_the_same_whichever_way_its_claims_arrive(made, random):
    shuffled = list(made)
    random.shuffle(shuffled)

    one, _ = told_by(made)
    other, _ = told_by(shuffled)

    assert shown(one) == shown(other)
    assert set(one.names) == set(other.names)


@settings(deadline=None)
@given(claims())
def test_nothing_is_told_twice_and_numbers_run_without_a_gap(made):
    event, transitions = told_by(made)
    again = event
    for one in made:
        merged = merge(one, [again], NOW)
        assert merged.transitions == ()
        again = merged.event

    assert again == event
    assert [t.number for t in transitions] == list(range(1, len(transitions) + 1))
    assert event.changes == len(transitions)


@settings(deadline=None)
@given(claims())
def test_one_claim_makes_one_transition_at_most_and_never_one_that_changes_nothing(made):
    event = None
    for one in made:
        merged = merge(one, [event] if event else [], NOW)
        caused = [t for t in merged.transitions if t.claim]
        assert len(caused) <= 1
        assert {t.change for t in merged.transitions if not t.claim} <= {"done"}
        for made_of_it in caused:
            assert made_of_it.claim == one.id
            if made_of_it.change in ("dated", "redated"):
                assert made_of_it.date != made_of_it.date_before
        event = merged.event


@settings(deadline=None)
@given(claims())
def test_a_repetition_by_its_own_outlet_is_no_change(made):
    event, _ = told_by(made)
    for position, one in enumerate(sorted(made, key=lambda c: (c.at, c.id))):
        echo = replace(one, id=f"{one.id}-again-{position}", at=one.at, seen=one.seen)
        merged = merge(echo, [event], NOW)
        assert merged.transitions == ()


def test_without_evidence_there_is_nothing_to_see():
    assert view(dossier([]).course, NOW) is None


def test_time_alone_ends_what_was_live_and_nothing_before():
    live = dossier([claim("CURV is live", Kind.LIVE, "2026-05-12")]).course

    assert view(live, at("2026-06-01")).state is State.LIVE
    over = view(live, at("2026-06-12"))
    assert over.state is State.DONE
    assert over.ended == at("2026-05-12") + 30 * DAY
