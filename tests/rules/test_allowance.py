import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgewatch.rules.allowance import SHORT, TRIM_HIGH, TRIM_LOW, Allowance
from tgewatch.rules.rhythm import DAY, HOUR

NOW = 1_700_000_000.0


def test_saves_up_a_day_and_no_more():
    allowance = Allowance(0.1, NOW)
    allowance.refill(NOW + 30 * DAY)

    assert allowance.tokens == 0.1 * DAY


def test_says_when_the_next_poll_is_affordable():
    allowance = Allowance(0.1, NOW)
    for _ in range(360):
        allowance.spend(NOW)

    assert allowance.tokens == pytest.approx(0)
    assert allowance.ready_at() == pytest.approx(NOW + 10)
    allowance.refill(NOW + 10)
    assert allowance.ready_at() == NOW + 10


@given(st.floats(1e-4, 1e4), st.floats(0, 0.999))
def test_what_is_said_to_be_affordable_then_is(rate, tokens):
    allowance = Allowance(rate, NOW)
    allowance.tokens = tokens
    allowance.refill(allowance.ready_at())

    assert allowance.affordable


@given(st.lists(st.tuples(st.floats(0, HOUR), st.booleans()), max_size=300))
def test_never_affords_more_than_was_saved_and_earned(steps):
    allowance, now, spent = Allowance(0.05, NOW), NOW, 0
    for gap, wants in steps:
        now += gap
        allowance.refill(now)
        if wants and allowance.affordable:
            allowance.spend(now)
            spent += 1

    assert spent <= 0.05 * HOUR + 0.05 * (now - NOW) + SHORT


def test_a_clock_that_was_years_ahead_stops_nothing():
    allowance = Allowance(0.1, NOW)
    for _ in range(9_000):
        allowance.spend(NOW + 9e8)
    allowance.refill(NOW)

    assert allowance.ready_at() <= NOW + 3_700
    allowance.refill(NOW - 60)
    assert allowance.at == NOW


def test_debt_ends_at_a_day():
    allowance = Allowance(0.1, NOW)
    for _ in range(50_000):
        allowance.spend(NOW)

    assert allowance.tokens == -0.1 * DAY


def test_a_poll_not_made_is_given_back():
    allowance = Allowance(0.1, NOW)
    before = allowance.tokens
    allowance.spend(NOW)
    allowance.refund()

    assert allowance.tokens == before


def spending(per_second, days=3):
    allowance, now = Allowance(0.1, NOW), NOW
    while now < NOW + days * DAY:
        now += 1 / per_second
        allowance.spend(now)
    return allowance


def test_spending_too_much_raises_the_threshold():
    assert spending(0.2).trim > 2 * Allowance(0.1, NOW).trim


def test_spending_too_little_lowers_the_threshold():
    assert spending(0.05).trim < 0.5 * Allowance(0.1, NOW).trim


def test_spending_what_is_earned_keeps_it():
    assert spending(0.1).trim == pytest.approx(Allowance(0.1, NOW).trim, rel=0.4)


@pytest.mark.parametrize(("per_second", "trim"), [(0.0005, TRIM_LOW), (0.5, TRIM_HIGH)])
def test_the_trim_stays_within_bounds(per_second, trim):
    assert spending(per_second, days=6).trim == pytest.approx(trim, rel=0.5)
    assert TRIM_LOW <= spending(per_second, days=6).trim <= TRIM_HIGH


def test_savings_follow_the_rate():
    allowance = Allowance(0.0, NOW)
    allowance.resize(0.1)
    assert allowance.tokens == 360
    allowance.resize(0.2)
    assert allowance.tokens == 720
    allowance.resize(0.0)
    assert allowance.ready_at() == NOW


def test_another_process_goes_on_where_one_stopped():
    before = spending(0.2)
    after = Allowance(0.3, NOW)
    after.restore(before.dump())

    assert after.trim == pytest.approx(before.trim, rel=1e-3)
    assert after.tokens / after.rate == pytest.approx(before.tokens / before.rate, abs=0.1)
    assert after.at == pytest.approx(before.at, abs=0.1)


@pytest.mark.parametrize(
    "saved", [(), (1.0,), (1.0, 2.0, 3.0, math.nan), (math.inf, 1, 1, 1), (1, 2, 3, 4, 5)]
)
def test_what_cannot_have_been_written_is_ignored(saved):
    allowance = Allowance(0.1, NOW)
    allowance.restore(saved)

    assert allowance.dump() == Allowance(0.1, NOW).dump()


def test_absurd_numbers_are_bounded():
    allowance = Allowance(0.1, NOW)
    allowance.restore((NOW, 1e9, -1e30, -5.0))

    assert allowance.trim == TRIM_HIGH
    assert allowance.tokens == -0.1 * DAY
    assert allowance.spending == 0
