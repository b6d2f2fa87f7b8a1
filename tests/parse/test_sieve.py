import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgewatch.parse import dates
from tgewatch.parse.months import MONTHS
from tgewatch.parse.sieve import Sieve, in_ascii

WORDS = [
    *MONTHS, "МАЯ", "ŞUBAT", "NİSAN", "haz\u0131ran", "2025", "12", "٣", "1st", "Q3", "3q", "H2", "first half",
    "in", "by the", "early", "mid-", "coming days", "this", "next", "week", "year", "monday", "a few",
    "5 more hours", "18 days left", "soon", "5월", "12일", "年", "월", "/", "-", ".", ",", ":30", "%",
]  # fmt: skip
GAPS = ["", " ", "  ", "\u00a0", "\u2009", "\n", "\x1f", "\x0b", "🚀", "é", "_", "\ud800", "\0"]
TEXTS = st.lists(st.sampled_from(WORDS + GAPS) | st.text(max_size=3), max_size=12).map("".join)


@given(TEXTS)
def test_each_rule_of_the_grammar_finds_what_it_would_find_alone(text):
    found = [(number, match.span()) for number, match in dates._SIEVE.found(text)]

    assert found == [
        (number, match.span())
        for number, (pattern, _) in enumerate(dates._GRAMMAR)
        for match in re.finditer(pattern, text, re.IGNORECASE)
    ]


@pytest.mark.parametrize(
    "text", ["", "Markets are calm", "a mainnet for decentralised marketing", "half_yearly_"]
)
def test_a_text_without_dates_holds_nothing(text):
    assert not list(dates._SIEVE.found(text))


def spans(sieve, text):
    return [(number, *match.span()) for number, match in sieve.found(text)]


def test_patterns_are_found_in_their_order_and_each_as_often_as_it_stands_there():
    sieve = Sieve([r"b", r"(?<!x)a(?!\d)", r"(?P<sign>[./-])1\1", r"\bмая\b"])  # noqa: RUF001 - of May

    assert spans(sieve, "A b xa B a1 a") == [(0, 2, 3), (0, 7, 8), (1, 0, 1), (1, 12, 13)]
    assert spans(sieve, "-1- .1- /1/") == [(2, 0, 3), (2, 8, 11)]
    assert spans(sieve, "5 МАЯ, 6 маяк") == [(3, 2, 5)]


def test_a_set_of_characters_and_what_is_escaped_end_no_group():
    sieve = Sieve([r"a(?![)\]]|\)|(?:b))c"])

    assert spans(sieve, "abacac") == [(0, 2, 4), (0, 4, 6)]
    assert not spans(sieve, "ab")


@given(st.text())
def test_a_character_stays_one_character(text):
    plain = in_ascii(text)

    assert len(plain) == len(text)
    assert plain.isascii()
    for own, its in zip(text, plain, strict=True):
        assert bool(re.match(r"\w", own)) == bool(re.match(r"\w", its))
        assert own.isspace() == its.isspace()
