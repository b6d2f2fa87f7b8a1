from hypothesis import given
from hypothesis import strategies as st

from tgewatch.detect.text import ARTICLE_LIMIT, field, fields_of, lower, plain, tokens
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
    for token in tokens(found):
        assert found.text[token.start : token.end] == token.text
        assert token.start >= last
        last = token.end


def test_fields_are_bounded_and_the_title_comes_first():
    item = Item(source="", key="", url="", title="T" * 9_000, summary="s", content="c" * 90_000)

    title, summary, text = fields_of(item)

    assert (title.name, summary.name, text.name) == ("title", "summary", "text")
    assert len(title.text) <= 2_000
    assert len(text.text) == ARTICLE_LIMIT
