from hypothesis import given
from hypothesis import strategies as st

from tgewatch.world.x.windows import WINDOW, Windows

NAME = "GET /2/tweets/search/recent"


def test_a_window_begins_with_the_first_request_and_its_end_is_cut_to_seconds():
    count = Windows().hit("t", NAME, 1_000.7)
    assert (count.limit, count.remaining, count.reset) == (450, 449, 1_900)


def test_the_end_that_is_told_is_earlier_than_the_true_one():
    windows = Windows()
    for _ in range(450):
        windows.hit("t", NAME, 1_000.7)
    assert not windows.hit("t", NAME, 1_900.0).allowed
    assert windows.hit("t", NAME, 1_900.7).allowed


def test_tokens_and_endpoints_are_counted_apart():
    windows = Windows()
    windows.hit("t", NAME, 0.0)
    assert windows.hit("u", NAME, 0.0).remaining == 449
    assert windows.hit("t", "GET /2/users/by", 0.0).remaining == 299
    assert windows.hit("p", NAME, 0.0, user=True).limit == 300


def test_others_with_the_same_token_use_it_up():
    windows = Windows()
    windows.hit("t", NAME, 0.0)
    windows.use("t", NAME, 1.0, 1_000)
    assert not windows.hit("t", NAME, 2.0).allowed


def test_a_limit_that_changes_holds_from_the_next_window_or_at_once():
    windows = Windows()
    windows.hit("t", NAME, 0.0)
    windows.cut(NAME, 10)
    assert windows.hit("t", NAME, 1.0).limit == 450
    assert windows.hit("t", NAME, WINDOW).limit == 10
    windows.cut(NAME, 1, at_once=True)
    assert not windows.hit("t", NAME, WINDOW + 1).allowed


def test_endpoints_that_no_document_names_have_a_limit_too():
    assert Windows().hit("t", "GET /2/other", 0.0).limit == 75


@given(st.lists(st.floats(0.0, 30.0), max_size=300))
def test_no_window_allows_more_than_its_limit(gaps):
    windows = Windows(limits={NAME: 5})
    now, allowed = 0.0, {}
    for gap in gaps:
        now += gap
        count = windows.hit("t", NAME, now)
        allowed[count.reset] = allowed.get(count.reset, 0) + count.allowed
        assert count.remaining >= 0
    assert all(number <= 5 for number in allowed.values())
