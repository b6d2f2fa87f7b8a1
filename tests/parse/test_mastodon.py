import json

import pytest

from tgewatch.errors import MalformedError
from tgewatch.parse.mastodon import read_account, read_mastodon

SOURCE = "https://social.example/@jane"


def status(content="<p>The TGE is on 5 May</p>", **more):
    return {
        "id": "11",
        "uri": "https://social.example/users/jane/statuses/11",
        "url": "https://social.example/@jane/11",
        "created_at": "2026-05-01T10:00:00.000Z",
        "edited_at": None,
        "content": content,
        "spoiler_text": "",
        "visibility": "public",
        "reblog": None,
        "account": {"id": "1", "acct": "jane", "display_name": "Jane"},
        **more,
    }


def read(*statuses):
    return read_mastodon(json.dumps(statuses).encode(), source=SOURCE, host="social.example")


def test_a_status_becomes_an_item_with_its_address():
    (item,) = read(status()).items
    assert (item.title, item.url) == ("The TGE is on 5 May", "https://social.example/@jane/11")
    assert (item.kind, item.author) == ("post", "jane@social.example")
    assert item.published == 1_777_629_600.0


def test_an_edited_status_is_the_same_item_with_another_text():
    (before,), (after,) = read(status()).items, read(status("<p>The TGE is on 6 May</p>")).items
    assert before.key == after.key
    assert before.fingerprint != after.fingerprint


def test_boosts_and_what_is_for_followers_are_left_out():
    assert read(status(reblog=status()), status(visibility="private")).items == ()


def test_a_content_warning_is_part_of_the_text_and_links_are_whole():
    link = (
        '<p><a href="https://jane.example/tge"><span class="invisible">https://</span>'
        '<span class="ellipsis">jane.exam</span><span class="invisible">ple/tge</span></a></p>'
    )
    (item,) = read(status(link, spoiler_text="Token")).items
    assert item.title == "Token https://jane.example/tge"


def test_an_account_that_was_looked_up_has_an_id():
    assert read_account(b'{"id":"109","acct":"jane"}') == "109"
    for body in (b"{}", b'{"id":"../1"}', b"[]"):
        with pytest.raises(MalformedError):
            read_account(body)
