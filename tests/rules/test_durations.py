import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgewatch.rules.durations import spell


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (0.25, "0.2 s"),
        (5, "5 s"),
        (9.96, "10 s"),
        (45, "45 s"),
        (60, "1 m"),
        (190, "3 m 10 s"),
        (3_600, "1 h"),
        (3_605, "1 h"),
        (7_500, "2 h 5 m"),
        (86_400, "1 d"),
        (187_200, "2 d 4 h"),
        (-190, "3 m 10 s"),
    ],
)
def test_names_the_two_largest_units(seconds, words):
    assert spell(seconds) == words


@given(st.floats(-1e12, 1e12))
def test_any_span_can_be_said(seconds):
    assert 3 <= len(spell(seconds)) <= 20
