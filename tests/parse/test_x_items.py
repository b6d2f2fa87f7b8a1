from dataclasses import replace

from tgewatch.model.post import Post
from tgewatch.parse.x_items import SUMMARY, TITLE, item_of, key_of

POST = Post(id=20, author="7", text="TGE is set\nfor May 5", at=5.0, root=20)


def test_a_post_is_an_item_of_its_author():
    item = item_of(POST, source="x://posts", handle="Foo")

    assert item.kind == "post"
    assert item.url == "https://x.com/Foo/status/20"
    assert item.author == "@Foo"
    assert item.title == "TGE is set for May 5"
    assert item.summary == ""
    assert item.published == 5.0


def test_an_unknown_author_has_no_name():
    item = item_of(POST, source="x://posts")

    assert item.url == "https://x.com/i/status/20"
    assert item.author == ""


def test_edits_and_reposts_are_the_same_item():
    edited = replace(POST, id=30, text="TGE is set for May 6")
    repost = Post(id=40, author="8", text="RT", at=6.0, root=40, repost_of=20)

    keys = {item_of(post, source="s").key for post in (POST, edited, repost)}

    assert keys == {key_of(20)}
    assert item_of(edited, source="s").fingerprint != item_of(POST, source="s").fingerprint


def test_long_posts_are_bounded_and_empty_ones_named():
    long = item_of(replace(POST, text="word " * 3_000), source="s")

    assert len(long.title) <= TITLE
    assert len(long.summary) <= SUMMARY
    assert item_of(replace(POST, text=""), source="s").title == "post 20"


def test_of_a_post_that_is_gone_no_word_is_left():
    post = Post(id=5, author="7", text="secret", at=1.0, root=4, gone=True)

    item = item_of(post, source="x", handle="Foo")

    assert item.gone
    assert item.key == key_of(4)
    assert "secret" not in item.fingerprint
    assert item.title == "post 5, which X has no longer"
