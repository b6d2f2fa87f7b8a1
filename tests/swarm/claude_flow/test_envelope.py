"""Values carry their own expiry."""

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tgewatch.swarm.claude_flow.envelope import LARGEST, opened, sealed

NOW = 1_700_000_000.0


def test_a_value_is_itself_until_it_expires_and_nothing_from_then_on():
    text = sealed({"cycle": 45.2}, now=NOW, ttl=86_400.0)

    assert opened(text, now=NOW) == {"cycle": 45.2}
    assert opened(text, now=NOW + 86_399.0) == {"cycle": 45.2}
    assert opened(text, now=NOW + 86_400.0) is None


def test_what_is_stored_is_always_an_object_which_no_parser_takes_for_a_number():
    assert sealed({}, now=NOW, ttl=1.0).startswith('{"v":{}')


@pytest.mark.parametrize(
    "text",
    [
        None, 12, "", "12", "[]", "{", "null", "{}", '{"v":1,"exp":9e99}', '{"v":{},"exp":true}',
        '{"v":{}}', '{"v":{},"exp":"9e99"}', "[" * 100_000,
    ],
)  # fmt: skip
def test_what_is_none_of_ours_is_nothing(text):
    assert opened(text, now=NOW) is None


def test_a_value_that_was_read_as_an_object_already_is_taken_too():
    assert opened({"v": {"a": 1}, "exp": NOW + 1}, now=NOW) == {"a": 1}


def test_what_is_too_large_loses_its_largest_parts_and_says_which():
    value = {"cycles": ["x" * 1_000] * 100, "operations": "y" * 50_000, "targets": [1, 2, 3]}

    text = sealed(value, now=NOW, ttl=60.0)

    assert len(text.encode()) <= LARGEST
    assert opened(text, now=NOW) == {
        "operations": "y" * 50_000, "targets": [1, 2, 3], "left_out": ["cycles"],
    }  # fmt: skip


def test_what_just_fits_is_whole():
    room = LARGEST - len(sealed({"a": ""}, now=NOW, ttl=60.0))
    fits, does_not = {"a": "x" * room}, {"a": "x" * (room + 1)}

    assert opened(sealed(fits, now=NOW, ttl=60.0), now=NOW) == fits
    assert opened(sealed(does_not, now=NOW, ttl=60.0), now=NOW) == {"left_out": ["a"]}


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=50),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4)
    ),
    max_leaves=20,
)


@settings(deadline=None)
@given(st.dictionaries(st.text(max_size=20), VALUES, max_size=8))
def test_every_value_comes_back_as_it_was(value):
    text = sealed(value, now=NOW, ttl=60.0)

    assert opened(text, now=NOW) == value
    assert orjson.loads(text)["exp"] == NOW + 60.0


def test_objects_that_json_does_not_know_become_text():
    assert opened(sealed({"at": NOW, 3: {1, 2}.__class__}, now=NOW, ttl=1.0), now=NOW)["at"] == NOW
