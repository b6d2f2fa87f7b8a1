"""Work goes on in one process while the way to the others is closed."""

import asyncio

import pytest

from tgewatch.clock import SystemClock
from tgewatch.errors import TransientError
from tgewatch.model import Backlog, Batch, Due, Outcome, Pulse
from tgewatch.swarm.queue_either import EitherQueue
from tgewatch.swarm.queue_local import LocalQueue
from tgewatch.swarm.queue_stream import StreamQueue

PULSE = Pulse(1.0, 1, (0,) * 48, 0, ())


def batch(name):
    return Batch(name, 1, (Due("https://a.example/", 0),), PULSE)


async def room():
    return


async def test_without_the_server_batches_and_word_stay_in_the_process(gated, server, until):
    done = asyncio.Queue()
    stop = asyncio.Event()
    async with gated(server) as (swarm, gate):
        shared = StreamQueue(swarm.link, clock=SystemClock(), idle=0.1, grace=0.05)
        queue = EitherQueue(shared, LocalQueue(grace=0.05))
        async with asyncio.TaskGroup() as group:
            group.create_task(queue.serve(done.put, stop=stop, room=room))
            await queue.send(batch("before"))
            assert (await done.get()).batch.id == "before"
            await until(lambda: _empty(queue))  # acknowledged, not to be given out again

            await gate.close()
            await queue.send(batch("meanwhile"))
            assert (await done.get()).batch.id == "meanwhile"
            await queue.tell(1, Outcome(("https://a.example/",)))
            assert list(await queue.hear(1)) == [Outcome(("https://a.example/",))]
            with pytest.raises(TransientError):
                await queue.backlog()

            await gate.open()
            await until(lambda: swarm.up)
            await queue.send(batch("after"))
            assert (await done.get()).batch.id == "after"
            await queue.tell(1, Outcome(("https://b.example/",)))
            assert list(await queue.hear(1)) == [Outcome(("https://b.example/",))]
            await until(lambda: _empty(queue))
            stop.set()


async def test_with_the_server_nothing_takes_the_short_way(join_shared):
    async with join_shared() as swarm:
        local = LocalQueue()
        queue = EitherQueue(StreamQueue(swarm.link, clock=SystemClock()), local)
        await queue.send(batch("one"))

        assert await local.backlog() == Backlog()
        assert await queue.backlog() == Backlog(waiting=1)
        assert await queue.set_aside() == []


async def _empty(queue):
    return await queue.backlog() == Backlog()
