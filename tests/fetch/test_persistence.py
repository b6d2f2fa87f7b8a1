import logging
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from datetime import datetime, tzinfo

import pytest

from tgewatch.clock import SystemClock
from tgewatch.fetch.cache import Cache
from tgewatch.fetch.codec import Codec
from tgewatch.fetch.memory import Entry
from tgewatch.fetch.persistence import Persistence
from tgewatch.settings.caching import Tier
from tgewatch.testing import ManualClock

TIERS = {
    "article_content": Tier(ttl=1_000, persist=True, stale_if_error=500),
    "rss": Tier(ttl=1_000),
}
KEPT = {"tier": "article_content"}


def make(path, clock=None, *, tiers=TIERS, **how):
    clock = clock or ManualClock()
    keeper = Persistence(path, clock=clock, codec=Codec(), **({"flush": 0.01} | how))
    return Cache(tiers, clock=clock, persistence=keeper)


class NoZone(tzinfo):
    """A zone of somebody else's that is broken."""

    def utcoffset(self, _):
        raise RuntimeError("no such zone")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state" / "cache.db"


def rows(path):
    with closing(sqlite3.connect(path)) as file:
        return {
            key.decode(): value
            for key, value in file.execute("SELECT key, length(value) FROM entries")
        }


def test_what_is_worth_keeping_survives_a_restart(path):
    with make(path) as cache:
        cache.set("a", {"title": "T", "body": b"\x00\xff"}, **KEPT)
        cache.set("b", "feed", tier="rss")

    with make(path) as cache:
        assert cache.get("a", **KEPT) == {"title": "T", "body": b"\x00\xff"}
        assert cache.get("b", tier="rss") is None
        assert cache.file_stats().loaded == 1


def test_entries_keep_their_age(path):
    clock = ManualClock()
    with make(path, clock) as cache:
        cache.set("a", 1, **KEPT)
    clock.advance(600)

    with make(path, clock) as cache:
        assert cache.kept("a", **KEPT).age == pytest.approx(600)
        clock.advance(399)
        assert cache.get("a", **KEPT) == 1
        clock.advance(2)
        assert cache.get("a", **KEPT) is None
        assert cache.kept("a", **KEPT).value == 1


def test_strange_keys_and_values_cost_their_own_place_in_the_file_and_no_other(path):
    with make(path) as cache:
        assert not cache.set(("a", 1), 1, **KEPT)
        assert not cache.invalidate(("a", 1), **KEPT)
        cache.set("strange", datetime(2026, 1, 1, tzinfo=NoZone()), **KEPT)
        assert cache.flush()
        cache.set("plain", 2, **KEPT)
        assert cache.flush()
        assert cache.stats()["article_content"].errors == 2

    assert set(rows(path)) == {"plain"}


def test_what_is_past_keeping_is_not_read(path):
    clock = ManualClock()
    with make(path, clock) as cache:
        cache.set("a", 1, **KEPT)
    clock.advance(1_501)

    with make(path, clock) as cache:
        assert cache.kept("a", **KEPT) is None


def test_after_the_clock_was_set_back_nothing_counts_as_fresh(path):
    with make(path, ManualClock(2_000_000.0)) as cache:
        cache.set("a", 1, **KEPT)

    with make(path, ManualClock(1_000_000.0)) as cache:
        assert cache.get("a", **KEPT) is None
        assert cache.kept("a", **KEPT).value == 1


@pytest.mark.parametrize("forget", ["invalidate", "prefix", "clear", "refused", "unsayable"])
def test_what_was_forgotten_does_not_come_back(path, forget):
    with make(path) as cache:
        cache.set("user:1", 1, **KEPT)
        assert cache.flush()
        if forget == "invalidate":
            cache.invalidate("user:1", **KEPT)
        elif forget == "prefix":
            cache.invalidate_prefix("user:", **KEPT)
        elif forget == "clear":
            cache.clear()
        elif forget == "refused":
            cache.set("user:1", 1, **KEPT, ttl=-10_000)
        else:
            cache.set("user:1", object(), **KEPT)

    with make(path) as cache:
        assert cache.keys(**KEPT) == []


def test_what_memory_has_evicted_can_still_be_forgotten(path):
    tiers = {"article_content": Tier(ttl=1_000, persist=True, max_bytes=5_000)}
    with make(path, tiers=tiers) as cache:
        for n in range(20):
            cache.set(f"user:{n}", b"x" * 1_000, **KEPT)
        cache.set("post:1", 1, **KEPT)
        cache.flush()
        assert len(rows(path)) == 21
        cache.invalidate_prefix("user:", **KEPT)

    assert list(rows(path)) == ["post:1"]


def test_a_wipe_does_not_reach_what_comes_after_it(path):
    with make(path, flush=5.0) as cache:
        cache.set("a", "before", **KEPT)
        cache.clear()
        cache.set("a", "after", **KEPT)

    with make(path) as cache:
        assert cache.get("a", **KEPT) == "after"


def test_only_what_fits_the_tier_is_read_newest_first(path):
    clock = ManualClock()
    with make(path, clock) as cache:
        for n in range(20):
            cache.set(f"key {n}", b"x" * 1_000, **KEPT)
            clock.advance(1)
    small = {"article_content": Tier(ttl=1_000, persist=True, max_bytes=8_000)}

    with make(path, clock, tiers=small) as cache:
        kept = cache.keys(**KEPT)
        assert 3 <= len(kept) <= 5
        assert "key 19" in kept
        assert cache.stats()["article_content"].bytes <= 8_000


def test_strange_keys_come_back(path):
    strange = ["", "\x00", "a\x00b", "\ud800", "é" * 1_000, "%_", "'; DROP TABLE entries; --"]
    with make(path) as cache:
        for key in strange:
            cache.set(key, key.encode(errors="replace"), **KEPT)

    with make(path) as cache:
        assert sorted(cache.keys(**KEPT)) == sorted(strange)


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b"this is no database" * 1_000),
        lambda path: path.write_bytes(path.read_bytes()[:5_000]),
        lambda path: path.write_bytes(
            (data := path.read_bytes())[:4_096] + bytes(8_192) + data[12_288:]
        ),
    ],
    ids=["foreign", "truncated", "zeroed"],
)
def test_a_damaged_file_is_set_aside_with_one_warning_and_begun_anew(path, damage, caplog):
    with make(path) as cache:
        for n in range(50):
            cache.set(f"key {n}", b"x" * 1_000, **KEPT)
    damage(path)

    with caplog.at_level(logging.WARNING), make(path) as cache:
        cache.set("new", 1, **KEPT)
    assert [record.message for record in caplog.records] == ["cache_file_corrupt"]
    assert path.with_name("cache.db.corrupt").exists()

    with make(path) as cache:
        assert cache.get("new", **KEPT) == 1


def test_a_file_that_is_damaged_while_in_use_is_replaced_too(path, caplog):
    with caplog.at_level(logging.WARNING), make(path) as cache:
        cache.set("a", 1, **KEPT)
        assert cache.flush()
        keeper = cache._persistence
        keeper.close()
        for side in ("", "-wal", "-shm"):
            path.with_name(path.name + side).unlink(missing_ok=True)
        path.write_bytes(b"garbage" * 10_000)
        keeper.open()
        cache.set("b", 2, **KEPT)
        assert cache.flush()

    assert list(rows(path)) == ["b"]
    assert cache.file_stats().set_aside == 1


def test_a_file_of_another_version_is_begun_anew(path):
    with make(path) as cache:
        cache.set("a", 1, **KEPT)
    with closing(sqlite3.connect(path)) as file:
        file.execute("PRAGMA user_version = 99")

    with make(path) as cache:
        assert cache.keys(**KEPT) == []
        cache.set("b", 1, **KEPT)
        assert cache.flush()


def test_a_row_that_makes_no_sense_is_skipped(path):
    with make(path) as cache:
        cache.set("good", 1, **KEPT)
        cache.set("bad", 1, **KEPT)
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("UPDATE entries SET value = x'c1' WHERE key = CAST('bad' AS BLOB)")

    with make(path) as cache:
        assert cache.keys(**KEPT) == ["good"]
        assert cache.file_stats().errors == 1


def test_a_folder_that_cannot_be_written_costs_the_file_not_the_cache(tmp_path, caplog):
    blocker = tmp_path / "state"
    blocker.write_text("a file where the folder should be")

    with caplog.at_level(logging.ERROR), make(blocker / "cache.db") as cache:
        cache.set("a", 1, **KEPT)
        assert not cache.flush(deadline=0.2)
        assert cache.get("a", **KEPT) == 1
        assert cache.file_stats().errors > 0


def test_another_process_that_holds_the_file_delays_and_loses_nothing(path):
    with make(path) as cache:
        cache.set("a", 1, **KEPT)
        cache.flush()
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            cache.set("b", 2, **KEPT)
            assert not cache.flush(deadline=0.1)
            other.execute("COMMIT")
        assert cache.flush(deadline=10)

    assert sorted(rows(path)) == ["a", "b"]


def entry(value, cost=100):
    return Entry(value, 0.0, 1e9, 1e9, cost)


def queue(path, **how):
    return Persistence(path, clock=ManualClock(0.0), codec=Codec(), **how)


def test_the_queue_is_bounded_and_never_brings_back_what_was_replaced(path):
    keeper = queue(path, max_pending=10)
    keeper.open()
    keeper.put("t", "key 5", entry("old"))
    keeper.close()

    for n in range(30, 0, -1):  # no writer takes them
        keeper.put("t", f"key {n}", entry("new"))
    assert keeper.stats().pending <= 40
    assert keeper.stats().unkept == 20
    keeper.open()
    assert keeper.flush()
    keeper.close()

    kept = {key: value for _, key, value, _ in keeper.load({"t": 10**6})}
    assert len(kept) == 10
    assert set(kept.values()) == {"new"}


def test_a_queue_of_nothing_but_voids_becomes_one_wipe(path):
    keeper = queue(path, max_pending=10)
    keeper.open()
    keeper.put("t", "old", entry(1))
    keeper.close()

    for n in range(500):
        keeper.drop("t", f"key {n}")
        assert keeper.stats().pending <= 60
    keeper.open()
    keeper.close()

    assert list(keeper.load({"t": 10**6})) == []


def test_the_queue_is_bounded_in_bytes(path):
    keeper = queue(path, max_pending_bytes=1_000)

    for n in range(50):
        keeper.put("t", f"key {n}", entry(n, cost=300))

    assert keeper.stats().unkept == 47
    assert keeper._bytes <= 1_000


def test_wipes_without_end_are_joined(path):
    keeper = queue(path)

    for n in range(5_000):
        keeper.wipe("t", f"prefix {n}")

    assert keeper.stats().pending <= 1_001


def test_the_file_is_pruned(path):
    clock = ManualClock()
    with make(path, clock, max_bytes=10_000) as cache:
        for n in range(50):
            cache.set(f"key {n:02}", b"x" * 1_000, **KEPT)
            clock.advance(1)
        cache.flush()
        clock.advance(61)
        cache.set("newest", b"x" * 1_000, **KEPT)
        cache.flush()

    kept = sorted(rows(path))
    assert 8 <= len(kept) <= 10
    assert kept[-1] == "newest"
    assert kept[0] >= "key 40"


def test_threads_that_set_and_forget_leave_the_last_word_in_the_file(path):
    with make(path) as cache:

        def work(number):
            for n in range(200):
                cache.set(f"key {number}", n, **KEPT)
                if n % 50 == 49:
                    cache.invalidate(f"key {number}", **KEPT)
            cache.set(f"key {number}", "last", **KEPT)

        threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    with make(path) as cache:
        assert {cache.get(f"key {n}", **KEPT) for n in range(8)} == {"last"}


WRITER = """
import sys
from pathlib import Path
from tgewatch.clock import SystemClock
from tgewatch.fetch.cache import Cache
from tgewatch.fetch.codec import Codec
from tgewatch.fetch.persistence import Persistence
from tgewatch.settings.caching import Tier

clock = SystemClock()
keeper = Persistence(Path(sys.argv[1]), clock=clock, codec=Codec(), flush=0.005)
cache = Cache({"article_content": Tier(ttl=1_000, persist=True)}, clock=clock, persistence=keeper)
cache.open()
for n in range(100_000):
    cache.set(f"key {n}", [n, b"x" * 3_000], tier="article_content")
    if n % 50 == 49 and cache.flush():
        print(n, flush=True)
"""


@pytest.mark.parametrize("lines", [1, 4, 9])
def test_kill_9_loses_nothing_that_was_flushed_and_damages_nothing(path, lines):
    with subprocess.Popen(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
    ) as child:
        for _ in range(lines):
            flushed = int(child.stdout.readline())
        os.kill(child.pid, signal.SIGKILL)

    with make(path, SystemClock()) as cache:
        kept = {key: cache.get(key, **KEPT) for key in cache.keys(**KEPT)}
        assert cache.file_stats().set_aside == 0
    assert all(f"key {n}" in kept for n in range(flushed + 1))
    assert all(value == [int(key.split()[1]), b"x" * 3_000] for key, value in kept.items())
