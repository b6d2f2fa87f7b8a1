"""Entries that are left out before parsing."""

import time

import orjson
import pytest
from lxml import etree

from tgewatch.parse.cut import cut_entries, cut_json_items


def feed(*items):
    return b"<rss><channel><title>c</title>" + b"".join(items) + b"</channel></rss>"


def item(number, date="", tag="item"):
    return f"<{tag}><title>t{number}</title>{date}</{tag}>".encode()


def titles(text):
    root = etree.fromstring(text)
    return [e.findtext("title") for e in root.iter("item", "entry", "ITEM")]


@pytest.mark.parametrize("tag", ["item", "entry", "ITEM"])
def test_the_first_entries_are_kept(tag):
    text, note = cut_entries(feed(*(item(n, tag=tag) for n in range(50))), 20)

    assert titles(text) == [f"t{n}" for n in range(20)]
    assert note == "only 20 of its entries were read"


def test_the_last_are_kept_where_they_are_the_newer_ones():
    items = [item(n, f"<pubDate>2024-03-{n + 1:02} 10:00</pubDate>") for n in range(30)]

    text, note = cut_entries(feed(*items), 10)

    assert titles(text) == [f"t{n}" for n in range(20, 30)]
    assert note.endswith("the last ones")


def test_a_feed_within_the_limit_is_not_touched():
    text = feed(*(item(n) for n in range(20)))

    assert cut_entries(text, 20) == (text, "")


def test_two_hundred_thousand_entries_cost_a_search():
    text = feed(*(item(n) for n in range(200_000)))
    begun = time.process_time()
    cut, _ = cut_entries(text, 1_000)

    assert time.process_time() - begun < 0.3
    assert len(cut) < 100_000


def json_feed(count):
    items = [{"id": str(n), "tags": [[]], "content_text": 'a "]}" \\'} for n in range(count)]
    return orjson.dumps({"version": "https://jsonfeed.org/version/1.1", "items": items})


def test_json_is_cut_at_an_item():
    text, note = cut_json_items(json_feed(50), 20)

    assert [entry["id"] for entry in orjson.loads(text)["items"]] == [str(n) for n in range(20)]
    assert note


@pytest.mark.parametrize("count", [0, 1, 20])
def test_json_within_the_limit_is_not_touched(count):
    text = json_feed(count)

    assert cut_json_items(text, 20) == (text, "")


@pytest.mark.parametrize(
    "text", [b'{"items":[' + b"[" * 50_000, b'{"items":["' + b"\\" * 50_000, b"{" * 50_000]
)
def test_json_that_does_not_end_is_left_to_the_parser(text):
    assert cut_json_items(text, 20) == (text, "")
