"""Heavy work away from the loop. What runs elsewhere must be importable there: hence `eval`."""

import asyncio
import functools
import os
import time

import pytest

from tgewatch.engine.offload import Offload
from tgewatch.errors import MalformedError, TransientError
from tgewatch.parse.feed import parse_feed
from tgewatch.testing.offload import InlineOffload

FEED = b"<rss><channel><item><title>t</title></item></channel></rss>"
PID = "__import__('os').getpid()"
NAP = "__import__('time').sleep({})"
parse = functools.partial(parse_feed, url="https://feed.example/")


def using(work, **options):
    async def run():
        async with Offload(**options) as offload:
            return await work(offload)

    return asyncio.run(run())


@pytest.mark.parametrize("kind", ["fake", "thread", "process"])
def test_results_and_errors_come_back_as_they_are(kind):
    async def work(offload):
        feed = await offload.run(parse, FEED, deadline=30)
        with pytest.raises(MalformedError, match="empty") as caught:
            await offload.run(parse, b"", deadline=30)
        return feed, caught.value.cause

    if kind == "fake":
        feed, cause = asyncio.run(work(InlineOffload()))
    else:
        feed, cause = using(work, heavy_bytes=10**9 if kind == "thread" else 0)

    assert [entry.title for entry in feed.entries] == ["t"]
    assert cause == "not_a_feed"


def test_small_work_stays_in_this_process_and_large_work_leaves_it():
    async def work(offload):
        small = await offload.run(eval, PID)
        large = await offload.run(eval, PID + " " * 1_000, deadline=30)
        hidden = await offload.run(functools.partial(eval, PID + " " * 1_000), deadline=30)
        return small, large, hidden

    small, large, hidden = using(work, heavy_bytes=1_000)

    assert small == os.getpid()
    assert large == hidden != os.getpid()


def test_work_that_overruns_its_deadline_in_the_process_is_killed_and_the_next_goes_on():
    async def work(offload):
        before = await offload.run(eval, PID, deadline=30)
        begun = time.perf_counter()
        with pytest.raises(MalformedError) as caught:
            await offload.run(eval, NAP.format(60), deadline=0.05)
        took = time.perf_counter() - begun
        return before, caught.value.cause, took, await offload.run(eval, PID, deadline=30)

    before, cause, took, after = using(work, heavy_bytes=0)

    assert cause == "parse_timeout"
    assert took < 5
    assert after != before


def test_work_that_overruns_its_deadline_in_a_thread_is_given_up_and_keeps_its_place():
    async def work(offload):
        causes = []
        for deadline in (0.01, 30):
            with pytest.raises((MalformedError, TransientError)) as caught:
                await offload.run(eval, NAP.format(0.3), deadline=deadline)
            causes.append(caught.value.cause)
        return causes

    assert using(work, threads=1, patience=0.05) == ["parse_timeout", "busy"]


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        ("bytes(10**9)", "parse_memory"),
        ("__import__('os').kill(__import__('os').getpid(), 9)", "parse_crash"),
        ("1 / 0", "parse_crash"),
        ("lambda: 0", "parse_crash"),
    ],
)
def test_what_kills_the_process_is_malformed_and_harms_nobody_else(code, cause):
    async def work(offload):
        with pytest.raises(MalformedError) as caught:
            await offload.run(eval, code, deadline=30)
        assert await offload.run(eval, "6 * 7", deadline=30) == 42
        return caught.value.cause

    assert using(work, heavy_bytes=0) == cause


def test_what_the_work_prints_does_not_get_into_its_result():
    async def work(offload):
        return await offload.run(eval, "print('noise') or 1", deadline=30)

    assert using(work, heavy_bytes=0) == 1


def test_the_process_is_kept_between_jobs_and_replaced_after_some():
    async def work(offload):
        return [await offload.run(eval, PID, deadline=30) for _ in range(4)]

    pids = using(work, heavy_bytes=0, jobs=2)

    assert pids[0] == pids[1] != pids[2] == pids[3]


def test_an_idle_process_is_let_go():
    async def work(offload):
        pid = await offload.run(eval, PID, deadline=30)
        async with asyncio.timeout(10):
            while offload.has_process:
                await offload.run(len, "")
        return pid, await offload.run(eval, PID, deadline=30)

    before, after = using(work, heavy_bytes=1, idle=0.01)

    assert before != after


def test_a_cancelled_caller_leaves_no_half_read_result_behind():
    async def work(offload):
        await offload.run(eval, "0", deadline=30)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await offload.run(eval, NAP.format(60), deadline=30)
        return await offload.run(eval, "'next'", deadline=30)

    assert using(work, heavy_bytes=0) == "next"


def test_no_process_outlives_its_owner():
    async def work(offload):
        return await offload.run(eval, PID, deadline=30)

    pid = using(work, heavy_bytes=0)

    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_no_more_wait_than_the_queue_holds():
    async def work(offload):
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(attempt(offload.run(eval, NAP.format(0.05)))) for _ in range(6)
            ]
        return [task.result() for task in tasks]

    async def attempt(job):
        try:
            await job
        except TransientError as error:
            return error.cause
        return "done"

    results = using(work, threads=1, queue=2)

    assert results.count("done") == 3
    assert results.count("busy") == 3
