import asyncio
import logging

import pytest

from tgewatch.errors import ConfigError, TransientError
from tgewatch.model import Link, Notice
from tgewatch.notify.channels.apprise import AppriseChannel, _asked
from tgewatch.testing.channel_server import ChannelServer

NOTICE = Notice(
    "event", "live", "Curvance", "Curvance: token is live <!here> @everyone", 0.0,
    links=(Link("https://bait.example/x", "Claim", "bait.example", suspicious=True),), sources=1,
)  # fmt: skip


def sending(story, *, options="", deadline=5.0):
    async def told():
        async with ChannelServer() as server:
            where = server.url.removeprefix("http://").replace("hook", "TOPSECRET")
            channel = AppriseChannel("chat", url=f"json://{where}{options}", deadline=deadline)
            try:
                await story(server, channel)
            finally:
                channel.close()

    asyncio.run(asyncio.wait_for(told(), 30))


def test_a_notice_arrives_with_title_and_harmless_text():
    async def story(server, channel):
        await channel.send(NOTICE, key="k")
        body = server.received[0].json()

        assert body["title"] == "[live] Curvance"
        assert "token is live" in body["message"]
        assert "@everyone" not in body["message"]
        assert "<" not in body["message"]
        assert "hxxps://bait[.]example/x" in body["message"]
        assert body["attachments"] == []

    sending(story)


def test_a_refusal_is_tried_once_and_left_to_us_whatever_the_url_says():
    async def story(server, channel):
        server.answers(500, times=10)
        with pytest.raises(TransientError) as caught:
            await channel.send(NOTICE, key="k")
        assert caught.value.cause == "not_taken"
        assert len(server.received) == 1

    sending(story, options="?retry=3&optional=yes")


def test_a_redirect_is_not_followed():
    async def story(server, channel):
        server.answers(302, location=server.url)
        with pytest.raises(TransientError):
            await channel.send(NOTICE, key="k")
        assert len(server.received) == 1

    sending(story)


def test_a_message_that_was_refused_can_be_sent_again():
    async def story(server, channel):
        server.answers(503)
        with pytest.raises(TransientError):
            await channel.send(NOTICE, key="k")
        await channel.send(NOTICE, key="k")
        assert len(server.received) == 2

    sending(story)


def test_a_second_try_waits_for_the_first_that_is_still_on_its_way_and_sends_nothing_twice():
    async def story(server, channel):
        server.hangs_after_taking()
        with pytest.raises(TransientError) as caught:
            await channel.send(NOTICE, key="k")
        assert caught.value.cause == "timeout"
        with pytest.raises(TransientError) as busy:
            await channel.send(NOTICE, key="other")
        assert busy.value.cause == "busy"
        with pytest.raises(TransientError):
            await channel.send(NOTICE, key="k")
        assert len(server.received) == 1

    sending(story, options="?rto=1", deadline=0.2)


def test_the_secret_in_the_url_is_in_no_log_error_or_repr(caplog):
    caplog.set_level(logging.DEBUG)

    async def story(server, channel):
        server.answers(500)
        with pytest.raises(TransientError) as caught:
            await channel.send(NOTICE, key="k")
        assert "TOPSECRET" not in f"{caught.value!r} {caught.value.__cause__!r} {channel!r}"

    sending(story)
    assert "TOPSECRET" not in caplog.text


def test_a_service_that_takes_little_gets_the_headline_alone():
    async def story(server, channel):
        channel._service.body_maxlen = 140
        await channel.send(NOTICE, key="k")
        body = server.received[0].json()

        assert body["title"] == ""
        assert body["message"].startswith("Curvance: token is live")
        assert len(body["message"]) <= 140

    sending(story)


def test_a_wait_that_a_service_names_in_words_is_passed_on():
    class Entry:
        message = "Failed to send: Too Many Requests: retry after 35, error=429."

    class Attempt:
        def logs(self):
            return [Entry()]

    assert _asked([Attempt()]) == 35.0
    assert _asked([]) is None


@pytest.mark.parametrize("url", ["", "nonsense://x", "https://a.example/config.yml", "file:///x"])
def test_a_url_without_a_service_is_an_error_of_the_settings_that_does_not_show_it(url):
    with pytest.raises(ConfigError) as caught:
        AppriseChannel("chat", url=url)

    assert "channel chat" in str(caught.value)
    assert not url or url not in str(caught.value)
