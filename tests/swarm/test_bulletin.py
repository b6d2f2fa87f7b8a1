import msgspec

from tgewatch.clock import SystemClock
from tgewatch.swarm.bulletin import Bulletin, Message
from tgewatch.testing.gate import Gate


def hearing(swarm):
    """Return a bulletin, and what it heard and when it caught up."""
    bulletin = Bulletin(swarm.link, clock=SystemClock())
    heard, gaps = [], []
    bulletin.on("x", heard.append)

    async def caught_up(since):
        gaps.append(since)

    bulletin.on_gap(caught_up)
    return bulletin, heard, gaps


async def test_others_hear_what_one_tells_and_nobody_hears_himself(join_shared, until, listening):
    async with join_shared() as one, join_shared() as two:
        here, heard_here, _ = hearing(one)
        there, heard_there, _ = hearing(two)
        async with listening(here), listening(there):
            await until(lambda: here.listening and there.listening)
            await one.link.call("PUBLISH", here.channel, here.message("x", "word", 1))
            await until(lambda: heard_there)

        assert heard_there == [["word", 1]]
        assert heard_here == []


async def test_foreign_messages_are_counted_and_change_nothing(
    server, join_shared, until, listening
):
    async with join_shared() as one:
        here, heard, _ = hearing(one)
        async with listening(here):
            await until(lambda: here.listening)
            server.say("PUBLISH", here.channel, "nonsense")
            server.say("PUBLISH", here.channel, "x" * 1_000_000)
            server.say("PUBLISH", here.channel, msgspec.msgpack.encode(Message("a", "y", [1])))
            server.say("PUBLISH", here.channel, msgspec.msgpack.encode(Message("a", "x", [2])))
            await until(lambda: heard)

        assert heard == [[2]]
        assert here.foreign == 2


async def test_a_subscription_that_broke_is_made_again_and_what_was_missed_is_asked_for(
    server, gated, until, listening
):
    async with gated(server) as (swarm, gate):
        here, heard, gaps = hearing(swarm)
        async with listening(here):
            await until(lambda: here.listening)
            server.say("PUBLISH", here.channel, msgspec.msgpack.encode(Message("a", "x", [1])))
            await until(lambda: heard)
            gate.break_off()
            await until(lambda: len(gaps) > 1 and here.listening)
            server.say("PUBLISH", here.channel, msgspec.msgpack.encode(Message("a", "x", [2])))
            await until(lambda: len(heard) > 1)

        assert gaps[0] is None
        assert abs(gaps[1] - swarm.link.time()) < 60


async def test_a_connection_that_fell_silent_is_given_up(server, gated, until, listening):
    async with gated(server, operation=0.2) as (swarm, gate):
        here, _, gaps = hearing(swarm)
        async with listening(here):
            await until(lambda: here.listening)
            assert isinstance(gate, Gate)
            gate.hold()
            await until(lambda: not here.listening)
            await gate.open()
            await until(lambda: here.listening)

        assert len(gaps) > 1
