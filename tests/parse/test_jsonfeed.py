"""JSON Feed."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgewatch.errors import MalformedError
from tgewatch.parse.entry import FeedLimits
from tgewatch.parse.jsonfeed import read_json

URL = "https://feed.example/feed.json"
LIMITS = FeedLimits(entries=10)


def read(document):
    return read_json(orjson.dumps(document), url=URL, limits=LIMITS)


def feed(*items, **head):
    return {"version": "https://jsonfeed.org/version/1.1", "title": "F", **head, "items": items}


def test_an_entry_is_read_as_the_specification_says():
    found = read(
        feed(
            {
                "id": "1",
                "url": "/post/1",
                "title": "Hello",
                "content_html": "<p>Full <b>text</b></p>",
                "summary": "Short",
                "date_published": "2024-03-05T10:00:00Z",
                "authors": [{"name": "Ada"}],
            },
            home_page_url="https://feed.example/",
            feed_url=URL,
            hubs=[{"type": "WebSub", "url": "https://hub.example/"}],
        )
    )
    entry = found.entries[0]

    assert (found.title, found.format, found.parser) == ("F", "json 1.1", "json")
    assert (found.url, found.self_url) == ("https://feed.example/", URL)
    assert found.hubs == ("https://hub.example/",)
    assert (entry.id, entry.url) == ("1", "https://feed.example/post/1")
    assert (entry.title, entry.summary, entry.content) == ("Hello", "Short", "Full text")
    assert entry.published == 1_709_632_800.0
    assert entry.author == "Ada"


@pytest.mark.parametrize(
    ("item", "field", "value"),
    [
        ({"id": 7}, "id", "7"),
        ({"id": "https://a.example/1"}, "url", "https://a.example/1"),
        ({"external_url": "https://a.example/x"}, "url", "https://a.example/x"),
        ({"url": "javascript:alert(1)"}, "url", ""),
        ({"content_text": "a <b> c"}, "summary", "a <b> c"),
        ({"date_modified": "2024-03-05"}, "published", 1_709_596_800.0),
        ({"date_published": True}, "published", None),
        ({"author": {"name": "Old"}}, "author", "Old"),
        ({"authors": "x", "title": None}, "author", ""),
        ({"title": "\x1b[31mred\u202e"}, "title", "red"),
    ],
)
def test_sloppy_entries_are_read_as_meant(item, field, value):
    assert getattr(read(feed(item)).entries[0], field) == value


def test_a_feed_without_a_version_is_known_by_its_items():
    assert read({"items": [{"id": "1", "title": "t"}]}).entries[0].title == "t"


def test_no_more_entries_are_read_than_wanted():
    found = read(feed(*({"id": str(n)} for n in range(30))))

    assert len(found.entries) == 10
    assert found.problems


@pytest.mark.parametrize(
    "text",
    [
        b"{",
        b"[]",
        b'{"error":"not found"}',
        b'{"items":[]}',
        b'{"items":{}}',
        b'{"items":[1,2]}',
        b'{"version":"https://jsonfeed.org/version/1.1"}',
        b"[" * 100000,
        b"\x00",
    ],
)
def test_other_json_is_no_feed(text):
    with pytest.raises(MalformedError) as caught:
        read_json(text, url=URL, limits=LIMITS)

    assert caught.value.cause == "not_a_feed"


def test_the_message_of_an_api_error_is_passed_on():
    with pytest.raises(MalformedError, match="rate limit"):
        read({"message": "rate limit reached"})


def test_json_of_very_many_parts_is_refused_before_parsing():
    with pytest.raises(MalformedError) as caught:
        read_json(b'{"a":[' + b"[]," * 600_000 + b"1]}", url=URL, limits=LIMITS)

    assert caught.value.cause == "too_complex"


ODD = st.sampled_from([None, True, -1, 1e300, "", "x", [], [[]], [{}], {}, {"name": []}])
KEYS = st.sampled_from(["id", "url", "title", "content_html", "authors", "date_published", "x"])


@given(st.lists(st.dictionaries(KEYS, ODD), max_size=5), ODD)
def test_fields_of_any_type_do_not_matter(items, hubs):
    assert len(read(feed(*items, hubs=hubs)).entries) == len(items)
