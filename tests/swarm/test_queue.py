"""What every queue promises, in memory and on a stream."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from tgewatch.clock import SystemClock
from tgewatch.errors import TransientError
from tgewatch.model import Backlog, Batch, Due, Outcome, Pulse
from tgewatch.swarm.queue_local import PLACES, LocalQueue
from tgewatch.swarm.queue_stream import StreamQueue

PULSE = Pulse(3.5, 2, (0,) * 48, 0, (1.0, 0.7, 3600.0, 1.0))


def batch(name, *urls, token=1):
    due = tuple(Due(url, 3) for url in urls or ("https://a.example/feed?key=ä&b=1",))
    return Batch(name, token, due, PULSE)


async def always():
    return


@pytest.fixture(params=["local", "stream"])
def opened(request):
    """Return what opens a queue of each kind."""

    @asynccontextmanager
    async def local(**_):
        yield LocalQueue(grace=0.05)

    @asynccontextmanager
    async def stream(idle=30.0):
        async with request.getfixturevalue("join_shared")() as swarm:
            yield StreamQueue(swarm.link, clock=SystemClock(), idle=idle, grace=0.05)

    if request.param == "stream":
        request.getfixturevalue("server")
        return stream
    return local


@asynccontextmanager
async def serving(queue, handle, room=always):
    """Let the queue be served while the block lasts."""
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(queue.serve(handle, stop=stop, room=room))
        try:
            yield stop
        finally:
            stop.set()


async def test_a_batch_arrives_as_it_was_sent(opened):
    arrived = asyncio.Queue()
    async with opened() as queue:
        await queue.send(batch("one"))
        async with serving(queue, arrived.put):
            await queue.send(batch("two", "https://b.example/", "https://c.example/"))
            taken = [await arrived.get(), await arrived.get()]

    assert [one.batch for one in taken] == [
        batch("one"),
        batch("two", "https://b.example/", "https://c.example/"),
    ]
    assert [one.tries for one in taken] == [1, 1]


async def test_one_that_is_done_is_gone_and_one_in_hand_is_held(opened, until):
    go_on = asyncio.Event()

    async def handle(taken):
        if taken.batch.id == "slow":
            await go_on.wait()

    async with opened() as queue:
        assert await queue.backlog() == Backlog()
        await queue.send(batch("slow"))
        await queue.send(batch("quick"))
        assert await queue.backlog() == Backlog(waiting=2)
        async with serving(queue, handle):
            await until(lambda: _is(queue, Backlog(held=1)))
            go_on.set()
            await until(lambda: _is(queue, Backlog()))


async def test_nothing_is_taken_without_room(opened, until):
    room, arrived = asyncio.Semaphore(2), []

    async def handle(taken):
        arrived.append(taken.batch.id)

    async with opened() as queue:
        for number in range(5):
            await queue.send(batch(f"{number}"))
        async with serving(queue, handle, room=room.acquire):
            await until(lambda: len(arrived) == 2)
            assert (await queue.backlog()).waiting == 3
            room.release()
            await until(lambda: len(arrived) == 3)


async def test_a_batch_that_fails_is_handed_out_again_and_then_set_aside(opened, until):
    tries = []

    async def handle(taken):
        tries.append(taken.tries)
        raise TransientError("no") if taken.tries == 1 else ZeroDivisionError

    async with opened(idle=0.05) as queue:
        await queue.send(batch("bad", "https://bad.example/"))
        async with serving(queue, handle):
            await until(lambda: _is(queue, Backlog(aside=1)))

        assert tries == [1, 2, 3]
        assert await queue.set_aside() == [batch("bad", "https://bad.example/")]


async def test_a_batch_that_fails_once_holds_up_no_other(opened, until):
    done = []

    async def handle(taken):
        if taken.batch.id == "bad" and taken.tries == 1:
            raise TransientError("no")
        done.append((taken.batch.id, taken.tries))

    async with opened(idle=0.05) as queue:
        await queue.send(batch("bad"))
        await queue.send(batch("good"))
        async with serving(queue, handle):
            await until(lambda: len(done) == 2)

    assert sorted(done) == [("bad", 2), ("good", 1)]


async def test_what_is_under_way_is_finished_when_serving_stops(opened):
    began, done = asyncio.Event(), []

    async def handle(taken):
        began.set()
        await SystemClock().sleep(0.005)
        done.append(taken.batch.id)

    async with opened() as queue:
        await queue.send(batch("one"))
        async with serving(queue, handle) as stop:
            await began.wait()
            stop.set()
            await queue.send(batch("late"))

        assert done == ["one"]
        assert (await queue.backlog()).waiting == 1


async def test_what_takes_too_long_is_given_back_for_others(opened, until):
    began, done = asyncio.Event(), []

    async def never(_taken):
        began.set()
        await asyncio.Event().wait()

    async def handle(taken):
        done.append(taken.tries)

    async with opened() as queue:
        await queue.send(batch("one"))
        async with serving(queue, never):
            await began.wait()

        async with serving(queue, handle):
            await until(lambda: done == [2])
            await until(lambda: _is(queue, Backlog()))


async def test_word_reaches_the_scheduler_it_is_for(opened):
    async with opened() as queue:
        await queue.tell(1, Outcome(("https://a.example/",)))
        await queue.tell(2, Outcome((), {"https://b.example/": 4.5}))
        await queue.tell(1, Outcome(("https://c.example/",)))

        assert (
            await queue.hear(1)
            == [
                Outcome(("https://a.example/",)),
                Outcome(("https://c.example/",)),
            ]
            or await queue.hear(1) == ()
        )
        assert list(await queue.hear(2)) == [Outcome((), {"https://b.example/": 4.5})]
        assert list(await queue.hear(2)) == []


async def test_serving_can_begin_again(opened):
    arrived = asyncio.Queue()
    async with opened() as queue:
        for name in ("one", "two"):
            await queue.send(batch(name))
            async with serving(queue, arrived.put):
                assert (await arrived.get()).batch.id == name


async def test_a_full_queue_in_memory_says_so():
    queue = LocalQueue()
    for number in range(PLACES):
        await queue.send(batch(f"{number}"))

    with pytest.raises(TransientError, match="too many batches wait"):
        await queue.send(batch("more"))


# Between processes


def stream(swarm, **more):
    return StreamQueue(swarm.link, clock=SystemClock(), **{"idle": 0.1, "grace": 0.05, **more})


async def test_each_batch_goes_to_one_of_many(join_shared, until):
    done = []
    async with join_shared() as first, join_shared() as second, join_shared() as third:
        queues = [stream(one, idle=30.0) for one in (first, second, third)]
        for number in range(60):
            await queues[0].send(batch(f"{number}"))

        async def handle(taken):
            done.append(taken.batch.id)

        async with (
            serving(queues[0], handle),
            serving(queues[1], handle),
            serving(queues[2], handle),
        ):
            await until(lambda: len(done) >= 60)
            await until(lambda: _is(queues[0], Backlog()))

    assert sorted(done, key=int) == [f"{number}" for number in range(60)]


async def test_what_a_dead_worker_held_goes_to_another(join_shared):
    done = asyncio.Queue()
    async with join_shared() as living:
        async with join_shared() as dying:
            queue = stream(dying)
            await queue.send(batch("one"))
            reading = queue.listen()
            await anext(reading)
            await reading.aclose()  # and never another word

        async with serving(stream(living), done.put):
            taken = await done.get()

    assert (taken.batch.id, taken.tries) == ("one", 2)


async def test_a_slow_worker_that_gives_signs_of_life_keeps_what_it_holds(join_shared):
    beats, taken = 0, []
    finish, began = asyncio.Event(), asyncio.Event()

    async def slow(one):
        taken.append(one.batch.id)
        began.set()
        await finish.wait()

    async def other(one):
        taken.append(one.batch.id)

    async with join_shared() as first, join_shared() as second:
        holder, rival = stream(first, grace=5.0), stream(second)
        await holder.send(batch("one"))
        async with serving(holder, slow):
            await began.wait()
            async with serving(rival, other):
                while beats < 10:
                    await SystemClock().sleep(0.05)
                    beats += 1
            finish.set()

    assert taken == ["one"]


async def test_one_that_kills_its_workers_is_set_aside_unread(join_shared, until):
    seen = []
    async with join_shared() as swarm:
        for _ in range(3):  # handed out, and nobody lived to do it
            async with join_shared() as dying:
                queue = stream(dying, idle=0.02)
                if not seen:
                    await queue.send(batch("poison"))
                reading = queue.listen()
                await anext(reading)
                await reading.aclose()
                seen.append(1)

        async def handle(taken):
            seen.append(taken)

        last = stream(swarm, idle=0.02)
        async with serving(last, handle):
            await until(lambda: _is(last, Backlog(aside=1)))

        assert seen == [1, 1, 1]
        assert [one.id for one in await last.set_aside()] == ["poison"]


async def test_a_server_that_forgets_everything_is_served_again(join_shared, server, until):
    done = asyncio.Queue()
    async with join_shared() as swarm:
        queue = stream(swarm)
        async with serving(queue, done.put):
            await queue.send(batch("before"))
            assert (await done.get()).batch.id == "before"
            server.say("FLUSHALL")
            await queue.send(batch("after"))
            assert (await done.get()).batch.id == "after"
            await until(lambda: _is(queue, Backlog()))


async def test_a_server_that_is_gone_is_waited_for(gated, server, until):
    done = asyncio.Queue()
    async with gated(server) as (swarm, gate):
        queue = stream(swarm)
        async with serving(queue, done.put):
            await queue.send(batch("before"))
            assert (await done.get()).batch.id == "before"
            await until(lambda: _is(queue, Backlog()))  # acknowledged, not to be given out again
            await gate.close()
            with pytest.raises(TransientError):
                await queue.send(batch("lost"))
            with pytest.raises(TransientError):
                await queue.hear(1)
            await gate.open()
            await until(lambda: swarm.up)
            await queue.send(batch("after"))
            assert (await done.get()).batch.id == "after"


async def test_what_is_no_batch_is_set_aside(join_shared, server, until):
    done = asyncio.Queue()
    async with join_shared() as swarm:
        queue = stream(swarm)
        await queue.send(batch("one"))
        server.say("XADD", swarm.link.key("batches"), "*", "id", "junk", "data", "{no json")
        server.say("XADD", swarm.link.key("batches"), "*", "x", "y")
        await queue.send(batch("two"))
        async with serving(queue, done.put):
            names = [(await done.get()).batch.id for _ in range(2)]
            await until(lambda: _is(queue, Backlog(aside=2)))
        assert await queue.set_aside() == []

    assert names == ["one", "two"]


async def _is(queue, backlog):
    return await queue.backlog() == backlog
