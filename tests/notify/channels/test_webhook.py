import asyncio
import base64
import hmac
from hashlib import sha256

import pytest

from tgewatch.errors import ConfigError, RefusedError, TransientError
from tgewatch.model import Contribution, Flag, Link, Notice
from tgewatch.notify.channels.webhook import WebhookChannel
from tgewatch.testing import ManualClock
from tgewatch.testing.channel_server import ChannelServer, read_log
from tgewatch.testing.claims import at, day

SECRET = "a-long-enough-secret"  # noqa: S105 - of a test
NOTICE = Notice(
    subject="event", change="dated", project="Curvance", headline="Curvance: date set: 12 May 2026",
    at=at("2026-03-01"), event="curvance-1", number=2, date=day("2026-05-12"), score=0.8,
    why=(Contribution("x", 1.0, "words"),), flags=(Flag("f", "why"),), sources=1,
    links=(Link("https://a.example/x", "t", "a.example"),
           Link("https://b.example/x", "t", "b.example", suspicious=True)),
)  # fmt: skip


def sending(story, poster, *, secret="", deadline=5.0, log=None):
    async def told():
        async with ChannelServer(log=log) as server:
            channel = WebhookChannel(
                "hook", url=server.url, secret=secret, poster=poster, clock=ManualClock(1_000.0),
                deadline=deadline,
            )  # fmt: skip
            await story(server, channel)

    asyncio.run(asyncio.wait_for(told(), 20))


def test_a_notice_arrives_as_json_with_its_key(poster):
    async def story(server, channel):
        await channel.send(NOTICE, key="k1")
        (one,) = server.received
        body = one.json()

        assert one.taken
        assert one.key == "k1"
        assert one.headers["webhook-id"] == "k1"
        assert one.headers["webhook-timestamp"] == "1000"
        assert "webhook-signature" not in one.headers
        assert one.headers["content-type"].startswith("application/json")
        assert body["version"] == 1
        assert body["key"] == "k1"
        assert body["event"] == "curvance-1"
        assert body["number"] == 2
        assert body["change"] == "dated"
        assert body["date"] == {
            "start": "2026-05-12T00:00:00+00:00",
            "end": "2026-05-13T00:00:00+00:00",
            "precision": "day",
            "basis": "stated",
        }
        assert [link["url"] for link in body["links"]] == [
            "https://a.example/x",
            "hxxps://b[.]example/x",
        ]
        assert [link["suspicious"] for link in body["links"]] == [False, True]

    sending(story, poster)


def test_the_signature_covers_key_time_and_body(poster):
    async def story(server, channel):
        await channel.send(NOTICE, key="k1")
        (one,) = server.received
        signed = hmac.new(SECRET.encode(), b"k1.1000." + one.body, sha256).digest()

        assert one.headers["webhook-signature"] == "v1," + base64.b64encode(signed).decode()

    sending(story, poster, secret=SECRET)


def test_a_secret_in_the_form_of_the_specification_is_decoded(poster):
    raw = b"0123456789abcdef01234567"

    async def story(server, channel):
        await channel.send(NOTICE, key="k1")
        (one,) = server.received
        signed = hmac.new(raw, b"k1.1000." + one.body, sha256).digest()

        assert one.headers["webhook-signature"] == "v1," + base64.b64encode(signed).decode()

    sending(story, poster, secret="whsec_" + base64.b64encode(raw).decode())


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_what_may_pass_is_to_be_tried_again(poster, status):
    async def story(server, channel):
        server.answers(status)
        with pytest.raises(TransientError) as caught:
            await channel.send(NOTICE, key="k")
        assert caught.value.cause == f"http_{status}"

    sending(story, poster)


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 403, 404, 410, 413, 422])
def test_what_will_not_pass_is_refused_and_redirects_are_not_followed(poster, status):
    async def story(server, channel):
        server.answers(status, location=server.url)
        with pytest.raises(RefusedError):
            await channel.send(NOTICE, key="k")
        assert len(server.received) == 1

    sending(story, poster)


def test_the_wait_that_is_asked_for_is_passed_on(poster):
    async def story(server, channel):
        server.answers(429, retry_after="77")
        with pytest.raises(TransientError) as caught:
            await channel.send(NOTICE, key="k")
        assert caught.value.retry_after == 77.0

    sending(story, poster)


def test_a_server_that_takes_and_never_answers_is_tried_again_with_the_same_key(poster, tmp_path):
    log = tmp_path / "log.jsonl"

    async def story(server, channel):
        server.hangs_after_taking()
        with pytest.raises(TransientError):
            await channel.send(NOTICE, key="k")
        await channel.send(NOTICE, key="k")
        assert server.keys == ["k", "k"]

    sending(story, poster, deadline=0.2, log=log)
    assert [(line["key"], line["answered"]) for line in read_log(log)] == [("k", 0), ("k", 204)]


@pytest.mark.parametrize("url", ["", "ftp://a.example", "a.example/hook", "http://[broken"])
def test_a_url_that_is_none_is_an_error_of_the_settings_that_does_not_show_it(poster, url):
    with pytest.raises(ConfigError) as caught:
        WebhookChannel("hook", url=url, poster=poster, clock=ManualClock(), deadline=1.0)

    assert "channel hook" in str(caught.value)
    assert not url or url not in str(caught.value)


@pytest.mark.parametrize("secret", ["short", "whsec_not base64!"])
def test_a_secret_that_is_none_is_an_error_that_does_not_show_it(poster, secret):
    with pytest.raises(ConfigError) as caught:
        WebhookChannel(
            "hook", url="https://a.example", secret=secret, poster=poster, clock=ManualClock(),
            deadline=1.0,
        )  # fmt: skip

    assert secret not in str(caught.value)


def test_its_repr_holds_no_secret(poster):
    channel = WebhookChannel(
        "hook", url="https://a.example/TOPSECRET", secret=SECRET, poster=poster,
        clock=ManualClock(), deadline=1.0,
    )  # fmt: skip

    assert repr(channel) == "<WebhookChannel hook signed>"
