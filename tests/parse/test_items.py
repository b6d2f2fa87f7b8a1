"""From entries to items."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgewatch.errors import MalformedError
from tgewatch.parse.entry import Entry, Feed
from tgewatch.parse.items import make_items, read_items, skim_items

SOURCE = "https://feed.example/rss"
URL = "https://cdn.example/rss"


def make(*entries, url=""):
    feed = Feed("F", "rss 2.0", "lxml", entries, url=url, hints={"ttl": 60.0})
    return make_items(feed, source=SOURCE, url=URL)


def entry(identity="", url="https://a.example/1", title="t", **more):
    return Entry(id=identity, url=url, title=title, **more)


def keys(*entries):
    return [item.key for item in make(*entries).items]


def digest(text):
    return sha256(text.encode()).hexdigest()


def test_the_publishers_id_is_the_identity():
    assert keys(entry("g1")) == [digest("g1")]


def test_without_an_id_address_and_title_are():
    assert keys(entry()) == [digest("https://a.example/1\nt")]


def test_an_edited_title_keeps_the_key_where_there_is_an_id():
    assert keys(entry("g1", title="before")) == keys(entry("g1", title="after"))


def test_what_comes_twice_is_one_item_with_all_that_is_known():
    issue = make(entry("g1", summary=""), entry("g1", summary="s", published=5.0))

    assert len(issue.items) == 1
    assert (issue.items[0].summary, issue.items[0].published) == ("s", 5.0)
    assert issue.problems == ("1 entries repeated",)


def test_an_id_given_to_different_articles_identifies_none_of_them():
    one, other = entry("same"), entry("same", url="https://a.example/2", title="u")

    assert len(set(keys(one, other))) == 2
    assert set(keys(one, other)) == set(keys(other, one))


def test_a_whole_feed_with_one_id_keeps_all_its_entries():
    entries = [entry("g", url=f"https://a.example/{n}", title=f"t{n}") for n in range(20)]

    assert len(make(*entries).items) == 20


@pytest.mark.parametrize(
    ("site", "link"), [("https://site.example/", "https://site.example/"), ("", URL)]
)
def test_an_entry_without_a_link_gets_that_of_its_feed(site, link):
    assert make(entry(url=""), url=site).items[0].url == link


def test_an_entry_without_a_title_is_called_by_its_first_words():
    item = make(entry("1", title="", summary="word " * 100)).items[0]

    assert item.title.startswith("word word")
    assert len(item.title) <= 120


def test_an_entry_that_says_nothing_is_left_out_and_counted():
    issue = make(entry("1", title=""), entry("2"))

    assert len(issue.items) == 1
    assert issue.problems == ("1 entries without text",)


def test_order_source_and_hints_stay():
    issue = make(entry("1", title="a"), entry("2", title="b"))

    assert [item.title for item in issue.items] == ["a", "b"]
    assert {item.source for item in issue.items} == {SOURCE}
    assert issue.hints == {"ttl": 60.0}


def test_a_body_in_order_is_skimmed_and_a_broken_one_is_not():
    good = b"<rss><channel><item><title>t</title></item></channel></rss>"
    broken = b"<rss><channel><item><title>a & b</title></item></channel></rss>"

    assert skim_items(good, source=SOURCE, url=URL) == read_items(good, source=SOURCE, url=URL)
    assert skim_items(broken, source=SOURCE, url=URL) is None
    assert read_items(broken, source=SOURCE, url=URL).items[0].title == "a & b"


def test_what_is_no_feed_is_malformed():
    with pytest.raises(MalformedError):
        read_items(b"<html/>", source=SOURCE, url=URL)


WORDS = st.sampled_from(["", "a", "b", "c"])


@given(st.lists(st.builds(entry, WORDS, WORDS, WORDS), max_size=12))
def test_keys_are_unique_in_a_feed_and_do_not_depend_on_its_order(entries):
    found = keys(*entries)

    assert len(set(found)) == len(found)
    assert set(found) == set(keys(*reversed(entries)))
