"""Addresses as publishers write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgewatch.parse.links import MAX_URL, web_link

BASE = "https://feed.example/dir/feed.xml"


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("https://a.example/x?q=1#f", "https://a.example/x?q=1#f"),
        ("/post/1", "https://feed.example/post/1"),
        ("post", "https://feed.example/dir/post"),
        ("//cdn.example/y", "https://cdn.example/y"),
        ("?page=2", "https://feed.example/dir/feed.xml?page=2"),
        ("  https://a.example/\n ", "https://a.example/"),
        ("https://a.example/a b", "https://a.example/a%20b"),
        ("https://a.example/ü", "https://a.example/%C3%BC"),
        ("https://bücher.example/x", "https://bücher.example/x"),
        ("https://a.example/100%25", "https://a.example/100%25"),
    ],
)
def test_links_become_absolute(written, url):
    assert web_link(written, BASE) == url


@pytest.mark.parametrize(
    "written",
    [
        "",
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "data:text/html,x",
        "mailto:a@b.example",
        "ftp://a.example/",
        "http://",
        "http://internal\\@public.example/",
        "http://[::1",
        "https://a\u202e.example/",
        "https://a b.example/",
        "https://x.example/" + "a" * MAX_URL * 2,
    ],
)
def test_what_no_browser_should_open_is_no_link(written):
    assert web_link(written, BASE) == ""


def test_a_relative_link_without_a_base_is_no_link():
    assert web_link("/post/1") == ""


@given(st.text(max_size=100))
def test_any_text_gives_a_web_address_or_nothing(text):
    link = web_link(text, BASE)

    assert link == "" or (link.lower().startswith(("http://", "https://")) and link.isprintable())
