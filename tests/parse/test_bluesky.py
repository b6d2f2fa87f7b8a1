import json

from tgewatch.parse.bluesky import read_bluesky

SOURCE = "https://bsky.app/profile/jane.example"


def entry(text="The TGE is on 5 May", rkey="3k1", **more):
    record = {"$type": "app.bsky.feed.post", "text": text, "createdAt": "2026-05-01T10:00:00.000Z"}
    post = {
        "uri": f"at://did:plc:abc/app.bsky.feed.post/{rkey}",
        "cid": "bafy",
        "author": {"did": "did:plc:abc", "handle": "jane.example", "displayName": "Jane"},
        "record": record | more.pop("record", {}),
        "likeCount": more.pop("likes", 3),
        "indexedAt": "2026-05-01T10:00:02.000Z",
    }
    return {"post": post, **more}


def read(*entries):
    return read_bluesky(json.dumps({"feed": entries, "cursor": "x"}).encode(), source=SOURCE)


def test_a_post_becomes_an_item_with_its_address():
    issue = read(entry())
    (item,) = issue.items
    assert item.title == "The TGE is on 5 May"
    assert item.url == "https://bsky.app/profile/jane.example/post/3k1"
    assert (item.kind, item.author, item.source) == ("post", "jane.example", SOURCE)
    assert item.published == 1_777_629_600.0
    assert issue.title == "Jane"


def test_what_was_reposted_is_somebody_elses():
    assert read(entry(reason={"$type": "app.bsky.feed.defs#reasonRepost"})).items == ()


def test_a_time_later_than_the_first_sight_of_it_is_not_believed():
    (item,) = read(entry(record={"createdAt": "2031-01-01T00:00:00Z"})).items
    assert item.published == 1_777_629_602.0


def test_links_are_whole_where_the_text_cuts_them():
    facet = {
        "features": [{"$type": "app.bsky.richtext.facet#link", "uri": "https://jane.example/tge"}]
    }
    embed = {"$type": "app.bsky.embed.external", "external": {"uri": "https://jane.example/blog"}}
    (item,) = read(entry("see jane.example/t...", record={"facets": [facet], "embed": embed})).items
    assert item.title == "see jane.example/t... https://jane.example/tge https://jane.example/blog"
