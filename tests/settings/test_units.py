"""Durations and sizes as people write them."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, ValidationError

from tgewatch.settings.section import Section
from tgewatch.settings.units import Seconds, Size, seconds, size


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("90", 90),
        ("1.5", 1.5),
        ("500ms", 0.5),
        ("10m", 600),
        ("10 min", 600),
        ("1h30m", 5_400),
        ("1h 30m 5s", 5_405),
        ("2d", 172_800),
        ("1w", 604_800),
        (" 3S ", 3),
    ],
)
def test_reads_durations(text, wanted):
    assert seconds(text) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "",
        "m",
        "10x",
        "-5m",
        "1e3",
        "nan",
        "inf",
        "1h-30m",
        "1m" * 40,
        "\u0661\u0660m",
        "5m5",
        "ten minutes",
    ],
)
def test_refuses_what_is_no_duration(text):
    with pytest.raises(ValueError, match="duration such as"):
        seconds(text)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("5000", 5_000), ("5MB", 5_000_000), ("2 MiB", 2_097_152), ("1.5kb", 1_500), ("7b", 7)],
)
def test_reads_sizes(text, wanted):
    assert size(text) == wanted


@pytest.mark.parametrize("text", ["", "MB", "-5MB", "5 apples", "5ib", "1e3", "5MB5"])
def test_refuses_what_is_no_size(text):
    with pytest.raises(ValueError, match="size such as"):
        size(text)


@given(st.text(max_size=100))
def test_never_fails_in_another_way(text):
    for read in (seconds, size):
        with suppress(ValueError):
            assert read(text) >= 0


class Sample(Section):
    wait: Seconds = Field(default=1.0, gt=0)
    cap: Size = Field(default=1, ge=1)


def test_a_field_takes_numbers_and_text_alike():
    assert Sample(wait="2m", cap="1kB") == Sample(wait=120, cap=1_000)


def test_bounds_hold_for_text_too():
    with pytest.raises(ValidationError):
        Sample(wait="0s")


def test_a_wait_without_end_is_refused():
    with pytest.raises(ValidationError):
        Sample(wait=float("inf"))
