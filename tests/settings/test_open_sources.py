import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgewatch.settings.open_sources import KINDS, place, title
from tgewatch.settings.watchlist import same_source


@pytest.mark.parametrize(
    ("kind", "url", "named"),
    [
        ("bluesky", "https://bsky.app/profile/example.com", {"actor": "example.com"}),
        ("bluesky", "https://bsky.app/profile/did:plc:abc123/", {"actor": "did:plc:abc123"}),
        ("telegram", "https://t.me/example_channel", {"channel": "example_channel"}),
        ("telegram", "https://t.me/s/examplechannel", {"channel": "examplechannel"}),
        ("mastodon", "https://social.example/@jane", {"account": "jane"}),
        ("mastodon", "https://social.example/users/jane", {"account": "jane"}),
        ("farcaster", "https://farcaster.xyz/jane.eth", {"name": "jane.eth"}),
        ("farcaster", "https://farcaster.xyz/~/profiles/12", {"fid": "12"}),
        ("snapshot", "https://snapshot.org/#/example.eth", {"space": "example.eth"}),
        ("snapshot", "https://snapshot.box/#/s:example.eth/proposals", {"space": "example.eth"}),
        ("snapshot", "https://snapshot.org/example.eth", {"space": "example.eth"}),
        ("discourse", "https://forum.example", {}),
        ("discourse", "https://forum.example/c/token/news/12", {"category": "12"}),
        ("discourse", "https://example.org/forum/latest", {"folder": "/forum"}),
        ("github", "https://github.com/a/b/releases", {"owner": "a", "repository": "b"}),
        ("github", "https://www.github.com/a/b.js/", {"owner": "a", "repository": "b.js"}),
    ],
)
def test_the_address_that_a_browser_shows_names_the_place(kind, url, named):
    assert place(kind, url) == named


@pytest.mark.parametrize(
    ("kind", "url"),
    [
        ("bluesky", "https://bsky.app/"),
        ("bluesky", "https://elsewhere.example/profile/example.com"),
        ("bluesky", "https://bsky.app/profile/a.b/post/3k"),
        ("telegram", "https://t.me/joinchat/AAAA"),
        ("telegram", "https://t.me/+AbCd"),
        ("mastodon", "https://social.example/@jane@other.example"),
        ("farcaster", "https://farcaster.xyz/"),
        ("snapshot", "https://snapshot.org/#/"),
        ("snapshot", "https://snapshot.org/#/../admin"),
        ("discourse", "https://forum.example/t/topic/5"),
        ("github", "https://github.com/a"),
        ("github", "https://github.com/a/.."),
        ("github", "https://github.com/a/b/issues"),
    ],
)
def test_any_other_address_is_refused_with_an_example(kind, url):
    with pytest.raises(ValueError, match=f'for kind = "{kind}" the url must look like https://'):
        place(kind, url)


@given(st.sampled_from(KINDS), st.text(max_size=60))
def test_what_an_address_names_never_leaves_its_place(kind, tail):
    try:
        named = place(kind, f"https://github.com/{tail}")
    except ValueError:
        return
    assert not any(set(value) & set("?&#\\ \n") or value == ".." for value in named.values())


def test_a_source_without_a_name_is_called_after_its_place(desk):
    text = """
        [[source]]
        kind = "snapshot"
        url = "https://snapshot.org/#/example.eth"
        [[source]]
        kind = "snapshot"
        url = "https://snapshot.org/#/other.eth"
        [[source]]
        kind = "discourse"
        url = "https://forum.example.com"
        [[source]]
        kind = "github"
        url = "https://github.com/a/b"
        [[company]]
        name = "Example"
    """
    names = [source.name for source in desk.load(text).sources]
    assert names == [
        "example.eth on snapshot",
        "other.eth on snapshot",
        "forum.example.com",
        "a/b on github",
    ]
    assert title("telegram", "https://t.me/s/example") == "example on telegram"


def test_the_same_space_twice_is_one_too_many(desk):
    text = '[[source]]\nkind = "snapshot"\nurl = "https://snapshot.org/#/a.eth"\n'
    assert any("repeats" in problem for problem in desk.problems(text + text))
    assert same_source("https://x.example/a#top") == same_source("https://x.example/a")


def test_an_address_of_another_kind_is_told_with_an_example(desk):
    (problem,) = desk.problems('[[source]]\nurl = "https://bsky.app/"\nkind = "bluesky"')
    assert "https://bsky.app/profile/example.com" in problem
    assert ":3: [source[1].kind]" in problem


def test_farcaster_needs_a_node(desk):
    text = '[[source]]\nkind = "farcaster"\nurl = "https://farcaster.xyz/jane"\n[[company]]\nname = "E"\n'
    assert any("set farcaster_hub" in problem for problem in desk.problems(text))
    settings = desk.load(text + '[open_sources]\nfarcaster_hub = "http://localhost:3381/"\n')
    assert settings.open_sources.farcaster_hub == "http://localhost:3381"


@pytest.mark.parametrize("base", ["ftp://x", "https://u:p@x", "https://x/?a", "x"])
def test_who_answers_has_an_address(desk, base):
    assert any("must be a URL" in p for p in desk.problems(f'[open_sources]\nbluesky = "{base}"'))
