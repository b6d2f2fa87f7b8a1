import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgewatch.rules.server_clock import DRIFT, UNSYNCED, ServerClock


def test_before_any_answer_the_clocks_may_differ_by_a_few_seconds():
    clock = ServerClock()

    assert clock.earliest(100.0) == 100.0 - UNSYNCED
    assert clock.latest(100.0) == 100.0 + UNSYNCED


@given(
    offset=st.floats(-100, 100),
    calls=st.lists(
        st.tuples(st.floats(0.1, 60), st.floats(0, 3), st.floats(0, 3)), min_size=1, max_size=30
    ),
)
def test_the_true_time_is_always_within_the_bounds(offset, calls):
    clock, now = ServerClock(), 1_000_000.0

    for pause, up, down in calls:
        sent = now + pause
        received = sent + up + down
        date = float(math.floor(sent + up + offset))
        clock = clock.seen(date, sent=sent, received=received)
        now = received
        assert clock.earliest(now) - 1e-6 <= now + offset <= clock.latest(now) + 1e-6


def test_several_answers_know_better_than_one():
    clock = ServerClock()

    for n in range(40):
        sent = 1_000.0 + n * 1.37
        clock = clock.seen(float(math.floor(sent + 3.02)), sent=sent, received=sent + 0.04)

    assert clock.latest(1_060.0) - clock.earliest(1_060.0) < 0.2


def test_what_is_known_fades():
    clock = ServerClock().seen(1_000.0, sent=1_000.0, received=1_000.1)

    narrow = clock.latest(1_000.1) - clock.earliest(1_000.1)
    later = clock.latest(11_000.1) - clock.earliest(11_000.1)

    assert later - narrow == pytest.approx(2 * DRIFT * 10_000)


def test_a_clock_that_was_set_is_learned_anew():
    clock = ServerClock().seen(1_000.0, sent=1_000.0, received=1_000.1)

    clock = clock.seen(5_000.0, sent=1_010.0, received=1_010.1)

    assert clock.earliest(1_010.1) == pytest.approx(5_000.0)


def test_small_contradictions_widen_the_bounds():
    clock = ServerClock().seen(1_000.0, sent=1_000.0, received=1_000.1)

    clock = clock.seen(1_012.0, sent=1_010.0, received=1_010.1)

    assert clock.earliest(1_010.1) == pytest.approx(1_010.0, abs=0.01)
    assert clock.latest(1_010.1) == pytest.approx(1_013.1, abs=0.01)


def test_an_answer_from_before_it_was_asked_for_teaches_nothing():
    clock = ServerClock()

    assert clock.seen(1_000.0, sent=1_010.0, received=1_000.0) == clock


def test_doubt_widens_both_ways():
    clock = ServerClock().seen(1_000.0, sent=1_000.0, received=1_000.0).doubted(5.0)

    assert clock.earliest(1_000.0) == 995.0
    assert clock.latest(1_000.0) == 1_006.0
