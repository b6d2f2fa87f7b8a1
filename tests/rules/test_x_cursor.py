import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgewatch.rules.x_cursor import Cursor, Gap, dump, earliest, joined, load

GAPS = st.none() | st.builds(Gap, st.integers(0, 2**62), st.integers(0, 2**62))
CURSORS = st.builds(Cursor, st.integers(0, 2**62), st.floats(0, 4e9), GAPS)


@given(st.dictionaries(st.text(max_size=8), CURSORS, max_size=5))
def test_cursors_survive_being_written(cursors):
    assert load(dump(cursors)) == cursors


@pytest.mark.parametrize("text", ["", "[]", '{"a": 1}', '{"a": ["x", 2]}', "{", '{"a": [1, 2, 3]}'])
def test_what_cannot_be_read_is_left_out(text):
    assert load(text) == {}


@given(st.lists(CURSORS, min_size=1, max_size=5))
def test_the_earliest_of_cursors_misses_what_none_has_read(cursors):
    first = earliest(cursors)

    assert all(first.newest <= c.newest and first.complete <= c.complete for c in cursors)
    assert all(
        first.gap.since <= c.gap.since and first.gap.until >= c.gap.until for c in cursors if c.gap
    )


def test_no_gaps_join_to_none():
    assert joined([None, None]) is None


def test_an_answer_never_moves_a_cursor_back():
    cursor = Cursor(10, 5.0)

    assert cursor.read(4, 3.0, None) == cursor
    assert cursor.read(12, 6.0, Gap(1, 2)) == Cursor(12, 6.0, Gap(1, 2))
