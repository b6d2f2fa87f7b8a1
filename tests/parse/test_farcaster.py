import json

import pytest

from tgewatch.errors import MalformedError
from tgewatch.parse.farcaster import read_farcaster, read_fid

SOURCE = "https://farcaster.xyz/jane"


def message(text="The TGE is on 5 May", digest="0xd2b1ddc6c88e865a", **body):
    return {
        "data": {
            "type": "MESSAGE_TYPE_CAST_ADD",
            "fid": 12,
            "timestamp": 168_170_400,
            "network": "FARCASTER_NETWORK_MAINNET",
            "castAddBody": {"text": text, "mentions": [], "embeds": [], **body},
        },
        "hash": digest,
    }


def read(*messages):
    body = json.dumps({"messages": messages, "nextPageToken": ""}).encode()
    return read_farcaster(body, source=SOURCE, name="jane").items


def test_a_cast_becomes_an_item_with_its_address_and_time():
    (item,) = read(message())
    assert (item.title, item.kind) == ("The TGE is on 5 May", "post")
    assert item.url == "https://farcaster.xyz/jane/0xd2b1ddc6"
    assert item.published == 1_777_629_600.0


def test_answers_and_removals_are_left_out():
    removal = message()
    removal["data"]["type"] = "MESSAGE_TYPE_CAST_REMOVE"
    assert read(message(parentCastId={"fid": 3, "hash": "0x1"}), removal) == ()


def test_a_cast_in_a_channel_is_kept_and_embedded_links_are_shown():
    (item,) = read(
        message(parentUrl="chain://x", embeds=[{"url": "https://jane.example"}, {"castId": {}}])
    )
    assert item.title.endswith(" https://jane.example")


@pytest.mark.parametrize("at", ["soon", -5, 2**40, None])
def test_a_time_that_is_none_is_none(at):
    wrong = message()
    wrong["data"]["timestamp"] = at
    assert read(wrong)[0].published is None


def test_a_name_stands_for_a_number():
    assert read_fid(b'{"timestamp":1,"name":"jane","fid":12,"type":"USERNAME_TYPE_FNAME"}') == "12"
    with pytest.raises(MalformedError):
        read_fid(b'{"errCode":"not_found"}')
