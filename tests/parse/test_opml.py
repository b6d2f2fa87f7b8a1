"""Lists of feeds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgewatch.errors import MalformedError
from tgewatch.parse.opml import MAX_OUTLINES, Outline, parse_opml, write_opml


def opml(body):
    return f'<?xml version="1.0"?><opml version="2.0"><body>{body}</body></opml>'.encode()


def test_feeds_are_found_in_their_folders():
    outlines = parse_opml(
        opml(
            '<outline text="News"><outline text="Crypto / Web3">'
            '<outline type="rss" text="A" xmlUrl="https://a.example/rss" '
            'htmlUrl="https://a.example/" description="why"/>'
            "</outline></outline>"
            '<outline title="B" XMLURL="https://b.example/rss"/>'
        )
    )

    assert outlines == (
        Outline("A", "https://a.example/rss", "News/Crypto - Web3", "https://a.example/", "why"),
        Outline("B", "https://b.example/rss"),
    )


def test_each_address_comes_once_and_only_from_the_web():
    outlines = parse_opml(
        opml(
            '<outline text="A" xmlUrl="https://a.example/rss"/>'
            '<outline text="again" xmlUrl="https://a.example/rss"/>'
            '<outline text="bad" xmlUrl="javascript:alert(1)"/>'
            '<outline text="" xmlUrl="https://c.example/rss"/>'
        )
    )

    assert [(o.title, o.url) for o in outlines] == [
        ("A", "https://a.example/rss"),
        ("https://c.example/rss", "https://c.example/rss"),
    ]


def test_what_is_nearly_well_formed_is_repaired():
    body = opml('<outline text="A & B&nbsp;" xmlUrl="https://a.example/?x=1&y=2"/>')

    assert parse_opml(body) == (Outline("A & B", "https://a.example/?x=1&y=2"),)


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        (b"", "not_opml"),
        (b"<rss/>", "not_opml"),
        (b"\x00\x01\x02", "not_opml"),
        (b"<opml><body>", "not_opml"),
        (b"<opml>" + b"<outline>" * 5_000, "not_opml"),
        (b'<!DOCTYPE opml [<!ENTITY x SYSTEM "file:///etc/passwd">]><opml/>', "entity_bomb"),
        (opml("<outline/>" * MAX_OUTLINES * 2), "too_complex"),
    ],
)
def test_other_files_are_refused(body, cause):
    with pytest.raises(MalformedError) as caught:
        parse_opml(body)

    assert caught.value.cause == cause


def test_a_list_is_written_so_that_others_can_read_it():
    text = write_opml([Outline('A "&" <b>', "https://a.example/?x=1&y=2", "N/M")], title="mine")

    assert b'<opml version="2.0">' in text
    assert b"<title>mine</title>" in text
    assert b'type="rss"' in text


NAMES = st.text(alphabet="abc &<>\"'é", min_size=1, max_size=8).map(str.strip).filter(bool)
FOLDERS = st.lists(st.sampled_from(["News", "A & B", "x"]), max_size=3).map("/".join)


@given(st.lists(st.tuples(NAMES, FOLDERS), max_size=8))
def test_what_is_written_is_read_back(entries):
    outlines = tuple(
        Outline(" ".join(name.split()), f"https://a.example/{number}", folder)
        for number, (name, folder) in enumerate(entries)
    )

    assert set(parse_opml(write_opml(outlines))) == set(outlines)
