import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgewatch.errors import MalformedError
from tgewatch.parse.bluesky import read_bluesky
from tgewatch.parse.discourse import read_discourse
from tgewatch.parse.farcaster import read_farcaster, read_fid
from tgewatch.parse.github import read_releases
from tgewatch.parse.mastodon import read_account, read_mastodon
from tgewatch.parse.posted import (
    listed,
    make_entry,
    make_post,
    once,
    read_document,
    time_at,
    with_links,
)
from tgewatch.parse.snapshot import read_proposals
from tgewatch.parse.telegram import read_telegram

SOURCE = "https://network.example/jane"
READERS = {
    "bluesky": lambda body: read_bluesky(body, source=SOURCE),
    "mastodon": lambda body: read_mastodon(body, source=SOURCE, host="social.example"),
    "account": read_account,
    "farcaster": lambda body: read_farcaster(body, source=SOURCE, name="jane"),
    "fid": read_fid,
    "snapshot": lambda body: read_proposals(body, source=SOURCE, space="example.eth"),
    "discourse": lambda body: read_discourse(body, source=SOURCE, base="https://f.example"),
    "github": lambda body: read_releases(body, source=SOURCE, repository="a/b"),
    "telegram": lambda body: read_telegram(body, source=SOURCE),
}
NAMES = st.sampled_from(
    ["feed", "post", "record", "text", "uri", "facets", "features", "embed", "external", "author",
     "handle", "messages", "data", "castAddBody", "embeds", "hash", "timestamp", "proposals", "id",
     "title", "body", "created", "latest_posts", "topic_title", "cooked", "post_number", "staff",
     "content", "account", "acct", "url", "card", "tag_name", "name", "type", "createdAt", "link"]
)  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(max_size=20) | st.just("1"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=6),
    max_leaves=25,
)


def attempt(read, body):
    try:
        issue = read(body)
    except MalformedError as error:
        return error.cause
    return "items" if issue.items else "empty"


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b"{}", b"5", b'"x"', b"[[]]", b"\xff\xfe", b"[" * 90_000, b"<html>"],
)
def test_what_is_no_answer_is_malformed_or_empty_and_never_a_crash(name, body):
    outcome = attempt(READERS[name], body)
    assert outcome in {"malformed", "too_complex", "no_text", "not_html", "empty"}


@pytest.mark.parametrize("name", [n for n in READERS if n != "telegram"])
@given(value=VALUES)
def test_json_of_any_shape_is_survived(name, value):
    body = json.dumps({"feed": [value], "messages": [value], "latest_posts": [value],
                       "data": {"proposals": [value]}, "id": value, "fid": value}).encode()  # fmt: skip
    for given_body in (body, json.dumps([value]).encode("utf-8", "surrogatepass")):
        with suppress(MalformedError):
            check(READERS[name](given_body))


def check(found):
    for item in getattr(found, "items", ()):
        assert item.source == SOURCE
        assert item.url.startswith("http")
        assert len(item.key) == 64
        assert item.title.isprintable()


def test_what_the_answer_complains_of_is_said():
    with pytest.raises(MalformedError, match="space not found"):
        listed(read_document(b'{"errors":[{"message":"space not found"}]}'), "data", "proposals")
    with pytest.raises(MalformedError, match="Profile not found"):
        listed(read_document(b'{"error":"InvalidRequest","message":"Profile not found"}'), "feed")


def test_a_document_of_too_many_parts_is_not_read():
    with pytest.raises(MalformedError) as caught:
        read_document(b"[" + b"0," * 600_000 + b"0]")
    assert caught.value.cause == "too_complex"


def test_no_more_posts_are_looked_at_than_a_bound():
    assert len(listed([{}] * 5_000)) == 200


def test_hidden_links_stand_behind_the_text_once():
    links = [
        "https://a.example/x",
        "https://a.example/x",
        "javascript:alert(1)",
        "https://b.example",
    ]
    assert with_links("see https://b.example", links) == "see https://b.example https://a.example/x"
    assert with_links("x", [f"https://a.example/{n}" for n in range(50)]).count("https") == 5


def test_a_post_is_one_line_of_plain_text_and_says_something():
    item = make_post(
        source=SOURCE,
        identity="1",
        url="https://n.example/1",
        text="a\n\x1b[31mb\u202e",
        published=1.0,
    )
    assert (item.title, item.summary, item.kind) == ("a b", "", "post")
    assert make_post(source=SOURCE, identity="1", url="", text=" \n", published=None) is None
    assert make_post(source=SOURCE, identity="", url="", text="x", published=None) is None


def test_a_long_post_is_whole_in_its_summary():
    item = make_post(source=SOURCE, identity="1", url="bad", text="word " * 500, published=None)
    assert len(item.title) <= 1_000
    assert len(item.summary) > 2_000
    assert item.url == SOURCE


def test_an_entry_needs_a_headline():
    entry = make_entry(
        source=SOURCE,
        identity="1",
        url="https://n.example/1",
        title="T",
        text="b " * 5_000,
        published=None,
    )
    assert (entry.kind, len(entry.summary) <= 4_000, len(entry.content) > 9_000) == (
        "entry",
        True,
        True,
    )
    assert (
        make_entry(source=SOURCE, identity="1", url="", title="", text="x", published=None) is None
    )
    assert once([entry, None, entry]) == (entry,)


def test_times_are_read_as_text_or_seconds():
    assert (
        time_at({"a": 1_790_000_000}, "a")
        == time_at({"a": "2026-09-21T14:13:20Z"}, "a")
        == 1_790_000_000
    )
    assert time_at({"a": True}, "a") is None
