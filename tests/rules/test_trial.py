import math
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgewatch.rules.rhythm import DAY
from tgewatch.rules.trial import BUCKETS, Arm, TrialRules, arm_of, halves, interval, judge

RULES = TrialRules()


def arm(*polls, source_seconds=30 * DAY):
    result = Arm(source_seconds=source_seconds)
    for delays in polls:
        result = result.polled(delays)
    return result


def sampled(random, count, longest, *, silent=0):
    """Polls with news and items that share their luck, as a poll of a burst would."""
    polls = []
    for _ in range(count):
        delay = random.random() * longest
        polls.append([delay] * (1 + (random.random() < 0.3)))
        polls.extend([[]] * silent)
    return polls


class Running:
    """Sums of an arm without its histogram, so that a simulation takes no minutes."""

    def __init__(self):
        self.sums = [0, 0, 0.0, 0.0, 0.0, 0.0]

    def add(self, delay, items):
        total = delay * items
        for index, value in enumerate((1, items, total, total * total, total * items, items**2)):
            self.sums[index] += value

    def arm(self):
        clusters, items, total, squares, products, item_squares = self.sums
        return Arm(
            clusters=clusters,
            items=items,
            total=total,
            squares=squares,
            products=products,
            item_squares=item_squares,
            requests=clusters,
            source_seconds=DAY * 30,
        )


def decided(random, *, longest_new, looks=1_500):
    """Play a trial, looking after each poll with news; return its decision and the items used."""
    old, new = Running(), Running()
    for look in range(looks):
        for running, longest in ((old, 600.0), (new, longest_new)):
            running.add(random.random() * longest, 1 + (random.random() < 0.3))
        if look >= RULES.least_polls and look % 5 == 0:
            finding = judge(old.arm(), new.arm(), elapsed=10 * DAY, rules=RULES)
            if finding.over:
                return finding.decision, old.sums[1]
    return "running", old.sums[1]


def test_looking_all_the_time_finds_a_difference_where_none_is_in_at_most_one_of_twenty():
    random = Random(3)  # noqa: S311 - a simulation
    wrong = sum(
        decided(random, longest_new=600.0, looks=1_000)[0] in {"better", "worse"}
        for _ in range(200)
    )

    assert wrong <= 200 * RULES.alpha + 3 * math.sqrt(200 * 0.05 * 0.95) - 1
    assert wrong <= 10


@pytest.mark.parametrize(("longest", "decision"), [(480.0, "better"), (750.0, "worse")])
def test_a_difference_is_found_before_long(longest, decision):
    random = Random(4)  # noqa: S311 - a simulation
    found = [decided(random, longest_new=longest) for _ in range(20)]

    assert {name for name, _ in found} == {decision}
    assert sum(items for _, items in found) / len(found) < 1_200


def test_the_interval_holds_the_true_ratio():
    random = Random(5)  # noqa: S311 - a simulation
    old, new = arm(*sampled(random, 800, 600.0)), arm(*sampled(random, 800, 400.0))
    ratio, low, high = interval(old, new, RULES)

    assert low < 1.5 < high
    assert low < ratio < high
    assert high / low < 1.5


def test_items_of_one_poll_count_as_one_observation():
    random = Random(6)  # noqa: S311 - a simulation
    luck = [random.random() * 600 for _ in range(200)]
    together = arm(*[[delay] * 5 for delay in luck])
    apart = arm(*[[delay] for delay in luck])

    assert together.mean == pytest.approx(apart.mean)
    assert together.relative_variance == pytest.approx(apart.relative_variance)


@given(st.lists(st.lists(st.floats(0, 1e7), max_size=5), max_size=30))
def test_sums_add_up(polls):
    result = arm(*polls)

    assert result.requests == len(polls)
    assert result.items == sum(map(len, polls)) == sum(result.histogram)
    assert result.total == pytest.approx(math.fsum(map(math.fsum, polls)))
    assert len(result.histogram) == BUCKETS
    assert result.relative_variance >= 0


def test_quantiles_are_within_a_step():
    result = arm(*([float(delay)] for delay in range(1, 1_001)))

    assert result.quantile(0.95) == pytest.approx(950, rel=0.06)
    assert Arm().quantile(0.95) == 0


def test_without_evidence_nothing_is_said():
    finding = judge(Arm(), Arm(), elapsed=10 * DAY, rules=RULES)

    assert finding.decision == "running"
    assert math.isnan(finding.ratio)
    assert (finding.low, finding.high) == (0.0, math.inf)


def test_the_time_ends_it():
    finding = judge(Arm(), Arm(), elapsed=RULES.most_time, rules=RULES)

    assert finding.decision == "undecided"
    assert finding.over


def test_a_clear_difference_waits_for_the_least_time():
    random = Random(7)  # noqa: S311 - a simulation
    old, new = arm(*sampled(random, 400, 900.0)), arm(*sampled(random, 400, 300.0))

    assert judge(old, new, elapsed=DAY, rules=RULES).decision == "running"
    assert judge(old, new, elapsed=3 * DAY, rules=RULES).decision == "better"


def test_two_that_are_alike_are_found_the_same_in_time():
    random = Random(8)  # noqa: S311 - a simulation
    rules = replace(RULES, same=0.2)
    old, new = arm(*sampled(random, 2_500, 600.0)), arm(*sampled(random, 2_500, 600.0))

    assert judge(old, new, elapsed=10 * DAY, rules=rules).decision == "same"


def polled(*, requests=10_000, failures=0, overruns=0, days=30.0):
    return Arm(
        requests=requests,
        failures=failures,
        overruns=overruns,
        source_seconds=days * DAY,
    )


@pytest.mark.parametrize(
    ("new", "reason"),
    [
        (polled(failures=900), "fail"),
        (polled(overruns=400), "lost"),
        (polled(requests=13_000), "1.30 times as many requests"),
    ],
)
def test_a_broken_guard_rail_ends_it_at_once(new, reason):
    finding = judge(polled(), new, elapsed=DAY / 2, rules=RULES)

    assert finding.decision == "harmful"
    assert reason in finding.reason


@pytest.mark.parametrize(
    "new", [polled(failures=100), polled(overruns=10), polled(requests=10_300)]
)
def test_what_chance_explains_breaks_no_guard_rail(new):
    assert judge(polled(), new, elapsed=DAY / 2, rules=RULES).decision == "running"


def test_a_longer_tail_breaks_a_guard_rail_however_short_the_mean():
    steady = arm(*([300.0] for _ in range(1_000)))
    tailed = arm(*([1_000.0 if n % 10 == 0 else 10.0] for n in range(1_000)))
    finding = judge(steady, tailed, elapsed=10 * DAY, rules=RULES)

    assert finding.ratio > 2
    assert finding.decision == "harmful"
    assert "95th percentile" in finding.reason


@given(st.dictionaries(st.text(max_size=5), st.floats(0, 1), max_size=40), st.randoms())
def test_halves_are_halves_of_like_sources(rates, random):
    sides = halves(rates, chance=random.random)

    assert sides.keys() == rates.keys()
    assert abs(2 * sum(sides.values()) - len(sides)) <= 1
    ordered = sorted(rates, key=lambda url: (-rates[url], url))
    for first, second in zip(ordered[::2], ordered[1::2], strict=False):
        assert sides[first] != sides[second]


def test_the_sides_change_places():
    assert [arm_of(0, day * DAY, DAY) for day in range(4)] == [0, 1, 0, 1]
    assert [arm_of(1, day * DAY, DAY) for day in range(4)] == [1, 0, 1, 0]
