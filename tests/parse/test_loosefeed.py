"""Feeds that are no XML any more."""

from tgewatch.parse.entry import FeedLimits
from tgewatch.parse.loosefeed import read_loosely

URL = "https://feed.example/rss"
BROKEN = b"""<rss version="2.0"><channel><title>F & <b>co</title><link>/</link>
<item><title>One <b>bold</title><link>/1</link><guid isPermaLink="false">g1</guid>
<pubDate>Tue, 05 Mar 2024 10:00:00 GMT</pubDate><description>&lt;p&gt;text <i></description></item>
<item><title>Two</title><guid>https://a.example/2</guid>"""


def read(text, limits=None):
    return read_loosely(text, url=URL, limits=limits or FeedLimits())


def test_entries_of_broken_markup_are_read():
    feed = read(BROKEN)

    assert feed.parser == "feedparser"
    assert [entry.title for entry in feed.entries] == ["One bold", "Two"]
    assert [entry.url for entry in feed.entries] == [
        "https://feed.example/1",
        "https://a.example/2",
    ]
    assert feed.entries[0].id == "g1"
    assert feed.entries[0].published == 1_709_632_800.0
    assert feed.entries[0].summary == "text"


def test_no_more_entries_are_read_than_wanted():
    assert len(read(BROKEN, FeedLimits(entries=1)).entries) == 1


def test_bytes_that_name_a_file_are_text_and_not_opened(tmp_path):
    path = tmp_path / "feed.xml"
    path.write_bytes(BROKEN)

    assert read(str(path).encode()) is None


def test_what_is_no_feed_is_none():
    assert read(b"<html><p>hello</p></html>") is None
    assert read(b"") is None


def test_its_own_failures_are_no_feed():
    assert read(b"<rss><item><category>a</item></category>&") is None
