"""Coroutines for callers without a loop, or with one that must not be disturbed."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

import pytest

from tgewatch.dropin.bridge import Bridge
from tgewatch.errors import TransientError


@pytest.fixture
def bridge():
    bridge = Bridge()
    yield bridge
    bridge.close()


async def answer():
    await asyncio.sleep(0)  # noqa: TID251 - any wait
    return 42


async def forever():
    await asyncio.Event().wait()


def test_starts_nothing_before_the_first_call():
    before = threading.active_count()

    bridge = Bridge()
    bridge.close()

    assert threading.active_count() == before


def test_returns_and_raises_what_the_coroutine_does(bridge):
    async def fail():
        raise ValueError("no")

    assert bridge.run(answer()) == 42
    with pytest.raises(ValueError, match="no"):
        bridge.run(fail())


def test_serves_many_threads_at_once(bridge):
    meeting = threading.Barrier(8)
    found = []

    async def meet():
        await asyncio.to_thread(meeting.wait, 10)  # passes only if all eight are in here together
        return 1

    threads = [threading.Thread(target=lambda: found.append(bridge.run(meet()))) for _ in range(8)]
    bridge.run(asyncio.sleep(0))  # noqa: TID251 - to have the loop
    # The loop's own executor may have fewer threads than callers.
    bridge._loop.set_default_executor(ThreadPoolExecutor(8))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(15)

    assert found == [1] * 8


def test_works_from_inside_a_running_loop(bridge):
    async def main():
        return bridge.run(answer())

    assert asyncio.run(main()) == 42


def test_refuses_to_wait_for_itself(bridge):
    async def inside():
        return bridge.run(answer())

    with pytest.raises(RuntimeError, match="itself"):
        bridge.run(inside())


def test_who_stops_waiting_cancels_the_work(bridge):
    cancelled = threading.Event()

    async def work():
        try:
            await forever()
        finally:
            cancelled.set()

    with pytest.raises(TimeoutError):
        bridge.run(work(), timeout=0.05)
    assert cancelled.wait(5)


def test_a_context_is_held_by_one_task_until_it_is_released(bridge):
    tasks = []

    @asynccontextmanager
    async def context():
        tasks.append(asyncio.current_task())
        yield "value"
        tasks.append(asyncio.current_task())

    held = bridge.hold(context)
    assert held.value == "value"
    assert len(tasks) == 1

    held.release()
    held.release()
    assert tasks[0] is tasks[1]


def test_what_entering_raises_reaches_the_caller_and_holds_nothing(bridge):
    @asynccontextmanager
    async def context():
        raise KeyError("door")
        yield

    with pytest.raises(KeyError, match="door"):
        bridge.hold(context)
    assert "0 held" in repr(bridge)


def test_closing_cancels_what_runs_and_leaves_contexts_in_reverse(bridge):
    left = []

    def context(name):
        @asynccontextmanager
        async def opening():
            yield name
            left.append(name)

        return opening

    bridge.hold(context("first"))
    bridge.hold(context("second"))
    ended = []

    def call():
        try:
            bridge.run(forever())
        except TransientError as error:
            ended.append(error.cause)

    thread = threading.Thread(target=call)
    thread.start()
    deadline = time.monotonic() + 10
    while not bridge._running and time.monotonic() < deadline:
        thread.join(0.005)
    bridge.close()
    thread.join(10)

    assert left == ["second", "first"]
    assert ended == ["closed"]


def test_nothing_is_taken_after_the_close(bridge):
    bridge.close()

    with pytest.raises(TransientError, match="closed"):
        bridge.run(answer())


def test_leaving_that_fails_does_not_keep_the_others_open(bridge, caplog):
    left = []

    @asynccontextmanager
    async def good():
        yield
        left.append("good")

    @asynccontextmanager
    async def bad():
        yield
        raise ValueError("stuck")

    bridge.hold(good)
    bridge.hold(bad)
    bridge.close()

    assert left == ["good"]
    assert "drop_in_not_closed_well" in caplog.text
