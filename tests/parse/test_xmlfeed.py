"""Every XML format, read in one walk."""

import pytest
from lxml import etree

from tgewatch.parse.entry import FeedLimits
from tgewatch.parse.xmlfeed import knows_root, read_tree

URL = "https://feed.example/dir/feed.xml"
TEN = 1_709_632_800.0
NAMESPACES = (
    'xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:content="http://purl.org/rss/1.0/modules/content/" '
    'xmlns:media="http://search.yahoo.com/mrss/" '
    'xmlns:atom="http://www.w3.org/2005/Atom" '
    'xmlns:sy="http://purl.org/rss/1.0/modules/syndication/" '
    'xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd" '
    'xmlns:feedburner="http://rssnamespace.org/feedburner/ext/1.0"'
)


def read(text, limits=None):
    return read_tree(etree.fromstring(text), url=URL, limits=limits or FeedLimits())


def rss(item, head=""):
    text = f'<rss version="2.0" {NAMESPACES}><channel><title>F</title>{head}{item}</channel></rss>'
    return read(text)


def entry(item):
    return rss(f"<item>{item}</item>").entries[0]


def atom(inner):
    return read(
        f'<feed xmlns="http://www.w3.org/2005/Atom"><title>F</title><entry>{inner}</entry></feed>'
    ).entries[0]


FORMATS = {
    "rss 0.91": '<rss version="0.91"><channel><title>F</title><item><title>T</title>'
    "<link>https://a.example/1</link><description>D</description>"
    "<pubDate>Tue, 05 Mar 2024 10:00:00 GMT</pubDate></item></channel></rss>",
    "rss 2.0": '<rss version="2.0"><channel><title>F</title></channel><item><title>T</title>'
    "<link>https://a.example/1</link><description>D</description>"
    "<pubDate>Tue, 05 Mar 2024 10:00:00 GMT</pubDate></item></rss>",
    "rdf": '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
    'xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/">'
    "<channel><title>F</title></channel>"
    '<item rdf:about="https://a.example/1"><title>T</title><link>https://a.example/1</link>'
    "<description>D</description><dc:date>2024-03-05T10:00:00Z</dc:date></item></rdf:RDF>",
    "rdf 0.90": '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
    'xmlns="http://my.netscape.com/rdf/simple/0.9/"><channel><title>F</title></channel>'
    "<item><title>T</title><link>https://a.example/1</link><description>D</description>"
    "<pubDate>2024-03-05T10:00:00Z</pubDate></item></rdf:RDF>",
    "atom 0.3": '<feed version="0.3" xmlns="http://purl.org/atom/ns#"><title>F</title><entry>'
    '<title>T</title><link rel="alternate" href="https://a.example/1"/><summary>D</summary>'
    "<issued>2024-03-05T10:00:00Z</issued></entry></feed>",
    "atom 1.0": '<feed xmlns="http://www.w3.org/2005/Atom"><title>F</title><entry>'
    '<title>T</title><link href="https://a.example/1"/><summary>D</summary>'
    "<updated>2024-03-05T10:00:00Z</updated></entry></feed>",
    "cdf": '<CHANNEL><TITLE>F</TITLE><ITEM HREF="https://a.example/1" '
    'LASTMOD="2024-03-05T10:00:00Z"><TITLE>T</TITLE><ABSTRACT>D</ABSTRACT></ITEM></CHANNEL>',
}


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_gives_the_same_entry(form):
    feed = read(FORMATS[form])
    found = feed.entries[0]

    assert feed.format == form.removesuffix(" 0.90")
    assert feed.title == "F"
    assert (found.title, found.url, found.summary) == ("T", "https://a.example/1", "D")
    assert found.published == TEN


@pytest.mark.parametrize(
    ("item", "url"),
    [
        ("<link>/post</link>", "https://feed.example/post"),
        ("<link>\n https://a.example/1 \n</link>", "https://a.example/1"),
        ("<link>javascript:alert(1)</link>", ""),
        ("<link>javascript:x</link><guid>https://a.example/g</guid>", "https://a.example/g"),
        ('<link xml:base="https://b.example/x/">y</link>', "https://b.example/x/y"),
        ("<guid>https://a.example/g</guid>", "https://a.example/g"),
        ('<guid isPermaLink="true">/g</guid>', "https://feed.example/g"),
        ("<guid>g</guid>", ""),
        ('<atom:link rel="self" href="https://a.example/self"/>', ""),
        (
            (
                "<link>https://proxy.example/1</link>"
                "<feedburner:origLink>https://a.example/1</feedburner:origLink>"
            ),
            "https://a.example/1",
        ),
    ],
)
def test_an_rss_entry_has_the_address_of_its_article(item, url):
    assert entry(f"<title>t</title>{item}").url == url


@pytest.mark.parametrize(
    ("links", "url"),
    [
        ('<link rel="self" href="/s"/><link href="/a"/>', "https://feed.example/a"),
        (
            (
                '<link rel="alternate" type="application/json" href="/j"/>'
                '<link rel="alternate" type="text/html" href="/h"/>'
            ),
            "https://feed.example/h",
        ),
        (
            '<link rel="enclosure" href="/e"/><link rel="related" href="/r"/>',
            "https://feed.example/r",
        ),
        ('<link rel="enclosure" href="/e"/>', ""),
        ('<link rel="replies" href="/e"/><id>https://a.example/id</id>', "https://a.example/id"),
        ('<link xml:base="https://b.example/x/" href="y"/>', "https://b.example/x/y"),
    ],
)
def test_an_atom_entry_has_its_alternate(links, url):
    assert atom(f"<title>t</title>{links}").url == url


@pytest.mark.parametrize(
    ("item", "title"),
    [
        ("<title><![CDATA[<b>Bold</b> &amp; more]]></title>", "Bold & more"),
        ("<title>&lt;i&gt;Escaped&lt;/i&gt; &amp;amp; twice</title>", "Escaped & twice"),
        ("<title>With <b>child</b> elements</title>", "With child elements"),
        ("<title></title><media:title>Other</media:title>", "Other"),
        ("<media:title>Other</media:title><title>Own</title>", "Own"),
        ("<dc:title>Dublin</dc:title>", "Dublin"),
        ("<title> </title><title>Second</title>", "Second"),
    ],
)
def test_titles_are_plain_text(item, title):
    assert entry(item).title == title


@pytest.mark.parametrize(
    ("item", "summary", "content"),
    [
        ("<description>Short</description>", "Short", ""),
        ("<content:encoded>&lt;p&gt;Full&lt;/p&gt;</content:encoded>", "Full", ""),
        (
            "<content:encoded>Full text</content:encoded><description>Short</description>",
            "Short",
            "Full text",
        ),
        ("<media:group><media:description>Film</media:description></media:group>", "Film", ""),
        ("<media:description>Film</media:description><description>Own</description>", "Own", ""),
        ("<itunes:summary>Episode</itunes:summary>", "Episode", ""),
    ],
)
def test_summary_and_content_are_what_the_publisher_gave(item, summary, content):
    found = entry(item)

    assert (found.summary, found.content) == (summary, content)


def test_a_long_description_is_content_with_its_beginning_as_summary():
    found = entry(f"<description>{'word ' * 2_000}</description>")

    assert len(found.summary) <= 4_000
    assert len(found.content) == len("word " * 2_000) - 1


def test_xhtml_content_is_read_as_text():
    found = atom(
        '<title type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">A <em>b</em></div></title>'
        '<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>x</p><p>y</p></div>'
        "</content>"
    )

    assert (found.title, found.summary) == ("A b", "x y")


@pytest.mark.parametrize(
    ("item", "published"),
    [
        ("<pubDate>Tue, 05 Mar 2024 10:00:00 GMT</pubDate>", TEN),
        ("<dc:date>2024-03-05T10:00:00Z</dc:date>", TEN),
        ("<pubDate>soon</pubDate><dc:date>2024-03-05T10:00:00Z</dc:date>", TEN),
        ("<guid>20240305</guid>", None),
        ("<pubDate>yesterday</pubDate>", None),
        ("", None),
    ],
)
def test_an_undated_entry_stays_undated(item, published):
    assert entry(f"<title>t</title>{item}").published == published


def test_authors_are_found_in_each_format():
    assert entry("<dc:creator>Ada</dc:creator>").author == "Ada"
    assert entry("<author>ada@a.example (Ada)</author>").author == "ada@a.example (Ada)"
    assert atom("<author><name>Ada</name></author>").author == "Ada"


def test_hints_hubs_and_addresses_of_the_feed_are_kept():
    feed = rss(
        "",
        "<ttl>30</ttl><sy:updatePeriod>daily</sy:updatePeriod>"
        "<sy:updateFrequency>4</sy:updateFrequency><link>https://feed.example/</link>"
        '<atom:link rel="hub" href="https://hub.example/"/>'
        '<atom:link rel="self" href="https://feed.example/rss"/>',
    )

    assert feed.hints == {"ttl": 1_800.0, "updatePeriod": 21_600.0}
    assert feed.hubs == ("https://hub.example/",)
    assert (feed.url, feed.self_url) == ("https://feed.example/", "https://feed.example/rss")


@pytest.mark.parametrize("ttl", ["", "0", "-5", "soon", "9" * 30, "1e9"])
def test_a_hint_that_makes_no_sense_is_none(ttl):
    assert rss("", f"<ttl>{ttl}</ttl>").hints == {}


def test_no_more_entries_are_read_than_wanted():
    text = "<rss><channel>" + "<item><title>t</title></item>" * 30 + "</channel></rss>"

    assert len(read(text, FeedLimits(entries=10)).entries) == 10


def test_entries_deep_in_a_strange_document_are_found():
    text = "<rss><channel><items><x><item><title>t</title></item></x></items></channel></rss>"

    assert [e.title for e in read(text).entries] == ["t"]


def test_other_documents_are_no_feeds():
    assert read("<html><body/></html>") is None
    assert not knows_root("html")
    assert knows_root("RDF")
