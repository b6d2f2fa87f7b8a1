import pytest
from pydantic import ValidationError

from tgewatch.settings import ChannelSettings


def test_a_channel_needs_a_name_and_has_the_rest():
    channel = ChannelSettings(name="mail")

    assert channel.sources
    assert channel.changes == ()


@pytest.mark.parametrize("hours", ["22:00-07:00", "00:00-23:59", ""])
def test_quiet_hours_are_two_times_of_day(hours):
    assert ChannelSettings(name="m", quiet=hours).quiet == hours


@pytest.mark.parametrize("hours", ["22-7", "24:00-07:00", "22:60-07:00", "at night", "22:00"])
def test_anything_else_is_an_error_at_load(hours):
    with pytest.raises(ValidationError, match="22:00-07:00"):
        ChannelSettings(name="m", quiet=hours)


def test_a_transition_that_does_not_exist_is_an_error_that_names_those_that_do():
    with pytest.raises(ValidationError, match=r"no transition is called lived.*postponed"):
        ChannelSettings(name="m", changes=("live", "lived"))


def test_a_time_zone_that_does_not_exist_is_an_error():
    assert ChannelSettings(name="m", zone="Europe/Berlin").zone == "Europe/Berlin"
    for zone in ("Europe/Atlantis", "../../etc/passwd", ""):
        with pytest.raises(ValidationError, match="no time zone"):
            ChannelSettings(name="m", zone=zone)


def test_secrets_are_not_shown():
    hidden = "TOPSECRET"
    channel = ChannelSettings(name="m", url=f"json://{hidden}", secret=hidden)

    assert hidden not in repr(channel)
