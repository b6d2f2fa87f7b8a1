import json

from tgewatch.parse.snapshot import ask_proposals, read_proposals

SOURCE = "https://snapshot.org/#/example.eth"


def answer(**more):
    proposal = {
        "id": "0xabc",
        "title": "Launch the EXM token",
        "body": "# Motivation\n\nThe token generation event takes place in May.",
        "created": 1_777_629_600,
        "start": 1_777_629_600,
        "end": 1_778_000_000,
        "state": "active",
        "author": "0x1",
        "link": "https://snapshot.box/#/s:example.eth/proposal/0xabc",
        "space": {"id": "example.eth", "name": "Example"},
        **more,
    }
    return json.dumps({"data": {"proposals": [proposal]}}).encode()


def test_a_proposal_becomes_an_entry_with_its_address():
    issue = read_proposals(answer(), source=SOURCE, space="example.eth")
    (item,) = issue.items
    assert (item.title, item.kind, issue.title) == ("Launch the EXM token", "entry", "Example")
    assert item.url == "https://snapshot.box/#/s:example.eth/proposal/0xabc"
    assert "token generation event" in item.summary
    assert item.published == 1_777_629_600.0


def test_an_address_that_is_missing_is_made():
    (item,) = read_proposals(answer(link=None), source=SOURCE, space="example.eth").items
    assert item.url == "https://snapshot.org/#/example.eth/proposal/0xabc"


def test_the_space_is_a_variable_and_never_part_of_the_query():
    asked = json.loads(ask_proposals('x"]){evil}', first=20))
    assert asked["variables"] == {"space": 'x"]){evil}', "first": 20}
    assert "evil" not in asked["query"]
