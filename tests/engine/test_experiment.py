import math
from array import array
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tgewatch.engine import experiment
from tgewatch.engine.experiment import (
    POLICIES,
    Plan,
    Replayed,
    Trace,
    compare,
    plan,
    read_trace,
    replay,
    summarise,
)
from tgewatch.errors import MalformedError
from tgewatch.rules.calibration import CalibrationLog
from tgewatch.rules.rhythm import DAY, HOUR

START = 1_700_000_000.0


def a_trace(*series):
    names = tuple(str(n) for n in range(len(series)))
    return Trace(names, tuple(array("d", sorted(times)) for times in series))


def lively(*, days=24, rates=(30, 8, 2, 0.5), seed=1):
    """Sources of unlike rates that publish mostly in working hours."""
    random = Random(seed)  # noqa: S311 - repeatable
    series = []
    for rate in rates:
        times, time = [], START
        while time < START + days * DAY:
            time += random.expovariate(2 * rate / DAY)
            if random.random() < (0.9 if 8 <= time % DAY / HOUR < 18 else 0.2):
                times.append(time)
        series.append(times or [START])
    return a_trace(*series)


@pytest.fixture(scope="module")
def replays():
    trace = lively()
    chosen = plan(trace, interval=600.0)
    return trace, chosen, {name: replay(trace, name, chosen) for name in POLICIES}


def test_every_policy_is_judged_on_the_same_items(replays):
    trace, chosen, results = replays
    judged = sum(time >= chosen.judged_from for times in trace.times for time in times)

    assert {summarise(result).items for result in results.values()} == {judged}


def test_every_policy_makes_the_same_requests(replays):
    _, chosen, results = replays
    wanted = 4 * (chosen.until - chosen.judged_from) / 600

    for result in results.values():
        assert result.requests == pytest.approx(wanted, rel=0.02)


def test_a_fixed_interval_delays_by_half_of_it(replays):
    summary = summarise(replays[2]["fixed"])

    assert summary.mean == pytest.approx(300, rel=0.1)
    assert summary.p95 == pytest.approx(570, rel=0.05)
    assert summary.longest <= 610


def test_the_index_is_sooner_with_the_same_requests(replays):
    trace, chosen, results = replays
    ratio = compare(trace, chosen, results["fixed"], results["index"])

    assert ratio.low <= ratio.value <= ratio.high
    assert ratio.low > 1.25
    assert summarise(results["index"]).p95 < summarise(results["fixed"]).p95


def test_the_square_of_the_delay_shortens_the_tail(replays):
    _, _, results = replays

    assert summarise(results["index2"]).p99 < summarise(results["index"]).p99


def test_knowing_the_hour_is_worth_more_than_the_rate_alone(replays):
    _, _, results = replays

    assert summarise(results["index"]).mean < summarise(results["sqrt"]).mean
    assert summarise(results["sqrt"]).mean < summarise(results["fixed"]).mean


def test_predictions_of_the_index_are_better_than_the_base_rate(replays):
    found = replays[2]["index"].reliability

    assert found.skill > 0
    assert found.tenths[-1].observed > 3 * found.tenths[0].observed
    assert replays[2]["fixed"].reliability.polls == 0


def test_the_same_seed_gives_the_same_replay(replays):
    trace, chosen, results = replays

    assert replay(trace, "index", chosen) == results["index"]
    other = replay(trace, "fixed", plan(trace, interval=600.0, seed=2))
    assert other.delays != results["fixed"].delays


def test_a_policy_never_learns_what_no_poll_has_shown(monkeypatch):
    trace = lively(days=10)
    shown = []

    class Watched(experiment.Fixed):
        def report(self, source, at, published):
            shown.append((source, at, list(published)))
            super().report(source, at, published)

    monkeypatch.setattr(experiment, "Fixed", Watched)
    replay(trace, "fixed", plan(trace, interval=600.0))
    seen = [[] for _ in trace.times]
    for source, at, published in shown:
        assert all(time <= at for time in published)
        assert published == sorted(published)
        assert len(published) <= 20
        seen[source] += published

    for times, known in zip(trace.times, seen, strict=True):
        assert known == list(times[-len(known) :])


def test_what_leaves_the_window_unseen_is_counted():
    burst = [START + 9 * DAY + n for n in range(50)]
    trace = a_trace([START, *burst, START + 10 * DAY])
    result = replay(trace, "fixed", plan(trace, interval=600.0))

    assert result.lost == 30
    assert summarise(result).items == 51


def test_percentiles_are_delays_that_so_many_do_not_exceed():
    delays = (array("d", range(1, 101)),)
    summary = summarise(Replayed(delays, 1, 0, CalibrationLog().reliability()))

    assert (summary.p50, summary.p95, summary.p99, summary.longest) == (50, 95, 99, 100)
    assert summary.mean == 50.5
    assert summarise(Replayed((), 1, 0, CalibrationLog().reliability())).items == 0


def test_the_interval_of_a_ratio_is_paired_by_day():
    days = 30
    trace = a_trace([START + DAY * n for n in range(days)])
    chosen = Plan(600.0, START, START, START + days * DAY, 20, 0)
    random = Random(1)  # noqa: S311 - repeatable
    slow = array("d", [random.expovariate(1 / 300) for _ in range(days)])
    empty = CalibrationLog().reliability()
    base = Replayed((slow,), 1, 0, empty)
    half = Replayed((array("d", [delay / 2 for delay in slow]),), 1, 0, empty)
    never = Replayed((array("d", [0.0] * days),), 1, 0, empty)

    ratio = compare(trace, chosen, base, half)
    assert (ratio.low, ratio.value, ratio.high) == pytest.approx((2, 2, 2))
    assert compare(trace, chosen, base, never).value == math.inf


def test_progress_goes_from_nothing_to_all():
    shares = []
    trace = lively(days=5)
    replay(trace, "fixed", plan(trace, interval=600.0), progress=shares.append)

    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_reads_times_of_any_zone():
    trace = read_trace(
        [
            "published,source,more\n",
            "2025-01-01T00:00:00.000Z,a,x\n",
            "2025-01-01T01:30:00+01:00,a,x\n",
            "2025-01-01 00:00:00,b,x\n",
        ]
    )

    assert trace.sources == ("a", "b")
    assert list(trace.times[0]) == [1_735_689_600.0, 1_735_691_400.0]
    assert list(trace.times[1]) == [1_735_689_600.0]
    assert trace.items == 3


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "there is nothing in it"),
        (["a,b\n"], "the first line names no published and no source"),
        (["source,when\n", "a,b\n"], "the first line names no published"),
        (["source,published\n"], "no items"),
        (
            ["source,published\n", "a,yesterday\n", "b\n", ",2025-01-01\n"],
            "line 2: .*line 3: .*line 4",
        ),
        (["source,published\n", *["a,x\n"] * 50], "and 40 more"),
        (["source,published\n", "a," + "9" * 200_000 + "\n"], "line 2: field larger"),
    ],
)
def test_says_which_lines_are_wrong(lines, message):
    with pytest.raises(MalformedError, match=message):
        read_trace(lines)


def test_a_short_trace_is_refused_with_its_length():
    with pytest.raises(MalformedError, match="spans 600 s"):
        plan(a_trace([START, START + 600]), interval=600.0)


def test_an_unknown_policy_is_refused():
    trace = lively(days=5)
    with pytest.raises(ValueError, match="there are fixed, index"):
        replay(trace, "best", plan(trace, interval=600.0))


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.lists(st.floats(START, START + 3 * DAY), min_size=1, max_size=30), min_size=1, max_size=4
    ),
    st.sampled_from(POLICIES),
)
def test_any_trace_can_be_replayed(series, name):
    trace = a_trace(*series, [START, START + 3 * DAY])
    chosen = plan(trace, interval=600.0)
    result = replay(trace, name, chosen)
    judged = sum(time >= chosen.judged_from for times in trace.times for time in times)

    assert summarise(result).items == judged
    assert all(delay >= 0 for delays in result.delays for delay in delays)
