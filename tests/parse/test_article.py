"""The text of an article."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tgewatch.errors import MalformedError
from tgewatch.parse.article import ArticleLimits, parse_article

BODY = "".join(
    f"<p>Paragraph {n} says enough about the launch of a token, its date and its price.</p>"
    for n in range(8)
)


def page(body=BODY, head="<title>Head line</title>"):
    return (
        f"<!DOCTYPE html><html><head>{head}</head><body><nav><a href='/'>Menu entry</a></nav>"
        f"<article><h1>Head line</h1>{body}</article><footer>Imprint</footer></body></html>"
    ).encode()


def test_the_article_is_told_from_what_surrounds_it():
    article = parse_article(page(), url="https://a.example/1")

    assert article.title == "Head line"
    assert "Paragraph 7 says enough" in article.text
    assert "Menu entry" not in article.text
    assert article.extractor == "trafilatura"


def test_paragraphs_stand_on_lines_of_their_own():
    assert len(parse_article(page()).text.splitlines()) >= 8


@pytest.mark.parametrize(
    ("head", "title", "published"),
    [
        ('<meta property="og:title" content="Own &amp; true">', "Own & true", None),
        (
            (
                '<title>t</title><meta name="date" content="2024-03-05">'
                '<meta content="2024-03-05T10:00:00Z" property="article:published_time">'
            ),
            "t",
            1_709_632_800.0,
        ),
        ("<title>a\u202eb</title>", "ab", None),
    ],
)
def test_title_and_time_are_those_of_the_page(head, title, published):
    article = parse_article(page(head=head))

    assert (article.title, article.published) == (title, published)


def test_a_page_that_extraction_gives_up_on_is_read_whole():
    article = parse_article(b"<div>" * 300 + b"only words<script>x()</script>")

    assert (article.text, article.extractor) == ("only words", "plain")


def test_plain_text_is_an_article_too():
    assert parse_article(b"One line\n\nand \x1b[31manother").text == "One line\nand another"


def test_terminal_and_bidi_tricks_do_not_pass():
    text = parse_article(page(BODY + "<p>to\u202eken \u200blaunch and many other words</p>")).text

    assert "token launch" in text


def test_the_charset_of_the_page_is_believed():
    body = page(BODY + "<p>Ein größerer Absatz über Züge, mit genügend Wörtern darin.</p>")
    body = body.decode().replace("<head>", '<head><meta charset="windows-1252">').encode("cp1252")

    assert "größerer" in parse_article(body).text


@pytest.mark.parametrize(
    ("body", "content_type"),
    [(b"", ""), (b"%PDF-1.7\x00\x01\x02\x03", ""), (b'{"a": 1}', ""), (b"x", "application/json")],
)
def test_what_is_no_page_is_malformed(body, content_type):
    with pytest.raises(MalformedError) as caught:
        parse_article(body, content_type=content_type)

    assert caught.value.cause == "not_html"


def test_bounds_hold():
    with pytest.raises(MalformedError) as caught:
        parse_article(page(), limits=ArticleLimits(max_bytes=100))

    assert caught.value.cause == "too_complex"
    assert len(parse_article(page(), limits=ArticleLimits(text=50)).text) <= 50


@pytest.mark.parametrize(
    "body",
    [
        "<p>" + '<a href="/x">link</a> ' * 50_000,
        "<p>" + '<A href="/x">link</A> ' * 3_900,
        "<p>word</p>" * 100_000,
        "<table><tr>" + "<td>x</td>" * 5_900,
        "<div>" * 11_000 + "x",
        "<script>" * 100_000,
        "<" * 300_000,
    ],
    ids=lambda body: body[:12],
)
def test_no_page_takes_longer_than_a_moment(body):
    begun = time.process_time()
    parse_article(page(body))

    assert time.process_time() - begun < 2.0


@settings(max_examples=30, deadline=None)
@given(st.text(max_size=200), st.binary(max_size=50))
def test_any_text_in_a_page_gives_clean_text(text, junk):
    article = parse_article(page(BODY + text) + b"<p>" + junk)

    (article.text + article.title).encode()
    assert "\x1b" not in article.text
