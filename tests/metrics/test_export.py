import json

from prometheus_client.parser import text_string_to_metric_families

from tgewatch.metrics.export import prometheus, report, save, summary
from tgewatch.metrics.recorder import Baseline, Recorder
from tgewatch.metrics.targets import SPECIFIED, check
from tgewatch.testing import ManualClock


def recorder_after_a_cycle():
    clock = ManualClock()
    recorder = Recorder(clock=clock)
    recorder.capture_baseline(Baseline(1, 90.0, 150.0))
    recorder.start_cycle()
    recorder.count("api_calls", 100)
    recorder.count("cache_hits", 72)
    recorder.count("cache_misses", 28)
    recorder.observe("poll", 0.5, "feed")
    clock.advance(45.0)
    recorder.end_cycle()
    return recorder


def test_targets_pass_and_fail_as_measured():
    found = report(recorder_after_a_cycle())
    passed = {one["measure"]: one["passed"] for one in found["targets"]}

    assert passed["cycle_seconds"] is True
    assert passed["cache_hit_rate"] is True
    assert passed["connection_reuse"] is None


def test_a_measure_beyond_its_limit_fails():
    checks = check({"cycle_seconds": 61.0, "call_reduction": 30.0}, SPECIFIED)

    assert [one.passed for one in checks[:2]] == [False, True]


def test_the_summary_reads_as_the_specification_shows():
    text = summary(check({"cycle_seconds": 45.231, "call_reduction": 33.21}, SPECIFIED[:2]))

    assert text.splitlines() == [
        "=" * 60,
        "PERFORMANCE TARGETS VALIDATION",
        "=" * 60,
        "",
        "Cycle Time: 45.23s (target: <60s) - ✓ PASS",
        "API Reduction: 33.2% (target: ≥30%) - ✓ PASS",
        "",
        "=" * 60,
    ]


def test_prometheus_can_read_it():
    text = prometheus(recorder_after_a_cycle()).decode()
    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }

    assert samples["tgewatch_events_total", "api_calls"] == 100
    assert samples["tgewatch_operation_seconds_count", "feed", "poll"] == 1
    assert round(samples["tgewatch_measure", "call_reduction"], 2) == 33.33


def test_a_report_is_saved_whole(tmp_path):
    path = tmp_path / "state" / "performance_metrics.json"
    save(path, report(recorder_after_a_cycle()))
    save(path, report(recorder_after_a_cycle()))

    assert json.loads(path.read_bytes())["cycles"][0]["counts"]["api_calls"] == 100
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_prometheus_hears_of_errors_by_what_failed():
    recorder = Recorder(clock=ManualClock())
    recorder.observe("deliver", 0.1, "phone", failed=True)
    recorder.observe("deliver", 0.1, "phone")
    recorder.observe("deliver", 0.1, "mail")

    text = prometheus(recorder).decode()

    errors = [
        line for line in text.splitlines() if line.startswith("tgewatch_operation_errors_total")
    ]
    assert errors == ['tgewatch_operation_errors_total{component="phone",operation="deliver"} 1.0']
