import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgewatch.rules.ttl import ChangeRate, TtlPolicy, reach, staleness

POLICY = TtlPolicy(ttl=600.0, staleness=0.1, floor=60.0, cap=3_600.0)


def watched(period, *, every, checks, seed=1):
    """Return the belief after checking something that changes about once in `period` seconds."""
    random, believed = Random(seed), ChangeRate(POLICY.period)  # noqa: S311 - a seeded simulation
    for _ in range(checks):
        changed = random.random() < -math.expm1(-every / period)
        believed = believed.observe(every, changed=changed)
    return believed


def test_a_key_that_nobody_checked_gets_the_fixed_ttl():
    assert POLICY.of(ChangeRate(POLICY.period).rate) == pytest.approx(600.0, rel=1e-6)


@pytest.mark.parametrize("period", [600.0, 3_000.0, 20_000.0])
def test_the_rate_is_found(period):
    believed = [1 / watched(period, every=period / 2, checks=100, seed=s).rate for s in range(30)]

    assert sorted(believed)[15] == pytest.approx(period, rel=0.25)


def test_what_never_changes_is_believed_longer_and_longer():
    ttls = [POLICY.of(watched(1e12, every=600, checks=n).rate) for n in (0, 5, 20, 100)]

    assert ttls == sorted(ttls)
    assert ttls[-1] > 2 * ttls[0]


def test_what_changes_often_is_believed_shorter():
    assert POLICY.of(watched(900, every=600, checks=50).rate) < 500


def test_what_changes_too_fast_to_follow_costs_no_more_than_others():
    assert POLICY.of(1 / 5.0) == 600.0


@given(
    rate=st.floats(1e-12, 1e3),
    share=st.floats(0.001, 0.8),
    ttl=st.floats(1, 1e6),
)
def test_bounds_hold_always(rate, share, ttl):
    policy = TtlPolicy(ttl=ttl, staleness=share, floor=ttl / 10, cap=ttl * 6)

    assert ttl / 10 <= policy.of(rate) <= ttl * 6


@given(
    st.lists(st.tuples(st.floats(allow_nan=True, allow_infinity=True), st.booleans()), max_size=50)
)
def test_no_observation_breaks_the_belief(observations):
    believed = ChangeRate(1_000.0)

    for elapsed, changed in observations:
        believed = believed.observe(elapsed, changed=changed)

    assert believed.rate >= 0
    assert math.isfinite(believed.rate)


def test_an_interval_that_is_not_positive_teaches_nothing():
    believed = ChangeRate(1_000.0)

    assert believed.observe(0.0, changed=True) == believed
    assert believed.observe(-5.0, changed=False) == believed


@given(st.floats(0.0005, 0.75))
def test_reach_is_the_inverse_of_staleness(share):
    assert staleness(reach(share)) == pytest.approx(share, rel=1e-4)


def test_staleness_agrees_with_a_simulation():
    random = Random(3)  # noqa: S311 - a seeded simulation
    stale = 0
    for _ in range(20_000):
        read_at, changed_at = random.random(), random.expovariate(0.5)
        stale += changed_at < read_at

    assert stale / 20_000 == pytest.approx(staleness(0.5), abs=0.01)
