from hypothesis import given
from hypothesis import strategies as st

from tgewatch.detect.text import ARTICLE_LIMIT, chunks, field, fields_of, lower, plain, tokens
from tgewatch.model import Item


def test_typographic_variants_become_plain_without_moving_anything():
    assert plain("\u2018Tap\u2019 \u2013 \u201cToken\u201d \U0001d417") == "'Tap' - \"Token\" X"


@given(st.text(max_size=200))
def test_folding_keeps_every_offset(text):
    assert len(plain(text)) == len(text)
    assert len(lower(text)) == len(text)


@given(st.text(max_size=200))
def test_tokens_are_slices_of_the_field_in_order(text):
    found = field("title", text)
    last = 0
    for token in tokens(found.text, found.low):
        assert found.text[token.start : token.end] == token.text
        assert token.start >= last
        last = token.end


def test_fields_are_bounded_and_the_title_comes_first():
    item = Item(source="", key="", url="", title="T" * 9_000, summary="s", content="c" * 90_000)

    title, summary, text = fields_of(item)

    assert (title.name, summary.name, text.name) == ("title", "summary", "text")
    assert len(title.text) <= 2_000
    assert len(text.text) == ARTICLE_LIMIT


PIECES = ["$5", "€1.2", "£3,", " ", "  ", "million", "Billion.", "bn", "k", "MB", "+", "a$5", "http://x?y=$5", "'s", "www.a",
          "\u3000", "\x0b", "\n", "…", "12%", "3x", "ÀΣ", "İ", "#", "@ab", "."]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=14).map("".join))
def test_tokens_of_the_chunks_are_those_of_the_whole(text):
    found = field("title", text)
    apart = [
        (at + token.start, token.text, token.low)
        for at, chunk in chunks(found.text)
        for token in tokens(chunk, found.low[at : at + len(chunk)])
    ]

    assert apart == [(t.start, t.text, t.low) for t in tokens(found.text, found.low)]


def test_a_sum_is_one_chunk_and_other_words_are_one_each():
    assert list(chunks("raised $5 million for  tokens")) == [
        (0, "raised"),
        (7, "$5 million"),
        (18, "for"),
        (23, "tokens"),
    ]
