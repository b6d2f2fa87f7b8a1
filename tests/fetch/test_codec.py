import contextlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgewatch.fetch.codec import Codec
from tgewatch.model import Validators
from tgewatch.ports import Response

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.binary(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner)
    ),
    max_leaves=20,
)


@given(PLAIN)
def test_plain_data_comes_back_equal(value):
    codec = Codec()
    kind, data = codec.encode(value)

    assert codec.decode(kind, data) == value


def test_a_response_comes_back_equal():
    response = Response(
        url="https://example.org/feed",
        status=200,
        headers={"etag": '"a"'},
        body=b"\xff\x00",
        received=1.5,
        validators=Validators(etag='"a"'),
        fresh_for=60,
    )
    codec = Codec()

    assert codec.decode(*codec.encode(response)) == response


def test_an_aware_time_comes_back_equal():
    at = {"published": datetime(2026, 1, 2, 3, 4, tzinfo=UTC)}
    codec = Codec()

    assert codec.decode(*codec.encode(at)) == at


@pytest.mark.parametrize(
    "value",
    [
        (1, 2),
        {1: 2},
        {"a": (1,)},
        {1, 2},
        object(),
        2**70,
        datetime(2026, 1, 2),  # noqa: DTZ001 - it is the naive one that is refused
        "\ud800",
        [[0] * 60_000],
    ],
    ids=lambda value: repr(value)[:20],
)
def test_what_would_not_come_back_equal_is_left_out(value):
    assert Codec().encode(value) is None


@given(st.sampled_from(["", "response", "object"]), st.binary(max_size=200))
def test_foreign_bytes_are_a_value_or_an_error(kind, data):
    with contextlib.suppress(ValueError, RecursionError):
        Codec().decode(kind, data)
