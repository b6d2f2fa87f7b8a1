import asyncio
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgewatch.engine.deliver import CEILING, LONGEST, Deliverer, retry_delay
from tgewatch.errors import StoreBusyError
from tgewatch.model import Notice, Outgoing, Poll, Source, SourceState
from tgewatch.ports import Merged
from tgewatch.settings import ChannelSettings
from tgewatch.testing import ManualClock
from tgewatch.testing.channel import FakeChannel
from tgewatch.testing.store import MemoryStore


class Desk:
    """An outbox, channels and a deliverer, on a clock whose hands the test turns."""

    def __init__(self, *channels, attempts=8, timeout=5.0):
        self.clock = ManualClock()
        self.channels = channels or (FakeChannel("fake"),)
        self.store = MemoryStore(merge=lambda *_: Merged(None), route=lambda *_: ())
        self.deliverer = Deliverer(
            self.store,
            self.channels,
            clock=self.clock,
            random=Random(1),  # noqa: S311 - chance, not secrecy
            settings=[
                ChannelSettings(name=c.name, attempts=attempts, timeout=timeout)
                for c in self.channels
            ],
        )

    async def puts(self, *keys, event="", channel="fake", not_before=0.0):
        """Put one message a key into the outbox, each of an event of its own or of `event`."""
        self.clock.advance(1.0)
        out = tuple(
            Outgoing(
                key=key,
                channel=channel,
                notice=Notice(
                    subject="event", change="live", project="Curvance", headline=key,
                    at=self.clock.now(), event=event or f"event-{key}", number=number,
                ),
                not_before=not_before,
            )
            for number, key in enumerate(keys, 1)
        )  # fmt: skip
        source = Source(url="https://a.example/feed", name="a")
        state = SourceState(url=source.url)
        poll = Poll(source=source, at=self.clock.now(), state=state, outcome="changed", notices=out)
        await self.store.commit_poll(poll)

    async def drains(self, deadline=10.0):
        return (await self.deliverer.drain(deadline)).total()

    def states(self):
        return {one.key: one.state for one in self.store.told()}

    def delivery(self, key):
        return next(one for one in self.store.told() if one.key == key)


def run(story):
    return asyncio.run(asyncio.wait_for(story, 20))


def test_what_is_due_is_delivered_once_in_order_and_marked():
    async def story():
        desk = Desk()
        await desk.puts("a", "b")
        await desk.puts("c")

        assert await desk.drains() == {"delivered": 3, "failed": 0, "dead": 0, "pending": 0}
        assert desk.channels[0].keys == ["a", "b", "c"]
        assert set(desk.states().values()) == {"delivered"}
        assert (await desk.drains())["delivered"] == 0

    run(story())


def test_quiet_hours_hold_a_message_and_no_longer():
    async def story():
        desk = Desk()
        await desk.puts("a", not_before=desk.clock.now() + 100)

        assert (await desk.drains())["delivered"] == 0
        desk.clock.advance(100)
        assert (await desk.drains())["delivered"] == 1

    run(story())


def test_more_than_a_batch_is_delivered_in_one_drain():
    async def story():
        desk = Desk()
        await desk.puts(*(f"{n:03}" for n in range(130)))

        assert (await desk.drains())["delivered"] == 130

    run(story())


def test_a_failing_channel_delays_no_other_and_repeats_nothing_there():
    async def story():
        well, ill = FakeChannel("well"), FakeChannel("ill").fails(100)
        desk = Desk(well, ill)
        for channel in ("well", "ill"):
            await desk.puts(f"{channel}-1", f"{channel}-2", channel=channel)

        await desk.drains()
        desk.clock.advance(3_600)
        await desk.drains()

        assert well.keys == ["well-1", "well-2"]
        assert ill.keys == []
        assert desk.states()["ill-1"] == "pending"

    run(story())


def test_a_hanging_channel_delays_no_other():
    async def story():
        bell = asyncio.Event()
        slow, well = FakeChannel("slow").waits_for(bell), FakeChannel("well").rings(bell)
        desk = Desk(slow, well)
        await desk.puts("s", channel="slow")
        await desk.puts("w", channel="well")

        assert (await desk.drains())["delivered"] == 2
        assert slow.keys == ["s"]

    run(story())


def test_a_message_that_is_refused_becomes_a_dead_letter_and_holds_up_nothing():
    async def story():
        desk = Desk(FakeChannel("fake").refuses())
        await desk.puts("a", "b", event="e")

        drained = await desk.drains()

        assert drained == {"delivered": 1, "failed": 0, "dead": 1, "pending": 0}
        assert desk.states() == {"a": "dead", "b": "delivered"}
        assert "http_404" in desk.delivery("a").error

    run(story())


def test_a_message_is_tried_again_after_a_growing_wait_until_the_attempts_are_used_up():
    async def story():
        desk = Desk(FakeChannel("fake").fails(3), attempts=3)
        await desk.puts("a")
        waits = []
        for _ in range(2):
            begun = desk.clock.now()
            await desk.drains()
            waits.append(desk.delivery("a").next_at - begun)
            desk.clock.advance(waits[-1] - 0.1)
            assert (await desk.drains())["failed"] == 0
            desk.clock.advance(0.2)

        assert (await desk.drains())["dead"] == 1
        assert desk.states() == {"a": "dead"}
        assert desk.delivery("a").attempts == 3
        assert 24 <= waits[0] <= 30
        assert 72 <= waits[1] <= 90

    run(story())


def test_a_service_that_names_a_time_is_left_alone_until_then():
    async def story():
        channel = FakeChannel("fake").fails(1, retry_after=500.0)
        desk = Desk(channel)
        await desk.puts("a", "b", "c")

        assert (await desk.drains()) == {"delivered": 0, "failed": 1, "dead": 0, "pending": 2}
        assert channel.attempts == 1
        desk.clock.advance(499)
        await desk.drains()
        assert channel.attempts == 1
        desk.clock.advance(2)
        assert (await desk.drains())["delivered"] == 3

    run(story())


def test_no_later_change_overtakes_one_that_waits_to_be_tried_again():
    async def story():
        channel = FakeChannel("fake").fails(1)
        desk = Desk(channel)
        await desk.puts("dated", event="e")
        await desk.puts("other", event="f")
        await desk.drains()
        await desk.puts("live", event="e")
        await desk.drains()

        assert channel.keys == ["other"]
        desk.clock.advance(60)
        await desk.drains()
        assert channel.keys == ["other", "dated", "live"]

    run(story())


def test_a_timeout_after_the_message_was_taken_repeats_it_with_the_same_key():
    async def story():
        channel = FakeChannel("fake").times_out_after_taking()
        desk = Desk(channel, timeout=0.05)
        await desk.puts("a")

        assert (await desk.drains())["failed"] == 1
        assert "timeout" in desk.delivery("a").error
        desk.clock.advance(60)
        await desk.drains()

        assert channel.keys == ["a", "a"]
        assert desk.states() == {"a": "delivered"}

    run(story())


def test_what_was_sent_but_could_not_be_marked_is_marked_later_and_not_sent_again():
    async def story():
        desk = Desk()
        await desk.puts("a")
        mark = desk.store.delivered
        failures = [StoreBusyError("another instance")]

        async def fails_once(key, at):
            if failures:
                raise failures.pop()
            await mark(key, at)

        desk.store.delivered = fails_once
        with pytest.raises(StoreBusyError):
            await desk.drains()
        assert (await desk.drains())["delivered"] == 1

        assert desk.channels[0].keys == ["a"]
        assert desk.states() == {"a": "delivered"}

    run(story())


def test_a_bug_in_a_channel_is_a_failed_attempt_and_no_more(caplog):
    async def story():
        desk = Desk(FakeChannel("fake").breaks())
        await desk.puts("a")

        assert (await desk.drains())["failed"] == 1
        assert "bug" in desk.delivery("a").error
        desk.clock.advance(60)
        assert (await desk.drains())["delivered"] == 1

    run(story())
    assert "channel failed" in caplog.text


def test_a_channel_that_fails_three_times_is_left_until_the_next_drain():
    async def story():
        channel = FakeChannel("fake").fails(100)
        desk = Desk(channel)
        await desk.puts("a", "b", "c", "d", "e")

        assert await desk.drains() == {"delivered": 0, "failed": 3, "dead": 0, "pending": 2}

    run(story())


def test_a_drain_ends_at_its_deadline_and_what_is_left_stays_due():
    async def story():
        desk = Desk(FakeChannel("fake").hangs(), timeout=0.2)
        await desk.puts("a", "b")

        drained = await desk.drains(0.25)

        assert drained["failed"] == 1
        assert drained["pending"] == 1
        assert desk.delivery("b").attempts == 0

    run(story())


def test_messages_for_a_channel_that_is_gone_stay_where_they_are():
    async def story():
        desk = Desk()
        await desk.puts("a", channel="removed")
        await desk.puts("b")

        assert (await desk.drains())["delivered"] == 1
        assert desk.states() == {"a": "pending", "b": "delivered"}

    run(story())


def test_two_drains_at_once_send_nothing_twice():
    async def story():
        desk = Desk()
        await desk.puts("a", "b", "c")

        await asyncio.gather(desk.drains(), desk.drains())

        assert desk.channels[0].keys == ["a", "b", "c"]

    run(story())


def test_it_says_what_it_delivers_to():
    assert repr(Desk(FakeChannel("mail")).deliverer) == "<Deliverer mail>"


@given(st.integers(1, 1_000), st.floats(0, 1, exclude_max=True), st.none() | st.floats())
def test_a_wait_is_bounded_and_never_shorter_than_what_was_asked(attempts, jitter, asked):
    wait = retry_delay(attempts, jitter=jitter, retry_after=asked)

    assert 24.0 <= wait <= max(CEILING, LONGEST)
    if asked is not None and 0 <= asked <= LONGEST:
        assert wait >= asked
