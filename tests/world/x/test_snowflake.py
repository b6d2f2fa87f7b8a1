from hypothesis import given
from hypothesis import strategies as st

from tgewatch.world.x.snowflake import first_id, time_of

TIMES = st.integers(1_288_834_974_657, 4_000_000_000_000).map(lambda ms: ms / 1_000)


def test_an_id_of_the_documentation_has_the_time_of_the_documentation():
    assert int(time_of(1_212_092_628_029_698_048)) == 1_577_820_376  # 2019-12-31T19:26:16Z


@given(TIMES)
def test_the_first_id_of_a_moment_names_it_to_the_millisecond(at):
    assert abs(time_of(first_id(at)) - at) <= 0.000_51


@given(TIMES, TIMES)
def test_ids_are_in_the_order_of_time(one, other):
    if one <= other:
        assert first_id(one) <= first_id(other)


def test_before_the_epoch_there_are_no_ids():
    assert first_id(0.0) == 0
