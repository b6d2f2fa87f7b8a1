import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgewatch.rules import x_query
from tgewatch.rules.packing import pack


def test_words_are_bare_and_phrases_quoted():
    assert x_query.term("TGE") == "TGE"
    assert x_query.term("token  launch") == '"token launch"'
    assert x_query.term("$ABC") == '"$ABC"'


@pytest.mark.parametrize("word", ["OR", "AND"])
def test_a_word_that_would_be_an_operator_is_quoted(word):
    assert x_query.term(word) == f'"{word}"'


def test_no_text_breaks_out_of_its_quotes():
    assert x_query.term('a" OR from:b "') == '"a OR from:b"'
    assert x_query.term('"') == ""


@given(st.lists(st.text("ab_9", min_size=1, max_size=15), min_size=1, max_size=80, unique=True))
@pytest.mark.parametrize("rest", ["", "-is:retweet -is:reply", '(TGE OR "token launch") lang:en'])
def test_what_fits_the_capacity_fits_the_limit(rest, names):
    costs = {name: x_query.cost(x_query.author(name)) for name in names}

    for packed in pack(costs, x_query.capacity(512, rest)):
        query = x_query.query([x_query.author(name) for name in packed], rest)
        assert len(query) <= 512
        assert x_query.problem(query, limit=512) == ""


def test_the_capacity_is_used_to_the_last_character():
    operands = ["from:aaaaaaaa", "from:bbbbbbbb", "from:cccc"]
    query = x_query.query(operands, "TGE")

    assert x_query.capacity(len(query), "TGE") == sum(map(x_query.cost, operands))


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("", "empty"),
        ("a" * 513, "513 characters"),
        ('a "b', "odd number"),
        ("(a OR b", "parentheses"),
        ("a) OR (b", "parentheses"),
        ("-(a b)", "negates a group"),
        ("a min_followers:5", "a search does not know"),
    ],
)
def test_says_what_x_would_refuse(query, said):
    assert said in x_query.problem(query, limit=512)


def test_the_stream_knows_other_operators_than_a_search():
    assert x_query.problem("a min_followers:5", limit=512, stream=True) == ""
    assert "the filtered stream" in x_query.problem("a min_likes:5", limit=512, stream=True)


def test_parentheses_in_quotes_are_text():
    assert x_query.problem('"a ( b"', limit=512) == ""


def test_a_clause_says_each_phrase_once():
    assert x_query.clause(["TGE", "TGE", "x y", ""], " -is:reply ") == '(TGE OR "x y") -is:reply'
    assert x_query.clause([], "-is:reply") == "-is:reply"


def test_likes_come_late():
    assert x_query.needs_window("TGE min_likes:10")
    assert not x_query.needs_window("TGE lang:en")


def test_phrases_are_taken_in_their_order_as_long_as_they_fit():
    kept, left_out = x_query.fitting(["TGE", "token launch", "claim portal"], 25)

    assert kept == ("TGE", "token launch")
    assert left_out == ("claim portal",)
    assert len(x_query.clause(kept)) <= 25


def test_a_phrase_that_holds_another_one_is_not_needed_in_any_case():
    kept, left_out = x_query.fitting(["the TGE date", "tge", "TGE", "tgewatch", ""], 100)

    assert (kept, left_out) == (("tge", "tgewatch"), ())


@given(st.lists(st.text(max_size=12), max_size=30), st.integers(0, 200))
def test_whatever_the_phrases_the_clause_fits(phrases, limit):
    kept, left_out = x_query.fitting(phrases, limit)

    assert not kept or len(x_query.clause(kept)) <= limit
    assert not set(kept) & set(left_out)
