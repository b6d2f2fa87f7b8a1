import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgewatch.rules.snowflake import LAG, id_at
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
    first = earliest(cursors, overlap=90)

    for one in cursors:
        assert first.complete <= one.complete
        assert first.newest <= max(one.newest, id_at(one.complete - LAG - 90))
        assert one.gap is None or (
            first.gap.since <= one.gap.since and first.gap.until >= one.gap.until
        )


def test_a_quiet_query_makes_no_busy_one_pay_again():
    now = 1_790_078_400.0
    quiet = Cursor(id_at(now - 36_000), now)
    busy = Cursor(id_at(now - 10), now)

    assert earliest([quiet, busy], overlap=90).newest == id_at(now - 120)


def test_no_gaps_join_to_none():
    assert joined([None, None]) is None


def test_an_answer_never_moves_a_cursor_back():
    cursor = Cursor(10, 5.0)

    assert cursor.read(4, 3.0, None) == cursor
    assert cursor.read(12, 6.0, Gap(1, 2)) == Cursor(12, 6.0, Gap(1, 2))
