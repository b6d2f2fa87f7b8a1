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
def test_whatever_a_rule_of_the_grammar_finds_passes(text):
    found = [number for number, rule in enumerate(dates._GRAMMAR) if rule.pattern.search(text)]

    assert set(found) <= set(dates._SIEVE.passed(text))


@given(TEXTS)
def test_lower_case_finds_what_ignoring_case_finds(text):
    plain = in_ascii(text).lower()
    for rule in dates._GRAMMAR:
        whole = [m.span() for m in rule.matches(text, "")]
        if not dates._FOREIGN.search(text):
            assert [m.span() for m in rule.matches(text, plain)] == whole


@pytest.mark.parametrize(
    "text", ["", "Markets are calm", "a mainnet for decentralised marketing", "half_yearly_"]
)
def test_a_text_without_dates_passes_no_rule(text):
    assert dates._SIEVE.passed(text) == ()


def test_patterns_are_numbered_in_their_order():
    sieve = Sieve([r"b", r"(?<!x)a(?!\d)", r"(?P<sign>[./-])1\1", r"\bмая\b"])  # noqa: RUF001 - of May

    assert sieve.passed("A1 b") == [0, 1]
    assert sieve.passed("-1-") == [2]
    assert sieve.passed("5 МАЯ") == [3]
    assert sieve.passed("5 МАЯК") == ()


def test_a_set_of_characters_and_what_is_escaped_end_no_group():
    assert Sieve([r"a(?![)\]]|\)|(?:b))c"]).passed("ac") == [0]
    assert Sieve([r"a(?![)\]]|\)|(?:b))c"]).passed("ab") == ()


@given(st.text())
def test_a_character_stays_one_character(text):
    plain = in_ascii(text)

    assert len(plain) == len(text)
    assert plain.isascii()
    for own, its in zip(text, plain, strict=True):
        assert bool(re.match(r"\w", own)) == bool(re.match(r"\w", its))
        assert own.isspace() == its.isspace()
