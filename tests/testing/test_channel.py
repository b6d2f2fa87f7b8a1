import asyncio

import pytest

from tgewatch.errors import RefusedError, TransientError
from tgewatch.model import Notice
from tgewatch.ports import Channel
from tgewatch.testing.channel import FakeChannel

NOTICE = Notice("event", "live", "Curvance", "Curvance: token is live", 0.0)


def test_it_takes_what_comes_unless_told_otherwise():
    channel = FakeChannel("x")
    port: Channel = channel

    asyncio.run(port.send(NOTICE, key="k"))

    assert channel.keys == ["k"]
    assert repr(channel) == "<FakeChannel x 1 taken of 1>"


def test_each_word_holds_for_one_message_in_turn():
    channel = FakeChannel().refuses("gone").fails(retry_after=7.0).breaks().takes()

    async def story():
        with pytest.raises(RefusedError) as refused:
            await channel.send(NOTICE, key="1")
        with pytest.raises(TransientError) as failed:
            await channel.send(NOTICE, key="2")
        with pytest.raises(KeyError):
            await channel.send(NOTICE, key="3")
        await channel.send(NOTICE, key="4")
        assert refused.value.cause == "gone"
        assert (failed.value.cause, failed.value.retry_after) == ("http_429", 7.0)

    asyncio.run(story())
    assert channel.keys == ["4"]


@pytest.mark.parametrize(("channel", "keys"), [
    (FakeChannel().hangs(), []),
    (FakeChannel().times_out_after_taking(), ["k"]),
])  # fmt: skip
def test_it_can_leave_its_sender_waiting_with_and_without_the_message(channel, keys):
    async def story():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await channel.send(NOTICE, key="k")

    asyncio.run(story())
    assert channel.keys == keys
