"""Text of strangers, made fit for people."""
# ruff: noqa: RUF001 - characters of many scripts are the point

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgewatch.parse.text import clean, plain_text, shorten, visible


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<p>one</p><p>two</p>", "one two"),
        ("$<b>TOK</b>en", "$TOKen"),
        ("a<br/>b", "a b"),
        ("5 < 6 &amp; 7 > 3", "5 < 6 & 7 > 3"),
        ("&lt;p&gt;Twice &amp;amp; over&lt;/p&gt;", "Twice & over"),
        ("<![CDATA[inner]]>", "inner"),
        ("x<script>alert(1)</script>y", "x y"),
        ("x<STYLE>p{}</STYLE>y", "x y"),
        ("a<!-- <b>hidden</b> -->b", "a b"),
        ("never<script>closed", "never"),
        ("AT&T&nbsp;Inc &hellip;", "AT&T Inc …"),
        ("&#" + "9" * 5_000 + ";end", "end"),
        ("", ""),
    ],
)
def test_markup_becomes_the_text_that_a_reader_sees(markup, text):
    assert plain_text(markup, 500) == text


@pytest.mark.parametrize(
    ("given_text", "text"),
    [
        ("\x1b]0;title\x07hi \x1b[31mred\x1b[0m", "hi red"),
        ("\x1b]8;;https://evil.example\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("to\u202eken", "token"),
        ("T\u200bG\u200bE\ufeff", "TGE"),
        ("soft\u00adhyphen", "softhyphen"),
        ("a\x00b\x07c", "abc"),
        ("a\ud800b", "ab"),
        ("fil\u3164ler\u2800", "filler"),
        ("Z" + "\u0301" * 50, "Z" + "\u0301" * 3),
        ("  many \n\t spaces\u00a0here ", "many spaces here"),
        ("T\u200dG\u200dE", "TGE"),
    ],
)
def test_nothing_is_left_that_could_deceive_an_eye_or_a_terminal(given_text, text):
    assert clean(given_text, 500) == text


@pytest.mark.parametrize(
    "text", ["👨\u200d👩\u200d👧 family", "می\u200cخواهم", "Zürich – “ok”", "日本語"]
)
def test_what_scripts_and_emoji_need_stays(text):
    assert clean(text, 500) == text


def test_long_text_ends_between_words_with_an_ellipsis():
    text = shorten("word " * 100, 100)

    assert len(text) <= 100
    assert text.endswith("word…")


def test_short_text_is_left_alone():
    assert shorten("short", 5) == "short"


def test_a_tag_that_the_bound_cuts_off_is_not_shown():
    assert "<" not in plain_text(
        "x" * 19_990 + "<a href='https://x.example/aaaaaaaaaaaaaaa'>", 1_000
    )


def test_what_is_not_hidden_stays_visible():
    assert visible("<p>a</p>") == "<p>a</p>"


@pytest.mark.parametrize(
    "hostile",
    [
        "<" * 2000000,
        "<a " * 600000,
        "</" * 900000,
        "&" * 2000000,
        "&#" * 900000,
        "<script" * 300000,
        "<!--" * 500000,
        "\x1b[" * 900000,
        "\u200d" * 900000,
        "́" * 900000,
        "<a href='" * 200000,
    ],
    ids=lambda text: repr(text[:8]),
)
def test_hostile_text_takes_bounded_time(hostile):
    begun = time.process_time()

    assert len(plain_text(hostile, 50_000)) <= 50_000
    assert time.process_time() - begun < 1.5


@given(st.text(max_size=300), st.integers(2, 100))
def test_any_text_comes_out_printable_in_one_line_and_bounded(text, limit):
    for result in (plain_text(text, limit), clean(text, limit)):
        assert len(result) <= limit
        assert "\n" not in result
        assert "\x1b" not in result
        result.encode()


@given(st.text(max_size=200))
def test_cleaning_twice_changes_nothing(text):
    once = clean(text, 300)

    assert clean(once, 300) == once
