from hypothesis import given
from hypothesis import strategies as st

from tgewatch.model.post import time_of
from tgewatch.rules import snowflake

NOW = 1_790_078_400.0


def test_a_documented_id_has_its_documented_time():
    assert time_of(20 << 22) == (1_288_834_974_657 + 20) / 1000


@given(st.floats(1_300_000_000, 4_000_000_000))
def test_the_smallest_id_of_a_moment_is_of_that_moment(at):
    post = snowflake.id_at(at)

    assert abs(time_of(post) - at) <= 0.001
    assert time_of(post - 1) < at


def test_before_the_epoch_there_are_no_ids():
    assert snowflake.id_at(0.0) == 0


def test_a_quiet_query_asks_for_nothing_it_has():
    newest = snowflake.id_at(NOW - 3_600)

    assert snowflake.since(newest, NOW - 60, now=NOW, overlap=90) == newest


def test_a_busy_query_asks_again_for_what_may_be_indexed_late():
    newest = snowflake.id_at(NOW - 91)

    since = snowflake.since(newest, NOW - 60, now=NOW, overlap=90)

    assert time_of(since) == NOW - 60 - 30 - 90


def test_never_reaches_out_of_the_week_that_a_search_knows():
    since = snowflake.since(1, 0.0, now=NOW, overlap=90)

    assert NOW - snowflake.WINDOW < time_of(since) < NOW - snowflake.WINDOW + 300
