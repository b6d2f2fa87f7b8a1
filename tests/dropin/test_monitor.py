"""The monitor under the names of the specification."""

import io
import json
import threading

import pytest

from performance_monitor import PerformanceMonitor, get_performance_monitor
from tgewatch.dropin.monitor import STATED
from tgewatch.testing import ManualClock


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def monitor(clock):
    return PerformanceMonitor(history_size=10, clock=clock)


def cycle(monitor, clock, *, seconds, calls):
    monitor.start_cycle()
    for _ in range(calls):
        monitor.record_api_call("news_scraper")
    clock.advance(seconds)
    monitor.end_cycle()


def test_a_timer_times_its_body_and_counts_its_failure(monitor, clock):
    with monitor.timer("parse"):
        clock.advance(0.5)
    with pytest.raises(ValueError, match="x"), monitor.timer("parse"):
        raise ValueError("x")

    stats = monitor.get_operation_stats("parse")
    assert (stats["count"], stats["success_count"], stats["failure_count"]) == (2, 1, 1)
    assert stats["success_rate"] == 50.0
    assert stats["max_duration_ms"] == 500
    assert monitor.get_operation_stats("unknown")["count"] == 0


def test_operations_are_summed_up_in_milliseconds(monitor):
    for number in range(1, 101):
        monitor.record_operation("fetch", number / 100, success=number > 10)

    stats = monitor.get_operation_stats("fetch")
    assert stats["count"] == 100
    assert stats["avg_duration_ms"] == pytest.approx(505)
    assert stats["min_duration_ms"] == 10
    assert stats["max_duration_ms"] == 1000
    assert stats["p95_duration_ms"] == pytest.approx(950, rel=0.02)
    assert stats["success_rate"] == 90


def test_cycles_are_measured_with_the_calls_in_them(monitor, clock):
    cycle(monitor, clock, seconds=2.0, calls=10)
    cycle(monitor, clock, seconds=4.0, calls=20)

    stats = monitor.get_cycle_stats()
    assert stats["total_cycles"] == 2
    assert (stats["min_duration"], stats["avg_duration"], stats["max_duration"]) == (2, 3, 4)
    assert stats["avg_api_calls"] == 15
    assert stats["target_duration_met"] is True


def test_without_a_cycle_nothing_is_met_and_nothing_fails(monitor):
    monitor.end_cycle()

    stats = monitor.get_cycle_stats()
    assert stats["total_cycles"] == 0
    assert stats["target_duration_met"] is stats["target_api_reduction_met"] is False


def test_a_cycle_that_was_never_ended_does_not_count(monitor, clock):
    monitor.start_cycle()
    cycle(monitor, clock, seconds=1.0, calls=1)

    assert monitor.get_cycle_stats()["total_cycles"] == 1


def test_later_cycles_never_overwrite_the_baseline(monitor, clock):
    monitor.baseline_metrics = {"avg_cycle_time": 90.0, "avg_api_calls": 150, "cache_hit_rate": 0.0}
    for _ in range(30):
        cycle(monitor, clock, seconds=45.0, calls=100)

    stats = monitor.get_cycle_stats()
    assert monitor.baseline_metrics["avg_cycle_time"] == 90.0
    assert stats["improvement_percent"] == 50.0
    assert stats["api_reduction_percent"] == pytest.approx(33.33)


def test_a_baseline_is_captured_when_asked_for(monitor, clock):
    cycle(monitor, clock, seconds=90.0, calls=150)
    assert monitor.capture_baseline()["avg_api_calls"] == 150
    cycle(monitor, clock, seconds=10.0, calls=50)

    assert monitor.get_cycle_stats()["baseline_duration"] == 90.0
    assert PerformanceMonitor().capture_baseline() == dict(STATED)


def test_nothing_is_judged_by_a_baseline_that_was_only_stated(monitor, clock):
    cycle(monitor, clock, seconds=1.0, calls=1)
    judged = {one.target.measure: one.passed for one in monitor.checks()}

    assert judged["cycle_seconds"] is True
    assert judged["call_reduction"] is None
    assert monitor.get_cycle_stats()["baseline_measured"] is False


def test_components_count_what_is_theirs(monitor):
    for hit in (True, True, True, False):
        monitor.record_cache_access("news_scraper", hit)
    monitor.record_scraper_cycle(articles_found=10, feeds_processed=60, duration=3.0)
    monitor.record_scraper_cycle(articles_found=0, feeds_processed=60, duration=5.0)
    monitor.record_twitter_cycle(7, 3, 1.5, rate_limit_hit=True)

    news, twitter = (monitor.get_component_stats(c) for c in ("news_scraper", "twitter_monitor"))
    assert news["cache_hit_rate"] == 75.0
    assert (news["cycles"], news["avg_cycle_time"], news["articles_per_cycle"]) == (2, 4.0, 5.0)
    assert (twitter["tweets_found"], twitter["rate_limit_hits"]) == (7, 1)
    assert monitor.get_component_stats("nobody") == {}


def test_duplicates_are_a_share_of_all(monitor):
    monitor.record_deduplication(200, 60)

    stats = monitor.get_component_stats("deduplication")
    assert (stats["unique_items"], stats["deduplication_rate"], stats["unique_rate"]) == (
        140,
        30,
        70,
    )
    assert PerformanceMonitor().get_component_stats("deduplication")["deduplication_rate"] == 0


def test_endless_names_of_components_do_not_fill_the_memory(monitor):
    for number in range(1_000):
        monitor.record_api_call(f"component {number}")

    assert len(monitor._components) == 100


def test_the_report_comes_from_many_threads_without_a_lock_up(monitor, clock):
    cycle(monitor, clock, seconds=1.0, calls=1)
    reports = []

    def work():
        for _ in range(50):
            monitor.record_operation("x", 0.1)
            monitor.record_api_call("news_scraper")
        reports.append(monitor.get_performance_report())

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert len(reports) == 6
    assert monitor.get_operation_stats("x")["count"] == 300
    assert monitor.get_component_stats("news_scraper")["api_calls"] == 301


def test_history_is_bounded_and_can_be_resized(monitor, clock):
    for _ in range(12):
        cycle(monitor, clock, seconds=1.0, calls=0)
    assert monitor.get_cycle_stats()["total_cycles"] == monitor.history_size == 10

    monitor.history_size = 3
    assert monitor.get_cycle_stats()["total_cycles"] == 3


def test_the_report_is_saved_whole(monitor, clock, fresh):
    cycle(monitor, clock, seconds=2.0, calls=3)
    monitor.save_metrics()
    monitor.save_metrics()

    saved = json.loads((fresh / "state" / "performance_metrics.json").read_bytes())
    assert saved["cycle_stats"]["total_cycles"] == 1
    assert saved["cycles"][0]["counts"]["api_calls"] == 3
    assert set(saved) >= {"timestamp", "news_scraper", "twitter_monitor", "operation_stats"}
    assert [path.name for path in (fresh / "state").iterdir()] == ["performance_metrics.json"]


def test_what_the_file_has_of_earlier_processes_stays_within_the_history(clock, fresh):
    path = fresh / "state" / "performance_metrics.json"
    for calls in (1, 2, 3):
        monitor = PerformanceMonitor(history_size=5, clock=clock)
        for _ in range(2):
            cycle(monitor, clock, seconds=1.0, calls=calls)
            monitor.save_metrics()

    saved = json.loads(path.read_bytes())
    assert [one["counts"]["api_calls"] for one in saved["cycles"]] == [1, 2, 2, 3, 3]
    assert saved["finished"] == 6
    assert saved["cycle_stats"]["total_cycles"] == 2

    path.write_text("{ half a fi")
    monitor.save_metrics()
    assert len(json.loads(path.read_bytes())["cycles"]) == 2


@pytest.mark.parametrize("duration", [float("inf"), float("nan")])
def test_what_is_no_duration_is_refused_and_disturbs_no_other(monitor, duration):
    monitor.record_operation("x", 1.0)
    with pytest.raises(ValueError, match="seconds"):
        monitor.record_operation("x", duration)
    assert monitor.get_operation_stats("x")["count"] == 1


def test_more_duplicates_than_items_are_all_of_them(monitor):
    monitor.record_deduplication(10, 20)
    stats = monitor.get_component_stats("deduplication")
    assert (stats["unique_items"], stats["deduplication_rate"]) == (0, 100)


def test_the_summary_is_printed_where_there_are_no_check_marks(monitor, clock, monkeypatch):
    cycle(monitor, clock, seconds=1.0, calls=1)
    printed = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(printed, encoding="ascii"))
    monitor.print_summary()

    assert b"Cycle Time: 1.00s (target: <60s) - ? PASS\n" in printed.getvalue()


def test_a_place_that_cannot_be_written_to_is_no_error(monitor, fresh, caplog):
    (fresh / "state").write_text("a file")
    monitor.save_metrics()

    assert "metrics_not_written" in caplog.text


def test_the_summary_is_printed_as_the_specification_shows_it(monitor, clock, capsys):
    monitor.baseline_metrics = {"avg_cycle_time": 90.0, "avg_api_calls": 150.0}
    cycle(monitor, clock, seconds=45.231, calls=100)
    for number in range(1_000):
        monitor.record_cache_access("news_scraper", hit=number < 721)
    monitor.print_summary()

    assert capsys.readouterr().out.splitlines()[:7] == [
        "=" * 60,
        "PERFORMANCE TARGETS VALIDATION",
        "=" * 60,
        "",
        "Cycle Time: 45.23s (target: <60s) - ✓ PASS",
        "API Reduction: 33.3% (target: ≥30%) - ✓ PASS",
        "Cache Hit Rate: 72.1% (target: ≥70%) - ✓ PASS",
    ]


def test_targets_can_be_changed_while_it_runs(monitor, clock):
    cycle(monitor, clock, seconds=45.0, calls=0)
    first, *rest = monitor.targets
    monitor.targets = (type(first)("cycle_seconds", "Cycle Time", 30.0, "s"), *rest)

    assert monitor.checks()[0].passed is False
    assert monitor.get_cycle_stats()["target_duration_met"] is False


def test_there_is_one_of_the_process():
    assert get_performance_monitor() is get_performance_monitor()
    assert get_performance_monitor() is not PerformanceMonitor()
