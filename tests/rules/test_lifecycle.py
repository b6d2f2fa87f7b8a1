import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgewatch.model import DateClaim, Precision, State
from tgewatch.rules.lifecycle import (
    DATE_LINE,
    DAY,
    GRACE,
    LIVE_FOR,
    TABLE,
    Guard,
    Relation,
    Signal,
    concrete,
    lapsed,
    relation,
)
from tgewatch.testing.claims import at, day, instant, month, quarter, soon, week

# Next state by state and signal; a dot stays. The columns are:
# rumour hint announce date open close postpone cancel
EXPECTED = """
none       rumoured rumoured announced dated     live done postponed cancelled
rumoured   .        rumoured announced dated     live done postponed cancelled
announced  .        .        .         dated     live done postponed cancelled
dated      .        .        .         dated     live done postponed cancelled
live       .        .        .         .         .    done postponed cancelled
done       .        .        .         .         .    .    .         .
postponed  .        .        .         dated     live done postponed cancelled
cancelled  .        .        announced dated     live .    .         .
"""
SIGNALS = (
    Signal.RUMOUR, Signal.HINT, Signal.ANNOUNCE, Signal.DATE,
    Signal.OPEN, Signal.CLOSE, Signal.POSTPONE, Signal.CANCEL,
)  # fmt: skip
CELLS = [
    (row[0], signal, target)
    for row in (line.split() for line in EXPECTED.strip().splitlines())
    for signal, target in zip(SIGNALS, row[1:], strict=True)
]


@pytest.mark.parametrize(("state", "signal", "target"), CELLS)
def test_each_signal_leads_from_each_state_where_the_table_says(state, signal, target):
    step = TABLE[None if state == "none" else State(state)].get(signal)

    assert (step.state.value if step else ".") == target


def test_the_table_has_a_row_for_every_state_and_the_test_a_column_for_every_signal():
    assert set(TABLE) == {None, *State}
    assert set(SIGNALS) == set(Signal)


def test_only_a_strangers_rumour_is_silent():
    silent = {
        (state, signal)
        for state, row in TABLE.items()
        for signal, step in row.items()
        if not step.tell
    }

    assert silent == {(None, Signal.RUMOUR)}


def test_only_the_project_itself_takes_back_what_has_happened():
    for signal in (Signal.POSTPONE, Signal.CANCEL):
        assert TABLE[State.LIVE][signal].guard is Guard.OFFICIAL
        assert TABLE[State.DATED][signal].guard is Guard.NONE


@pytest.mark.parametrize(
    ("known", "said", "expected"),
    [
        (None, day("2026-05-12"), Relation.NEW),
        (soon(), day("2026-05-12"), Relation.NEW),
        (day("2026-05-12"), None, Relation.NONE),
        (day("2026-05-12"), soon(), Relation.NONE),
        (day("2026-05-12"), day("2026-05-12"), Relation.SAME),
        (day("2026-05-12"), day("2026-05-13"), Relation.OTHER),
        (day("2026-05-12"), day("2026-05-13", "relative"), Relation.SAME),
        (day("2026-05-12"), day("2026-05-14", "relative"), Relation.OTHER),
        (day("2026-05-12", "pubdate"), day("2026-05-11"), Relation.SAME),
        (month("2026-06"), day("2026-06-12"), Relation.FINER),
        (day("2026-06-12"), month("2026-06"), Relation.COARSER),
        (month("2026-06"), day("2026-07-01"), Relation.OTHER),
        (month("2026-06"), month("2026-07"), Relation.OTHER),
        (quarter("2026-Q2"), month("2026-05"), Relation.FINER),
        (quarter("2026-Q2"), quarter("2026-Q3"), Relation.OTHER),
        (month("2026-05"), quarter("2026-Q2"), Relation.COARSER),
        (month("2026-06"), week("2026-06-29"), Relation.FINER),
        (week("2026-06-29"), month("2026-07"), Relation.COARSER),
        (week("2026-06-29"), week("2026-06-28"), Relation.SAME),
        (week("2026-06-29"), week("2026-07-06"), Relation.OTHER),
        (day("2026-05-12"), instant("2026-05-12T15:00"), Relation.FINER),
        (day("2026-05-12"), instant("2026-05-13T03:00"), Relation.FINER),
        (day("2026-05-12"), instant("2026-05-14T15:00"), Relation.OTHER),
        (instant("2026-05-12T15:00"), day("2026-05-12"), Relation.COARSER),
        (instant("2026-05-12T15:00"), instant("2026-05-12T15:00"), Relation.SAME),
        (instant("2026-05-12T15:00"), instant("2026-05-12T16:00"), Relation.OTHER),
    ],
)
def test_a_date_is_new_the_same_finer_coarser_or_another(known, said, expected):
    assert relation(known, said) is expected


def test_a_time_counts_within_the_local_day_and_not_a_minute_longer():
    announced = day("2026-05-12")

    late = announced.end + DATE_LINE

    assert relation(announced, DateClaim(late - 60, late - 60, Precision.INSTANT)) is Relation.FINER
    assert relation(announced, DateClaim(late + 60, late + 60, Precision.INSTANT)) is Relation.OTHER


PERIODS = st.builds(
    lambda start, days, precision: DateClaim(
        start * DAY,
        start * DAY if precision is Precision.INSTANT else (start + days) * DAY,
        precision,
    ),
    st.integers(0, 400),
    st.integers(1, 120),
    st.sampled_from(list(Precision)),
)


@given(PERIODS)
def test_every_date_is_the_same_as_itself(date):
    assert relation(date, date) is (Relation.SAME if concrete(date) else Relation.NONE)


@given(PERIODS, PERIODS)
def test_another_date_is_another_one_from_both_sides_and_finer_mirrors_coarser(one, other):
    there, back = relation(one, other), relation(other, one)
    mirror = {Relation.FINER: Relation.COARSER, Relation.COARSER: Relation.FINER}

    if concrete(one) and concrete(other):
        assert (there is Relation.OTHER) == (back is Relation.OTHER)
        if there in mirror:
            assert back is mirror[there]


def test_a_token_is_done_once_it_has_been_live_for_long_and_not_before():
    since = at("2026-05-12")

    assert lapsed(State.LIVE, None, since, since + LIVE_FOR - 1) is None
    assert lapsed(State.LIVE, None, since, since + LIVE_FOR) == since + LIVE_FOR


@pytest.mark.parametrize("state", [State.DATED, State.POSTPONED])
def test_a_date_that_is_long_past_ends_an_event_that_nobody_called_live(state):
    date = month("2026-06")

    assert lapsed(state, date, at("2026-05-01"), date.end + GRACE - 1) is None
    assert lapsed(state, date, at("2026-05-01"), date.end + GRACE) == date.end + GRACE


def test_a_date_that_was_past_when_it_was_said_still_has_its_grace():
    said = at("2026-08-01")

    assert lapsed(State.DATED, day("2026-05-12"), said, said + GRACE - 1) is None


def test_nothing_else_ends_by_time():
    waiting = (State.RUMOURED, State.ANNOUNCED, State.CANCELLED, State.DONE)
    for state, date in itertools.product(waiting, (None, day("2020-01-01"))):
        assert lapsed(state, date, 0.0, at("2036-01-01")) is None
    for date in (None, soon("2020-01-01")):
        assert lapsed(State.DATED, date, 0.0, at("2036-01-01")) is None
        assert lapsed(State.POSTPONED, date, 0.0, at("2036-01-01")) is None
