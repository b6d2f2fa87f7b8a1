import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgewatch.rules.prices import listed

JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=10,
)


def test_a_price_list_tells_what_it_names():
    document = {
        "eventTypePricing": {"Post": 0.004, "User": "$0.02", "Like": 1},
        "requestTypePricing": {"CountsRecent": {"price": 0.1}},
    }

    assert listed(document) == {"post": 0.004, "user": 0.02, "counts": 0.1}


@pytest.mark.parametrize("price", [-1, "free", None, float("nan"), 1e9, [], {}])
def test_a_price_without_sense_is_none(price):
    assert listed({"eventTypePricing": {"Post": price}}) == {}


@given(JSON)
def test_no_document_breaks_it(document):
    for found in (listed({"eventTypePricing": document}), listed(document)):
        assert all(price >= 0 for price in found.values())
