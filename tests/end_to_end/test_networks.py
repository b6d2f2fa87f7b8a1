"""`tgewatch scan` over one source of each open network, on synthetic answers of their shapes."""

import json

import pytest

from tgewatch.testing.background import in_background
from tgewatch.testing.loopback import LoopbackServer, reply

AT = "2026-09-21T10:00:00Z"
SECONDS = 1_789_984_800


def says(ticker):
    return f"Our TGE will take place on 12 October 2026. ${ticker} claims open the same day."


BLUESKY = {
    "feed": [
        {
            "post": {
                "uri": "at://did:plc:a/app.bsky.feed.post/3k",
                "author": {"handle": "merida.example"},
                "record": {"text": says("MERI"), "createdAt": AT},
                "indexedAt": AT,
            }
        }
    ]
}
STATUS = {
    "id": "5",
    "uri": "https://social.example/users/pelion/statuses/5",
    "url": "https://social.example/@pelion/5",
    "created_at": AT,
    "content": f"<p>{says('PELI')}</p>",
    "account": {"acct": "pelion"},
}
CAST = {
    "data": {
        "type": "MESSAGE_TYPE_CAST_ADD",
        "timestamp": SECONDS - 1_609_459_200,
        "castAddBody": {"text": says("OSTR")},
    },
    "hash": "0xd2b1ddc6c88e",
}
CHANNEL = (
    '<section class="tgme_channel_history"><div data-post="tundra_news/7">'
    f'<div class="tgme_widget_message_text">{says("TUND")}</div>'
    f'<a class="tgme_widget_message_date"><time datetime="{AT}"></time></a></div></section>'
)
PROPOSAL = {
    "id": "0x1",
    "title": "Karoo announces its token generation event for 12 October 2026",
    "body": "$KARO launches that day.",
    "created": SECONDS,
}
TOPIC = {
    "id": 3,
    "topic_id": 3,
    "topic_slug": "launch",
    "topic_title": "Galena announces its token generation event for 12 October 2026",
    "cooked": "<p>$GALE launches that day.</p>",
    "post_number": 1,
    "post_type": 1,
    "created_at": AT,
}
RELEASE = {
    "id": 4,
    "name": "Bantry announces its token generation event for 12 October 2026",
    "body": "$BANT launches that day.",
    "published_at": AT,
}
ANSWERS = {
    "/xrpc/app.bsky.feed.getAuthorFeed": BLUESKY,
    "/api/v1/accounts/lookup": {"id": "12"},
    "/api/v1/accounts/12/statuses": [STATUS],
    "/v1/userNameProofByName": {"fid": 9},
    "/v1/castsByFid": {"messages": [CAST]},
    "/graphql": {"data": {"proposals": [PROPOSAL]}},
    "/posts.json": {"latest_posts": [TOPIC]},
    "/repos/bantry/node/releases": [RELEASE],
}


async def answer(asked, _):
    path = asked.path.partition("?")[0]
    if path == "/s/tundra_news":
        return reply(200, CHANNEL.encode(), Content_Type="text/html; charset=utf-8")
    if path in ANSWERS and (asked.method == "POST") == (path == "/graphql"):
        return reply(200, json.dumps(ANSWERS[path]).encode(), Content_Type="application/json")
    return reply(404)


@pytest.fixture
def networks():
    server = LoopbackServer(answer)
    with in_background(server):
        yield server


def test_each_network_is_read_and_its_events_are_told(shell, networks):
    base = networks.url("").rstrip("/")
    sources = {
        "bluesky": "https://bsky.app/profile/merida.example",
        "mastodon": f"{base}/@pelion",
        "farcaster": "https://farcaster.xyz/ostrava",
        "telegram": "https://t.me/tundra_news",
        "snapshot": "https://snapshot.org/#/karoo.eth",
        "discourse": base,
        "github": "https://github.com/bantry/node",
    }
    bases = "".join(
        f'{name} = "{base}"\n'
        for name in ("bluesky", "telegram", "snapshot", "github", "farcaster_hub")
    )
    names = ("Merida", "Pelion", "Ostrava", "Tundra", "Karoo", "Galena", "Bantry")
    listed = "".join(
        f'[[company]]\nname = "{name}"\ntickers = ["{name[:4].upper()}"]\n'
        f'[[source]]\nkind = "{kind}"\nurl = "{url}"\ncompany = "{name}"\n'
        for name, (kind, url) in zip(names, sources.items(), strict=True)
    )
    shell.settings(more=f"[open_sources]\n{bases}{listed}")

    found = shell.scan("--all").json

    assert found["sources"]["polled"] == 7
    assert found["sources"]["failed"] == {}
    assert {event["company"] for event in found["events"]} == set(names)
    assert len(shell.channel.received) == 7
    assert all(ask.headers["user-agent"].startswith("tgewatch") for ask in networks.asked)
