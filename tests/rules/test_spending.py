import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgewatch.rules.spending import DAY, KEPT, Bill, Caps, Level, date_of

NOON = 1_790_078_400.0
"""2026-09-22 12:00."""


def test_a_post_is_charged_once_a_day():
    bill = Bill()

    assert bill.charge_posts([(1, "A"), (2, "A"), (1, "A")], NOON) == 2
    assert bill.charge_posts([(1, "A")], NOON + 3_600) == 0

    assert bill.on(NOON) == pytest.approx(0.010)


def test_a_post_is_charged_again_after_midnight_utc():
    bill = Bill()
    bill.charge_posts([(1, "A")], NOON)

    assert bill.charge_posts([(1, "A")], NOON + DAY / 2) == 1
    assert bill.month(NOON) == pytest.approx(0.010)


def test_a_clock_that_was_set_back_charges_nothing_twice():
    bill = Bill()
    bill.charge_posts([(1, "A")], NOON + DAY)

    assert bill.charge_posts([(1, "A")], NOON) == 0


def test_users_and_counts_cost_too():
    bill = Bill()
    bill.charge_users([(1, "A"), (1, "A")], NOON)
    bill.charge_counts(NOON)

    assert bill.companies(NOON) == {"A": pytest.approx(0.010), "others": pytest.approx(0.005)}


@given(st.lists(st.tuples(st.integers(1, 30), st.sampled_from(["A", "B", ""])), max_size=60))
def test_the_companies_add_up_to_the_month(charges):
    bill = Bill()
    for number, charge in enumerate(charges):
        bill.charge_posts([charge], NOON + number * 3_600)

    assert sum(bill.companies(NOON).values()) == pytest.approx(bill.month(NOON))


def test_an_even_month_is_forecast_to_the_day():
    bill = Bill()
    for hour in range(24 * 21):
        bill.charge_posts([(hour, "A")], NOON - 21 * DAY + hour * 3_600)

    assert bill.forecast(NOON) == pytest.approx(0.005 * 24 * 30, rel=0.05)


def test_days_before_the_first_charge_do_not_dampen_the_forecast():
    bill = Bill()
    for hour in range(12):
        bill.charge_posts([(hour, "A")], NOON - 12 * 3_600 + hour * 3_600)

    assert bill.forecast(NOON) == pytest.approx(0.06 + 0.12 * 8.5, rel=0.01)


def test_nothing_spent_forecasts_nothing():
    assert Bill().forecast(NOON) == 0.0


def test_old_days_are_forgotten():
    bill = Bill()
    for day in range(KEPT + 50):
        bill.charge_posts([(day, "A")], NOON + day * DAY)

    assert len(bill.days) == KEPT


@pytest.mark.parametrize(
    ("month", "day", "level"),
    [
        (0, 0, Level.ALL),
        (7.9, 0, Level.ALL),
        (8, 0, Level.NO_KEYWORDS),
        (9.5, 0, Level.NO_LOW),
        (10, 0, Level.ONLY_HIGH),
        (0, 1, Level.ONLY_HIGH),
        (8, 0.96, Level.NO_LOW),
    ],
)
def test_money_that_runs_short_leaves_out_the_least_first(month, day, level):
    assert Caps(10, 1).level(month=month, day=day) is level


def test_without_a_daily_cap_a_day_may_cost_what_it_will():
    assert Caps(10, 0).level(month=0, day=5) is Level.ALL


def test_a_day_is_a_day_in_utc():
    assert date_of(NOON) == "2026-09-22"
    assert date_of(NOON + DAY / 2 - 1) == "2026-09-22"
    assert date_of(NOON + DAY / 2) == "2026-09-23"
