import json

from tgewatch.parse.github import read_releases

SOURCE = "https://github.com/example/chain"


def release(**more):
    return {
        "id": 5,
        "tag_name": "v2.0.0",
        "name": "Mainnet",
        "draft": False,
        "prerelease": False,
        "html_url": "https://github.com/example/chain/releases/tag/v2.0.0",
        "created_at": "2026-04-01T10:00:00Z",
        "published_at": "2026-05-01T10:00:00Z",
        "body": "Token transfers are enabled.",
        "author": {"login": "jane"},
        **more,
    }


def read(*releases):
    body = json.dumps(releases).encode()
    return read_releases(body, source=SOURCE, repository="example/chain").items


def test_a_release_becomes_an_entry_named_after_its_project():
    (item,) = read(release())
    assert (item.title, item.summary) == ("chain Mainnet", "Token transfers are enabled.")
    assert item.url == "https://github.com/example/chain/releases/tag/v2.0.0"
    assert item.published == 1_777_629_600.0


def test_a_name_that_says_the_project_is_not_doubled_and_a_tag_stands_in():
    assert read(release(name="Chain v2"))[0].title == "Chain v2"
    assert read(release(name=None))[0].title == "chain v2.0.0"


def test_drafts_are_not_out():
    assert read(release(draft=True)) == ()
