"""A running program, measured: its ports timed, its cycles kept."""

import asyncio
import json

import pytest

from tgewatch.errors import TransientError
from tgewatch.fetch.adaptive import AdaptiveTtl
from tgewatch.metrics.archive import read_baseline, read_metrics, write_baseline
from tgewatch.metrics.metering import CLASSES, Metering, look
from tgewatch.metrics.recorder import Baseline
from tgewatch.model import NO_VALIDATORS, SourceState
from tgewatch.ports import PoolMetrics, Reading, Request
from tgewatch.settings import MetricsSettings, TargetSettings
from tgewatch.testing import ManualClock
from tgewatch.testing.fetcher import ScriptedFetcher, answer


class Tier:
    def __init__(self, **counts):
        for name in ("hits", "negative_hits", "stale_served", "evictions", "bytes"):
            setattr(self, name, counts.get(name, 0))


class Counting:
    """Pools and tiers whose counts a test writes down."""

    def __init__(self):
        self.pools = {"rss": PoolMetrics(), "article": PoolMetrics()}
        self.tiers = {"rss": Tier()}

    def metrics(self):
        return self.pools

    def stats(self):
        return self.tiers


class Progress:
    def __init__(self):
        self.seen = []

    def started(self, sources):
        self.seen.append(sources)

    def polled(self, *what):
        self.seen.append(what)


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def settings(tmp_path):
    return MetricsSettings(
        path=tmp_path / "state" / "metrics.json",
        baseline_path=tmp_path / "state" / "baseline.json",
        history=5,
    )


@pytest.fixture
def counting():
    return Counting()


@pytest.fixture
def metering(settings, clock, counting):
    metering = Metering(settings, clock=clock, keep_alive=10.0)
    metering.attach(pools=counting.metrics, tiers=counting.stats)
    return metering


def asked(requests, **more):
    return PoolMetrics(requests=requests, **more)


def test_a_cycle_holds_what_connections_and_caches_counted_meanwhile(metering, counting, clock):
    counting.pools["rss"] = asked(5, statuses={200: 5})
    with metering.cycle():
        counting.pools["rss"] = asked(
            15, opened=3, reused=7, statuses={200: 7, 304: 6, 429: 2}, retries=1
        )
        counting.tiers["rss"] = Tier(hits=2, evictions=1, bytes=3_000_000)
        clock.advance(2.5)

    (cycle,) = metering.recorder.record().cycles
    assert cycle.seconds == 2.5
    assert cycle.counts["api_calls"] == cycle.counts["api_calls.rss"] == 10
    assert (cycle.counts["connections_opened"], cycle.counts["connections_reused"]) == (3, 7)
    assert cycle.counts["rate_limit_violations"] == 2
    assert (cycle.counts["cache_hits"], cycle.counts["cache_revalidated"]) == (2, 6)
    assert cycle.hit_rate == pytest.approx(8 / 10)
    assert metering.recorder.record().counts["api_calls"] == 15
    assert metering.recorder.record().gauges["cache_megabytes"] == 3.0


def test_a_cycle_within_a_cycle_is_part_of_it(metering, clock):
    with metering.cycle(), metering.cycle("other"):
        clock.advance(1)

    assert [cycle.kind for cycle in metering.recorder.record().cycles] == ["scan"]


def test_a_cycle_that_fails_is_recorded_too(metering):
    with pytest.raises(KeyError), metering.cycle():
        raise KeyError("x")

    assert metering.recorder.record().finished == 1


def test_a_minute_of_a_watch_is_as_long_as_its_longest_poll(metering, counting, clock):
    progress = metering.progress(Progress())
    metering.watch()
    progress.polled("a", "changed", 1, 0, 0.2)
    progress.polled("b", "failed", 0, 0, 1.4)
    counting.pools["rss"] = asked(2)
    clock.advance(60)
    metering.turn_page()
    clock.advance(60)
    metering.turn_page()
    progress.polled("a", "unchanged", 0, 0, 0.1)
    metering.stop()

    cycles = metering.recorder.record().cycles
    assert [cycle.seconds for cycle in cycles] == [1.4, 0.1]
    assert {cycle.kind for cycle in cycles} == {"minute"}
    assert cycles[0].counts["api_calls"] == 2
    assert cycles[0].counts["polls_failed"] == 1
    assert not metering.recorder.cycling


def test_only_cycles_of_one_kind_are_compared(metering, clock):
    with metering.cycle("scan"):
        clock.advance(100)
    with metering.cycle("drop-in"):
        clock.advance(2)

    assert metering.checks()[0].measured == 2


def test_a_later_run_goes_on_where_an_earlier_one_ended(metering, settings, clock):
    write_baseline(settings.baseline_path, Baseline(3, 90.0, 150.0))
    metering.restore()
    for seconds in (1, 2, 3):
        with metering.cycle():
            clock.advance(seconds)
    metering.save()

    later = Metering(settings, clock=clock, keep_alive=10.0)
    later.restore()
    with later.cycle():
        clock.advance(4)

    record = later.recorder.record()
    assert [cycle.seconds for cycle in record.cycles] == [1, 2, 3, 4]
    assert [cycle.number for cycle in record.cycles] == [1, 2, 3, 4]
    assert record.baseline == Baseline(3, 90.0, 150.0)


def test_a_baseline_that_was_captured_meanwhile_holds_from_the_next_save_on(metering, settings):
    with metering.cycle():
        pass
    metering.save()
    write_baseline(settings.baseline_path, Baseline(1, 7.0, 8.0))
    metering.save()

    assert read_metrics(settings.path).baseline == Baseline(1, 7.0, 8.0)
    assert read_baseline(settings.baseline_path) == Baseline(1, 7.0, 8.0)


@pytest.mark.parametrize(
    "content", [b"", b"[]", b'{"cycles": 1}', b"\xff", b"[" * 100_000], ids=range(5)
)
def test_files_that_make_no_sense_are_none(metering, settings, content):
    settings.path.parent.mkdir()
    settings.path.write_bytes(content)
    settings.baseline_path.write_bytes(content)

    metering.restore()

    record = metering.recorder.record()
    assert (record.cycles, record.baseline) == ((), None)
    metering.save()
    assert json.loads(settings.path.read_bytes())["finished"] == 0


def test_what_cannot_be_written_stops_nothing(metering, settings, caplog):
    settings.path.parent.write_text("a file")

    metering.save()

    assert "metrics_not_written" in caplog.text


def test_history_targets_and_recording_can_be_changed_while_running(metering, settings, clock):
    for _ in range(5):
        with metering.cycle():
            clock.advance(10)

    metering.adjust(
        settings.model_copy(update={"history": 2, "targets": TargetSettings(cycle_seconds=5)})
    )
    assert len(metering.recorder.record().cycles) == 2
    assert metering.checks()[0].passed is False

    metering.adjust(settings.model_copy(update={"enabled": False}))
    with metering.cycle():
        pass
    assert len(metering.recorder.record().cycles) == 2


def test_switched_off_it_touches_nothing(settings, clock):
    metering = Metering(
        settings.model_copy(update={"enabled": False}), clock=clock, keep_alive=10.0
    )
    fetcher, channels, readers = ScriptedFetcher([]), [object()], {"feed": object()}

    assert metering.fetcher(fetcher) is fetcher
    assert metering.channels(channels) is channels
    assert metering.readers(readers) is readers
    metering.save()
    assert not settings.path.exists()


def test_it_is_written_often_only_while_somebody_looks(metering, settings):
    assert not metering.is_watched()
    settings.path.parent.mkdir()
    look(settings.path)

    mark = settings.path.with_name(".metrics.json.watched")
    metering._clock = ManualClock(mark.stat().st_mtime + 5)
    assert metering.is_watched()
    metering._clock = ManualClock(mark.stat().st_mtime + 60)
    assert not metering.is_watched()


def test_requests_are_counted_that_could_have_found_an_open_connection(metering, clock):
    async def play():
        fetcher = metering.fetcher(
            ScriptedFetcher(
                [
                    answer(url="http://a/1"),
                    answer(url="http://a/2"),
                    answer(url="http://b/1"),
                    answer(url="http://a/3"),
                ]
            )
        )
        for url, wait in (
            ("http://a/1", 1),
            ("http://a/2", 1),
            ("http://b/1", 30),
            ("http://a/3", 0),
        ):
            await fetcher.fetch(Request(url))
            clock.advance(wait)

    asyncio.run(play())

    counts = metering.recorder.record().counts
    assert counts["connections_possible"] == 1
    assert counts["connections_kept"] == 0


def test_parsing_is_what_a_reading_takes_beyond_its_fetches(metering, clock):
    class Slow:
        async def fetch(self, request):
            clock.advance(2.0)
            return answer(url=request.url)

    fetcher = metering.fetcher(Slow())

    class Reader:
        async def read(self, url, _state, _headers):
            await fetcher.fetch(Request(url, pool="rss"))
            clock.advance(0.5)
            return Reading(items=(), validators=NO_VALIDATORS)

    reader = metering.readers({"feed": Reader()})["feed"]
    asyncio.run(reader.read("http://a/", SourceState("http://a/"), ()))

    operations = metering.recorder.record().operations
    assert operations["rss", "fetch"].p50 == pytest.approx(2.0, rel=0.02)
    assert operations["feed", "parse"].p50 == pytest.approx(0.5, rel=0.02)


def test_a_fetch_that_fails_is_timed_and_counted(metering):
    fetcher = metering.fetcher(ScriptedFetcher([TransientError("x")]))
    with pytest.raises(TransientError):
        asyncio.run(fetcher.fetch(Request("http://a/", pool="rss")))

    assert metering.recorder.record().errors["rss", "fetch"] == 1


def test_what_was_learned_of_ttls_is_in_the_file_by_tier_and_bounded(settings, clock):
    metering = Metering(settings, clock=clock, keep_alive=10.0)
    learner = AdaptiveTtl(ttl=600)
    for number in range(CLASSES + 20):
        for _ in range(5):
            learner.observe(f"https://host{number}.example/feed", 60.0, changed=number == 7)
    metering.learners = {"rss": learner}
    metering.save()

    (learned,) = read_metrics(settings.path).learned_ttls.values()
    assert len(learned) == CLASSES
    assert learned[0].key_class == "host7.example"
    assert learned[0].ttl < 600 < learned[1].ttl
    assert learned[0].checks == 5
