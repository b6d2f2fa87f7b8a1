import asyncio
import gc
import threading
import weakref
from contextlib import suppress

import pytest

from tgewatch.errors import TransientError
from tgewatch.fetch.flight import ABSENT, Flights


class Store:
    """Where flights land."""

    def __init__(self):
        self.values = {}

    def peek(self, key="a"):
        return lambda: self.values.get(key, ABSENT)

    def land(self, key="a"):
        def prepare(value):
            return lambda: self.values.__setitem__(key, value)

        return prepare


class Fetch:
    """A fetch that the test lets go."""

    def __init__(self, result="value"):
        self.result = result
        self.started = 0
        self.cancelled = 0
        self.go = asyncio.Event()

    async def __call__(self):
        self.started += 1
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if isinstance(self.result, BaseException):
            raise self.result
        return self.result


async def turns(count=10):
    """Let other tasks run."""
    loop = asyncio.get_running_loop()
    for _ in range(count):
        turn = loop.create_future()
        loop.call_soon(turn.set_result, None)
        await turn


def flights(deadline=30.0):
    return Flights(deadline=deadline)


def test_one_fetch_runs_however_many_ask():
    async def scenario():
        store, shared, fetch = Store(), flights(), Fetch()
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(shared.join("a", fetch, peek=store.peek(), land=store.land()))
                for _ in range(1_000)
            ]
            await turns()
            fetch.go.set()
        return fetch.started, [task.result() for task in tasks], store.values, len(shared)

    started, results, values, left = asyncio.run(scenario())

    assert started == 1
    assert {value for value, _ in results} == {"value"}
    assert [another for _, another in results].count(False) == 1
    assert values == {"a": "value"}
    assert left == 0


def test_different_keys_do_not_wait_for_each_other():
    async def scenario():
        store, shared, slow = Store(), flights(), Fetch()
        quick = Fetch("quick")
        quick.go.set()
        async with asyncio.TaskGroup() as group:
            group.create_task(shared.join("a", slow, peek=store.peek(), land=store.land()))
            await turns()
            value, _ = await shared.join("b", quick, peek=store.peek("b"), land=store.land("b"))
            slow.go.set()
        return value

    assert asyncio.run(scenario()) == "quick"


def test_exceptions_are_shared_and_nothing_lands():
    async def scenario():
        store, shared, fetch = Store(), flights(), Fetch(TransientError("down"))
        tasks = [
            asyncio.ensure_future(shared.join("a", fetch, peek=store.peek(), land=store.land()))
            for _ in range(20)
        ]
        await turns()
        fetch.go.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        return fetch.started, results, store.values, len(shared)

    started, results, values, left = asyncio.run(scenario())

    assert started == 1
    assert all(isinstance(result, TransientError) for result in results)
    assert (values, left) == ({}, 0)


def test_a_failed_fetch_is_tried_again_by_the_next_who_asks():
    async def scenario():
        store, shared = Store(), flights()
        bad, good = Fetch(TransientError("down")), Fetch()
        bad.go.set()
        good.go.set()
        with pytest.raises(TransientError):
            await shared.join("a", bad, peek=store.peek(), land=store.land())
        return await shared.join("a", good, peek=store.peek(), land=store.land())

    assert asyncio.run(scenario()) == ("value", False)


@pytest.mark.parametrize("leaving", ["first", "second", "third"])
def test_cancelling_one_waiter_leaves_the_others_alone(leaving):
    async def scenario():
        store, shared, fetch = Store(), flights(), Fetch()
        tasks = {}
        for name in ("first", "second", "third"):
            tasks[name] = asyncio.ensure_future(
                shared.join("a", fetch, peek=store.peek(), land=store.land())
            )
            await turns()
        tasks.pop(leaving).cancel()
        await turns()
        fetch.go.set()
        return fetch, await asyncio.gather(*tasks.values())

    fetch, results = asyncio.run(scenario())

    assert (fetch.started, fetch.cancelled) == (1, 0)
    assert [value for value, _ in results] == ["value", "value"]


def test_the_last_waiter_to_leave_cancels_the_fetch_and_sees_it_end():
    async def scenario():
        store, shared, fetch = Store(), flights(), Fetch()
        tasks = [
            asyncio.ensure_future(shared.join("a", fetch, peek=store.peek(), land=store.land()))
            for _ in range(3)
        ]
        await turns()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return fetch, len(shared)

    fetch, left = asyncio.run(scenario())

    assert fetch.cancelled == 1
    assert left == 0


def test_who_asks_after_a_cancelled_fetch_gets_one_of_its_own():
    async def scenario():
        store, shared, first, second = Store(), flights(), Fetch(), Fetch("second")
        task = asyncio.ensure_future(shared.join("a", first, peek=store.peek(), land=store.land()))
        await turns()
        task.cancel()
        await asyncio.wait({task})
        second.go.set()
        return await shared.join("a", second, peek=store.peek(), land=store.land())

    assert asyncio.run(scenario()) == ("second", False)


def test_a_fetch_cancelled_before_its_first_step_strands_nobody():
    async def scenario():
        store, shared, fetch = Store(), flights(), Fetch()
        task = asyncio.ensure_future(shared.join("a", fetch, peek=store.peek(), land=store.land()))
        await turns(1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return len(shared)

    assert asyncio.run(scenario()) == 0


def test_a_fetch_that_cancels_itself_cancels_its_caller():
    async def scenario():
        store, shared, fetch = Store(), flights(), Fetch(asyncio.CancelledError())
        fetch.go.set()
        await shared.join("a", fetch, peek=store.peek(), land=store.land())

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(scenario())


def test_what_was_overtaken_reaches_who_waits_but_does_not_land():
    async def scenario():
        store, shared, fetch = Store(), flights(), Fetch("old")
        task = asyncio.ensure_future(shared.join("a", fetch, peek=store.peek(), land=store.land()))
        await turns()
        shared.overtake("a")
        newer = Fetch("new")
        newer.go.set()
        later = await shared.join("a", newer, peek=store.peek(), land=store.land())
        fetch.go.set()
        return await task, later, store.values

    assert asyncio.run(scenario()) == (("old", False), ("new", False), {"a": "new"})


def test_overtaking_by_prefix_leaves_other_keys_flying():
    async def scenario():
        store, shared, one, two = Store(), flights(), Fetch(1), Fetch(2)
        tasks = [
            asyncio.ensure_future(
                shared.join(key, fetch, peek=store.peek(key), land=store.land(key))
            )
            for key, fetch in (("user:1", one), ("post:1", two))
        ]
        await turns()
        shared.overtake_prefix("user:")
        one.go.set()
        two.go.set()
        await asyncio.gather(*tasks)
        return store.values

    assert asyncio.run(scenario()) == {"post:1": 2}


def test_a_fetch_may_ask_for_its_own_key():
    async def scenario():
        store, shared = Store(), flights()

        async def inner():
            return "inner"

        async def outer():
            value, _ = await shared.join("a", inner, peek=store.peek(), land=store.land())
            return f"outer of {value}"

        return await shared.join("a", outer, peek=store.peek(), land=store.land())

    assert asyncio.run(scenario()) == ("outer of inner", False)


def test_nobody_waits_beyond_the_deadline():
    async def scenario():
        store, shared, fetch = Store(), flights(deadline=0.01), Fetch()
        with pytest.raises(TransientError) as caught:
            await shared.join("a", fetch, peek=store.peek(), land=store.land())
        return caught.value.cause, fetch.cancelled, len(shared)

    assert asyncio.run(scenario()) == ("flight_timeout", 1, 0)


def test_a_timeout_of_the_fetch_itself_is_passed_on():
    async def scenario():
        store, shared, fetch = Store(), flights(), Fetch(TimeoutError("its own"))
        fetch.go.set()
        await shared.join("a", fetch, peek=store.peek(), land=store.land())

    with pytest.raises(TimeoutError, match="its own"):
        asyncio.run(scenario())


def test_nothing_of_a_failed_fetch_is_left_to_the_collector_of_garbage():
    class Held:
        """Stands in the frames that the error has come through."""

    async def fetch():
        held = Held()
        gone.append(weakref.ref(held))
        raise TransientError("down")

    async def scenario():
        store, shared = Store(), flights()
        with suppress(TransientError):
            await shared.join("a", fetch, peek=store.peek(), land=store.land())

    gone = []
    gc.disable()
    try:
        asyncio.run(scenario())
        assert gone[0]() is None
    finally:
        gc.enable()


def test_a_refresh_goes_on_without_waiters_and_ends_with_its_owner():
    async def scenario():
        store, shared, fetch, endless = Store(), flights(), Fetch(), Fetch()
        first = shared.refresh("a", fetch, land=store.land())
        again = shared.refresh("a", fetch, land=store.land())
        shared.refresh("b", endless, land=store.land("b"))
        await turns()
        fetch.go.set()
        await turns()
        await shared.cancel()
        return first, again, fetch.started, store.values, endless.cancelled

    assert asyncio.run(scenario()) == (True, False, 1, {"a": "value"}, 1)


def run_threads(*bodies):
    results = [None] * len(bodies)

    def run(number, body):
        try:
            results[number] = body()
        except Exception as error:  # noqa: BLE001 - shown to the test
            results[number] = error

    threads = [threading.Thread(target=run, args=item) for item in enumerate(bodies)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert not any(thread.is_alive() for thread in threads)
    return results


def waiting(shared, count, key="a"):
    """Return once so many wait."""
    while True:
        with shared._lock:
            flight = shared._flying.get(key)
            if flight is not None and flight.waiters >= count:
                return
        threading.Event().wait(0.001)


def test_threads_share_a_fetch():
    store, shared, calls = Store(), flights(), []

    def fetch():
        calls.append(1)
        waiting(shared, 16)
        return "value"

    results = run_threads(
        *[lambda: shared.join_blocking("a", fetch, peek=store.peek(), land=store.land())] * 16
    )

    assert len(calls) == 1
    assert {value for value, _ in results} == {"value"}


def test_threads_share_exceptions():
    store, shared, calls = Store(), flights(), []

    def fetch():
        calls.append(1)
        waiting(shared, 4)
        raise TransientError("down")

    results = run_threads(
        *[lambda: shared.join_blocking("a", fetch, peek=store.peek(), land=store.land())] * 4
    )

    assert len(calls) == 1
    assert all(isinstance(result, TransientError) for result in results)


def test_tasks_and_threads_share_a_fetch_both_ways():
    store, shared, calls = Store(), flights(), []

    def blocking(key):
        def fetch():
            calls.append(key)
            waiting(shared, 2, key)
            return "by a thread"

        return shared.join_blocking(key, fetch, peek=store.peek(key), land=store.land(key))

    def task(key):
        async def fetch():
            calls.append(key)
            await asyncio.to_thread(waiting, shared, 2, key)
            return "by a task"

        return asyncio.run(shared.join(key, fetch, peek=store.peek(key), land=store.land(key)))

    results = run_threads(
        *[lambda: blocking("a"), lambda: task("a"), lambda: task("b"), lambda: blocking("b")]
    )

    assert sorted(calls) == ["a", "b"]
    assert results[0][0] == results[1][0]
    assert results[2][0] == results[3][0]


def test_a_loop_that_ends_hands_its_fetch_to_who_still_waits():
    store, shared, calls = Store(), flights(), []

    def leaving():
        async def fetch():
            calls.append("leaving")
            await asyncio.to_thread(waiting, shared, 2)
            raise asyncio.CancelledError  # as when its loop is torn down

        async def scenario():
            await shared.join("a", fetch, peek=store.peek(), land=store.land())

        try:
            asyncio.run(scenario())
        except asyncio.CancelledError:
            return "cancelled"

    def staying():
        waiting(shared, 1)

        def fetch():
            calls.append("staying")
            return "value"

        return shared.join_blocking("a", fetch, peek=store.peek(), land=store.land())

    results = run_threads(leaving, staying)

    assert results == ["cancelled", ("value", False)]
    assert calls == ["leaving", "staying"]


def test_a_blocking_call_inside_the_loop_that_fetches_does_not_stop_it():
    async def scenario():
        store, shared, fetch = Store(), flights(), Fetch()
        task = asyncio.ensure_future(shared.join("a", fetch, peek=store.peek(), land=store.land()))
        await turns()
        direct = shared.join_blocking("a", lambda: "direct", peek=store.peek(), land=store.land())
        fetch.go.set()
        return direct, await task

    assert asyncio.run(scenario()) == (("direct", False), ("value", False))


def test_a_thread_waits_no_longer_than_the_deadline_and_then_lets_go():
    store, shared, go = Store(), flights(deadline=0.05), threading.Event()

    def leading():
        def fetch():
            go.wait(20)
            return "late"

        return shared.join_blocking("a", fetch, peek=store.peek(), land=store.land())

    def waits():
        waiting(shared, 1)
        try:
            return shared.join_blocking("a", leading, peek=store.peek(), land=store.land())
        finally:
            go.set()

    led, waited = run_threads(leading, waits)

    assert led == ("late", False)
    assert isinstance(waited, TransientError)
    assert store.values == {}  # it was given up, so it must not land


def test_the_last_waiter_on_another_thread_cancels_the_fetch_too():
    store, shared = Store(), flights(deadline=0.3)
    cancelled = threading.Event()

    async def fetch():
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    def leading():
        async def scenario():
            task = asyncio.ensure_future(
                shared.join("a", fetch, peek=store.peek(), land=store.land())
            )
            await asyncio.to_thread(waiting, shared, 2)
            task.cancel()
            await asyncio.wait({task})
            assert not cancelled.is_set()
            await asyncio.to_thread(cancelled.wait, 20)

        asyncio.run(scenario())

    def staying():
        waiting(shared, 1)
        return shared.join_blocking("a", lambda: "x", peek=store.peek(), land=store.land())

    _, waited = run_threads(leading, staying)

    assert isinstance(waited, TransientError)
    assert cancelled.is_set()


def test_a_value_that_came_in_meanwhile_spares_the_fetch():
    store, shared = Store(), flights()
    store.values["a"] = "here already"

    found = shared.join_blocking("a", lambda: 1 / 0, peek=store.peek(), land=store.land())

    assert found == ("here already", True)


def test_a_thread_that_is_interrupted_hands_over():
    store, shared, calls = Store(), flights(), []

    def interrupted():
        def fetch():
            waiting(shared, 2)
            raise KeyboardInterrupt

        try:
            shared.join_blocking("a", fetch, peek=store.peek(), land=store.land())
        except KeyboardInterrupt:
            return "interrupted"

    def staying():
        waiting(shared, 1)
        return shared.join_blocking(
            "a", lambda: calls.append(1) or "value", peek=store.peek(), land=store.land()
        )

    assert run_threads(interrupted, staying) == ["interrupted", ("value", False)]


def test_a_blocking_refresh_stands_back_when_one_is_under_way():
    async def scenario():
        store, shared, fetch = Store(), flights(), Fetch()
        shared.refresh("a", fetch, land=store.land())
        again = shared.refresh_blocking("a", lambda: "x", land=store.land())
        await shared.cancel()
        return again, store.values

    assert asyncio.run(scenario()) == (False, {})
