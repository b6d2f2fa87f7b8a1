import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgewatch.fetch.eviction import LeastFrequent, LeastRecent
from tgewatch.fetch.memory import ENTRY_BYTES, Memory
from tgewatch.fetch.sizes import bytes_of
from tgewatch.testing import ManualClock


class Notes:
    """A journal that remembers."""

    def __init__(self):
        self.lines = []

    def put(self, key, entry):
        self.lines.append(("put", key, entry.value))

    def drop(self, key):
        self.lines.append(("drop", key))

    def wipe(self, prefix):
        self.lines.append(("wipe", prefix))


def memory(clock, *, budget=100_000, order=None, journal=None):
    return Memory(
        "rss",
        budget=budget,
        eviction=order or LeastFrequent(budget),
        monotonic=clock.monotonic,
        journal=journal,
    )


def put(shelf, key, value="value", *, ttl=10.0, grace=0.0, **how):
    return shelf.put(key, shelf.make(key, value, ttl=ttl, grace=grace, **how))


def test_gives_what_is_fresh_and_nothing_older():
    clock = ManualClock()
    shelf = memory(clock)
    put(shelf, "a", ttl=10)

    clock.advance(9.99)
    assert shelf.get("a") == "value"
    clock.advance(0.01)
    assert shelf.get("a") is None
    assert shelf.get("a", "nothing") == "nothing"


def test_a_value_may_be_none():
    shelf = memory(ManualClock())
    put(shelf, "a", None)

    assert shelf.get("a", "nothing") is None


def test_shows_what_is_stale_to_those_who_can_use_it():
    clock = ManualClock()
    shelf = memory(clock)
    put(shelf, "a", ttl=10, grace=5)
    clock.advance(12)

    assert shelf.get("a") is None
    entry, fresh = shelf.look("a")
    assert (entry.value, fresh) == ("value", False)
    assert shelf.peek("a") is None
    assert shelf.peek("a", stale=True).value == "value"
    clock.advance(3)
    assert shelf.look("a") == (None, False)


def test_the_bytes_are_those_of_key_value_and_bookkeeping():
    shelf = memory(ManualClock())
    put(shelf, "key", b"x" * 1_000)

    assert shelf.used == bytes_of("key") + bytes_of(b"x" * 1_000) + ENTRY_BYTES


def test_bytes_return_when_a_key_is_replaced_or_forgotten():
    shelf = memory(ManualClock())
    put(shelf, "a", b"x" * 5_000)
    put(shelf, "a", b"x")
    small = shelf.used

    assert small < 1_000
    assert shelf.remove("a")
    assert shelf.used == 0
    assert not shelf.remove("a")


def test_what_is_larger_than_the_budget_is_not_kept_nor_what_was_there():
    shelf = memory(ManualClock(), budget=10_000)
    put(shelf, "a", "old")

    assert not put(shelf, "a", b"x" * 20_000)
    assert shelf.get("a") is None
    assert shelf.stats().evictions == 1


def test_expired_entries_make_room_before_anybody_is_evicted():
    clock = ManualClock()
    shelf = memory(clock, budget=20_000, order=LeastRecent())
    put(shelf, "short", b"x" * 9_000, ttl=5)
    put(shelf, "long", b"x" * 9_000, ttl=500)
    clock.advance(6)

    assert put(shelf, "new", b"x" * 9_000, ttl=500)
    assert shelf.get("long") is not None
    assert shelf.stats().evictions == 0
    assert shelf.stats().expirations == 1


def test_expire_returns_memory():
    clock = ManualClock()
    shelf = memory(clock)
    for n in range(50):
        put(shelf, f"key {n}", ttl=n + 1)
    clock.advance(20)

    assert shelf.expire() == 20
    assert len(shelf) == 30


def test_a_key_that_is_set_for_ever_leaves_no_trail():
    shelf = memory(ManualClock())

    for n in range(5_000):
        put(shelf, "same", n)

    assert len(shelf._expiries) < 200


def test_keys_are_found_and_forgotten_by_prefix():
    shelf = memory(ManualClock())
    for key in ("user:1", "user:2", "post:1"):
        put(shelf, key)

    assert sorted(shelf.keys("user:")) == ["user:1", "user:2"]
    assert shelf.wipe("user:") == 2
    assert shelf.keys() == ["post:1"]


def test_the_journal_hears_of_every_change_in_order():
    notes = Notes()
    shelf = memory(ManualClock(), journal=notes)

    put(shelf, "a", 1)
    put(shelf, "a", 2)
    put(shelf, "b", "gone", refusal=True)
    shelf.remove("a")
    shelf.wipe("x")

    assert notes.lines == [
        ("put", "a", 1),
        ("put", "a", 2),
        ("drop", "b"),
        ("drop", "a"),
        ("wipe", "x"),
    ]


def test_counts_what_happens():
    clock = ManualClock()
    shelf = memory(clock)
    put(shelf, "a")
    put(shelf, "no", "gone", refusal=True)
    clock.advance(2)
    put(shelf, "b")

    shelf.get("a")
    shelf.get("no")
    shelf.get("absent")
    stats = shelf.stats()

    assert (stats.hits, stats.negative_hits, stats.misses) == (1, 1, 1)
    assert stats.hit_rate == pytest.approx(2 / 3)
    assert (stats.entries, stats.age_oldest, stats.age_median) == (3, 2.0, 2.0)
    assert stats.bytes == shelf.used


@given(
    budget=st.integers(1_000, 30_000),
    lru=st.booleans(),
    steps=st.lists(
        st.tuples(st.integers(0, 20), st.integers(0, 6_000), st.floats(0, 5)), max_size=100
    ),
)
def test_the_budget_and_the_books_hold_whatever_comes(budget, lru, steps):
    clock = ManualClock()
    shelf = memory(clock, budget=budget, order=LeastRecent() if lru else LeastFrequent(budget))

    for number, size, pause in steps:
        put(shelf, f"key {number}", b"x" * size, ttl=4, grace=number % 3)
        shelf.get(f"key {(number * 7) % 20}")
        clock.advance(pause)
        assert shelf.used <= budget
        assert shelf.used == sum(entry.cost for _, entry in shelf.items())


def test_threads_agree_on_the_counts():
    shelf = memory(ManualClock())
    put(shelf, "a", ttl=1e9)

    def read():
        for _ in range(2_000):
            shelf.get("a")

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert shelf.stats().hits == 16_000
