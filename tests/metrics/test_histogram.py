import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgewatch.metrics.histogram import ACCURACY, Histogram


def of(durations):
    histogram = Histogram()
    for duration in durations:
        histogram.add(duration)
    return histogram


@given(st.lists(st.floats(1e-5, 1e3), min_size=1, max_size=200))
def test_quantiles_are_those_of_the_sorted_durations_within_the_accuracy(durations):
    timing = of(durations).timing()

    ordered = sorted(durations)
    for share, found in ((0.5, timing.p50), (0.95, timing.p95), (0.99, timing.p99)):
        exact = ordered[int(share * (len(ordered) - 1))]
        assert found == pytest.approx(exact, rel=ACCURACY * 1.001)
    assert (timing.shortest, timing.longest) == (ordered[0], ordered[-1])
    assert timing.total == pytest.approx(sum(durations))


def test_without_durations_all_is_zero():
    assert of([]).timing() == of([]).timing()
    assert of([]).timing().longest == 0.0


def test_a_clock_that_was_set_back_counts_as_no_time_at_all():
    timing = of([-5.0, 0.0, 0.0]).timing()

    assert (timing.count, timing.p50, timing.shortest, timing.longest) == (3, 0.0, 0.0, 0.0)


def test_no_quantile_is_longer_than_the_longest():
    assert of([1.0]).timing().p99 <= 1.0
