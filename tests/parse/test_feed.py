"""From bytes as they came to entries as they were meant."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tgewatch.errors import MalformedError
from tgewatch.parse.entry import FeedLimits
from tgewatch.parse.feed import PARSE_CAUSES, parse_feed, skim_feed

URL = "https://feed.example/rss"
ITEM = "<item><title>One</title><link>https://a.example/1</link></item>"


def rss(item=ITEM, prolog='<?xml version="1.0"?>'):
    return f'{prolog}<rss version="2.0"><channel><title>F</title>{item}</channel></rss>'.encode()


def titles(body, **options):
    return [entry.title for entry in parse_feed(body, url=URL, **options).entries]


def refusal(body, **options):
    with pytest.raises(MalformedError) as caught:
        parse_feed(body, url=URL, **options)
    assert caught.value.cause in PARSE_CAUSES
    return caught.value


def test_a_feed_in_order_needs_no_second_look():
    feed = skim_feed(rss(), url=URL)

    assert feed is not None
    assert (feed.parser, feed.problems) == ("lxml", ())


@pytest.mark.parametrize(
    "body",
    [
        rss(prolog=""),
        rss(prolog="\n \t"),
        rss(prolog="\ufeff"),
        rss(prolog="<?xml version='1.0'?>\n<!-- x --><?xml-stylesheet href='y'?>"),
        rss(prolog="<br /><b>Warning</b>: something failed in x.php\n<?xml version='1.0'?>"),
        rss(prolog="<!DOCTYPE rss PUBLIC '-//N//DTD RSS 0.91//EN' 'http://x.example/rss.dtd'>"),
        rss() + b"<!-- cached --><script>track()</script>",
        rss() + b"\x00\n",
        rss().replace(b"2.0", b"9.9"),
        rss().replace(b"rss", b"RSS"),
        b'{"version":"https://jsonfeed.org/version/1","items":[{"id":"1","title":"One"}]}',
    ],
)
def test_what_stands_around_a_feed_does_not_matter(body):
    assert titles(body) == ["One"]


@pytest.mark.parametrize(
    ("item", "title"),
    [
        ("<item><title>A&nbsp;&eacute; B</title></item>", "A é B"),
        ("<item><title>AT&T</title></item>", "AT&T"),
        ("<item><title>1 < 2</title></item>", "1 < 2"),
        ("<item><title>a\x0bb\x00c</title></item>", "abc"),
        ("<item><title>x</title><content:encoded>y</content:encoded></item>", "x"),
        ("<item><title>open <b>bold</title></item>", "open bold"),
        ("<item><title>cut off in the mid", "cut off in the mid"),
        ("<item a=1><title>unquoted</title></item>", "unquoted"),
    ],
)
def test_broken_markup_is_read_as_meant(item, title):
    assert titles(rss(item)) == [title]


def test_what_was_overlooked_is_said():
    feed = parse_feed(rss("<item><title>a <b>b</title></item>"), url=URL)

    assert any("not well-formed" in problem for problem in feed.problems)


def test_benign_entities_work_beside_those_of_html():
    body = rss(
        "<item><title>&co; &amp; &hellip;</title></item>", "<!DOCTYPE rss [<!ENTITY co 'Acme'>]>"
    )

    assert titles(body) == ["Acme & …"]


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE rss [<!ENTITY a "&b;"><!ENTITY b "&a;">]>',
        '<!DOCTYPE rss [<!ENTITY x "' + "y" * 1_900 + '">]>',
    ],
)
def test_entity_bombs_are_refused(doctype):
    assert (
        refusal(rss("<item><title>" + "&x;" * 900 + "</title></item>", doctype)).cause
        == "entity_bomb"
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1", "windows-1252"])
@pytest.mark.parametrize("claimed", ["utf-8", "utf-16", "iso-8859-1", "nonsense"])
@pytest.mark.parametrize("header", ["", "text/xml; charset=us-ascii"])
def test_titles_survive_any_lie_about_their_encoding(encoding, claimed, header):
    body = rss(
        "<item><title>naïve café</title></item>", f'<?xml version="1.0" encoding="{claimed}"?>'
    ).decode()

    assert titles(body.encode(encoding), content_type=header) == ["naïve café"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "empty"),
        (b" \n ", "empty"),
        (b"\x00" * 50, "binary"),
        (b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03", "binary"),
        (b"not found", "not found"),
        (b"<!DOCTYPE html><html><head><title>Just a moment</title>", "HTML page: Just a moment"),
        (b"<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'/>", "HTML page"),
        (b'{"error": "no such feed"}', "no such feed"),
        (b"<opml version='2.0'><body/></opml>", "OPML"),
        (b"<urlset><url/></urlset>", "sitemap"),
        (b"<error>nothing here</error>", "<error>"),
        (b"<svg/>", "image"),
    ],
)
def test_what_is_no_feed_is_named_for_what_it_is(body, words):
    error = refusal(body)

    assert error.cause == "not_a_feed"
    assert words in str(error)


@pytest.mark.parametrize(
    "body",
    [
        rss(""),
        b'<feed xmlns="http://www.w3.org/2005/Atom"><title>F</title></feed>',
        b"<rss/>",
        b'{"version":"https://jsonfeed.org/version/1.1","title":"F","items":[]}',
    ],
)
def test_a_feed_without_entries_is_a_feed(body):
    assert titles(body) == []


def test_only_the_wanted_number_of_entries_is_read():
    feed = parse_feed(rss(ITEM * 50), url=URL, limits=FeedLimits(entries=20))

    assert len(feed.entries) == 20
    assert feed.problems == ("only 20 of its entries were read",)


def test_dates_from_the_future_are_not_believed():
    dates = ("2024-03-05T10:00:00Z", "2024-03-06T09:00:00Z", "2024-03-07T10:00:00Z")
    body = rss("".join(f"<item><title>t</title><pubDate>{d}</pubDate></item>" for d in dates))
    now = 1_709_632_800.0

    assert [e.published for e in parse_feed(body, url=URL).entries][2] is not None
    published = [e.published for e in parse_feed(body, url=URL, now=now).entries]
    assert published == [now, now + 82_800, None]


@pytest.mark.parametrize(
    ("limits", "body"),
    [
        (FeedLimits(max_bytes=100), rss()),
        (FeedLimits(tags=5), rss()),
    ],
)
def test_bounds_hold_before_parsing(limits, body):
    assert refusal(body, limits=limits).cause == "too_complex"


def test_text_is_bounded_by_field():
    item = f"<item><title>{'t' * 900}</title><description>{'d' * 18_000}</description></item>"
    entry = parse_feed(rss(item), url=URL, limits=FeedLimits(content=8_000)).entries[0]

    assert (len(entry.title), len(entry.summary), len(entry.content)) == (500, 4_000, 8_000)


def test_nesting_beyond_all_reason_costs_no_lenient_parser():
    assert refusal(b"<rss>" + b"<a>" * 5_000).cause == "too_deep"


PIECES = st.sampled_from(
    [
        b"<rss>",
        b"</rss>",
        b"<channel>",
        b"<item>",
        b"</item>",
        b"<title>",
        b"</title>",
        b"<entry>",
        b"<![CDATA[",
        b"]]>",
        b"&amp;",
        b"&",
        b"<",
        b">",
        b"\xff",
        b"\x00",
        b"text",
        b"<!--",
        b"<?",
        b'<feed xmlns="http://www.w3.org/2005/Atom">',
        b"<link href='x'/>",
        b"<!DOCTYPE x [",
        b"{",
    ]
)


@settings(max_examples=150, deadline=None)
@given(st.lists(PIECES, max_size=30))
def test_any_bytes_are_a_feed_or_malformed(parts):
    body = b"".join(parts)
    try:
        feed = parse_feed(body, url=URL)
    except MalformedError as error:
        if error.cause not in PARSE_CAUSES:
            raise
    else:
        for entry in feed.entries:
            (entry.title + entry.summary + entry.url).encode()
