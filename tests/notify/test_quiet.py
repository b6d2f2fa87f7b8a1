from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgewatch.notify.quiet import quiet_until, zone_of
from tgewatch.testing.claims import at

UTC = zone_of("UTC")
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("hours", "now", "until"),
    [
        ("22:00-07:00", "2026-01-10T21:59", None),
        ("22:00-07:00", "2026-01-10T22:00", "2026-01-11T07:00"),
        ("22:00-07:00", "2026-01-11T03:00", "2026-01-11T07:00"),
        ("22:00-07:00", "2026-01-11T06:59", "2026-01-11T07:00"),
        ("22:00-07:00", "2026-01-11T07:00", None),
        ("12:00-13:30", "2026-01-10T13:29", "2026-01-10T13:30"),
        ("12:00-13:30", "2026-01-10T13:30", None),
        ("12:00-12:00", "2026-01-10T12:00", None),
        ("", "2026-01-10T12:00", None),
        ("22:00-07:00", "2026-02-28T23:00", "2026-03-01T07:00"),
    ],
)
def test_delivery_waits_for_the_end_of_the_quiet_hours_and_not_outside_of_them(hours, now, until):
    assert quiet_until(hours, UTC, at(now)) == (at(until) if until else 0.0)


def test_hours_are_those_of_the_users_clock():
    assert quiet_until("22:00-07:00", BERLIN, at("2026-07-10T20:30")) == at("2026-07-11T05:00")
    assert quiet_until("22:00-07:00", BERLIN, at("2026-01-10T20:30")) == 0.0


def test_the_night_in_which_clocks_change_ends_by_the_hands_of_the_clock():
    before = at("2026-03-28T22:30")  # 23:30, and the clock goes forward at 02:00

    assert quiet_until("22:00-07:00", BERLIN, before) == at("2026-03-29T05:00")
    autumn = at("2026-10-24T21:30")
    assert quiet_until("22:00-07:00", BERLIN, autumn) == at("2026-10-25T06:00")


@given(
    st.integers(0, 24 * 60 - 1),
    st.integers(0, 24 * 60 - 1),
    st.floats(1.7e9, 1.9e9),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"]),
)
def test_the_wait_is_over_within_a_day_and_never_in_the_past(first, last, now, name):
    hours = f"{first // 60:02}:{first % 60:02}-{last // 60:02}:{last % 60:02}"

    until = quiet_until(hours, zone_of(name), now)

    assert until == 0.0 or now <= until <= now + 25 * 3_600
