import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tgewatch.rules.delay_index import LOOK_BACK, DelayIndex
from tgewatch.rules.rhythm import BIN, DAY, HOUR, Rhythm, Tuning

NOW = 1_700_000_000.0
FAR = NOW + 30 * DAY


def newcomer(index, weight=1.0):
    rhythm = Rhythm(weight=weight)
    rhythm.rate = index.tuning.prior_rate
    index.add(rhythm)
    return rhythm


def with_history(index, history, *, weight=1.0, at=NOW):
    rhythm = newcomer(index, weight)
    index.observe(rhythm, at, history)
    return rhythm


def every(seconds, count=40):
    return [NOW - seconds * n for n in range(1, count + 1)]


def integrated(index, rhythm, since, until, power=1):
    """Delay built up, by brute force."""
    step, total, expected, time = 10.0, 0.0, 0.0, since
    while time < until:
        rate = index.intensity(rhythm, time + step / 2)
        total += rate * step * (until - time - step / 2) ** power
        expected += rate * step
        time += step
    return expected, total


histories = st.lists(st.floats(NOW - 40 * DAY, NOW), min_size=2, max_size=40)


@settings(max_examples=25, deadline=None)
@given(histories, st.floats(0, DAY), st.sampled_from([1, 2]))
def test_due_when_the_integral_of_delay_reaches_the_threshold(history, offset, power):
    index = DelayIndex(power=power)
    rhythm = with_history(index, history)
    since = NOW + offset
    mu = 30.0 if power == 1 else 30_000.0
    due, expected = index.due(rhythm, since, mu, FAR)
    sums = integrated(index, rhythm, since, min(due, since + 6 * HOUR), power)

    if due <= since + 6 * HOUR:
        # The fast part decays in steps of a bin here, and continuously there.
        assert sums[1] == pytest.approx(mu, rel=0.03)
        assert sums[0] == pytest.approx(expected, rel=0.03)


@settings(max_examples=50, deadline=None)
@given(histories, st.floats(0.1, 1e5), st.floats(1.001, 10))
def test_a_higher_threshold_is_never_due_sooner(history, mu, factor):
    index = DelayIndex()
    rhythm = with_history(index, history)

    assert NOW <= index.due(rhythm, NOW, mu, FAR)[0] <= index.due(rhythm, NOW, mu * factor, FAR)[0]


@given(st.floats(0, 5 * DAY))
def test_never_later_than_the_limit(wait):
    index = DelayIndex()
    rhythm = with_history(index, every(DAY))

    assert index.due(rhythm, NOW, math.inf, NOW + wait)[0] == NOW + wait


def test_a_busy_source_is_due_before_a_quiet_one():
    index = DelayIndex()
    busy, quiet = with_history(index, every(600)), with_history(index, every(DAY))

    assert index.due(busy, NOW, 60, FAR)[0] < index.due(quiet, NOW, 60, FAR)[0]


def test_intervals_follow_the_square_root_of_rate_and_weight():
    index = DelayIndex(tuning=Tuning(fast_share=0.0))
    waits = []
    for period, weight in ((100, 1.0), (400, 1.0), (400, 4.0)):
        rhythm = newcomer(index, weight)
        rhythm.rate = 1 / period
        waits.append(index.due(rhythm, NOW, 2.0, FAR)[0] - NOW)

    assert waits[1] / waits[0] == pytest.approx(2, rel=0.1)
    assert waits[2] == pytest.approx(waits[0], rel=0.1)


def test_the_threshold_spends_the_budget():
    index = DelayIndex()
    rhythms = [with_history(index, every(3_517.3 * n)) for n in range(1, 30)]
    rate = len(rhythms) / 600
    mu = index.threshold(rate, 1.0)
    polls = 0.0
    for rhythm in rhythms:
        time = NOW
        while time < NOW + DAY:
            time, _ = index.due(rhythm, time, mu, FAR)
            polls += 1

    # With trim 1 the formula assumes constant rates; what is left is the allowance's to correct.
    assert polls / (rate * DAY) == pytest.approx(1, rel=0.35)


def test_without_a_budget_nothing_is_ever_due():
    index = DelayIndex()
    newcomer(index)

    assert index.threshold(0.0, 1.0) == math.inf


def test_learns_the_hour():
    index = DelayIndex()
    start = NOW // DAY * DAY
    mornings = [start - DAY * n + 9 * HOUR + 1_000 for n in range(1, 100)]
    rhythm = with_history(index, mornings, at=start)

    assert index.intensity(rhythm, start + 9.5 * HOUR) > 8 * index.intensity(
        rhythm, start + 21.5 * HOUR
    )


def test_learns_what_is_published_on_the_mark():
    index = DelayIndex()
    start = NOW // DAY * DAY
    rhythm = with_history(index, [start - HOUR * n + 2 for n in range(1, 200)], at=start)

    assert index.intensity(rhythm, start + HOUR + 5) > 20 * index.intensity(
        rhythm, start + HOUR + 65
    )


def test_learns_the_weekend():
    index = DelayIndex()
    monday = (NOW // DAY - (NOW // DAY + 3) % 7) * DAY
    weekdays = [monday - 7 * DAY * w + DAY * d + HOUR * 12 for w in range(1, 30) for d in range(5)]
    rhythm = with_history(index, weekdays, at=monday)

    assert index.weekend_factor(rhythm) < 0.3
    assert index.intensity(rhythm, monday + 5.5 * DAY) < index.intensity(rhythm, monday + DAY / 2)


def test_a_newcomer_borrows_the_habits_of_all():
    index = DelayIndex()
    start = NOW // DAY * DAY
    for _ in range(5):
        with_history(index, [start - DAY * n + 9 * HOUR for n in range(1, 100)], at=start)
    fresh = with_history(index, [], at=start)

    assert index.intensity(fresh, start + 9 * HOUR) > 3 * index.intensity(fresh, start + 21 * HOUR)


def test_a_burst_raises_the_intensity_for_about_a_day():
    index = DelayIndex()
    rhythm = with_history(index, every(0.937 * DAY))
    index.observe(rhythm, NOW + HOUR, [NOW + n for n in range(0, 3_600, 120)])

    def fast(at):
        return index.explain(rhythm, at, mu=50.0, longest=DAY).factors[-1].value

    assert fast(NOW + HOUR) > 1.2
    assert 1 < fast(NOW + HOUR + 7 * DAY) < 1.01


@settings(max_examples=30)
@given(st.lists(st.tuples(histories, st.floats(0.1, 30)), min_size=1, max_size=8), st.randoms())
def test_removing_all_leaves_nothing_behind(sources, random):
    index = DelayIndex()
    rhythms = [with_history(index, history, weight=weight) for history, weight in sources]
    assert index.sum == pytest.approx(sum(math.sqrt(r.weight * r.rate) for r in rhythms))
    for rhythm in rhythms:
        index.reweigh(rhythm, 2.0)
    random.shuffle(rhythms)
    for rhythm in rhythms:
        index.remove(rhythm)

    assert index.sum == index.sources == 0


def test_the_present_risk_agrees_with_the_due_time():
    index = DelayIndex()
    rhythm = with_history(index, every(HOUR), weight=3.0)
    due, expected = index.due(rhythm, NOW, 50.0, FAR)
    items, risk = index.risk(rhythm, due)

    assert items == pytest.approx(expected, rel=0.02)
    assert risk == pytest.approx(50.0, rel=0.03)


def test_looking_back_is_bounded():
    index = DelayIndex()
    rhythm = with_history(index, every(HOUR))

    assert index.risk(rhythm, NOW + 400 * DAY)[0] <= LOOK_BACK / HOUR * 5


def test_risk_grows_until_the_poll():
    index = DelayIndex()
    rhythm = with_history(index, every(HOUR))
    risks = [index.risk(rhythm, NOW + BIN * n)[1] for n in range(20)]

    assert all(a < b for a, b in pairwise(risks))
    assert index.risk(Rhythm(), NOW) == (0.0, 0.0)


def test_explains_what_moved_it():
    index = DelayIndex()
    rhythm = with_history(index, every(HOUR), weight=3.0)
    told = index.explain(rhythm, NOW + 300, mu=50.0, longest=DAY)

    assert told.per_day == pytest.approx(24, rel=0.2)
    assert told.threshold == 50.0
    assert told.due_in == pytest.approx(index.due(rhythm, NOW, 50.0, FAR)[0] - NOW - 300)
    assert [factor.name for factor in told.factors] == ["hour", "week", "minute", "fast"]
    product = math.prod(factor.value for factor in told.factors)
    slow = rhythm.rate * (1 - index.tuning.fast_share)
    assert slow * product == pytest.approx(index.intensity(rhythm, NOW + 300))
