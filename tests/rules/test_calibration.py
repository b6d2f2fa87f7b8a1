from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgewatch.rules.calibration import CalibrationLog


def logged(count, observed, *, seed=1):
    random, log = Random(seed), CalibrationLog()  # noqa: S311 - a simulation
    for _ in range(count):
        probability = 10 ** (-3 * random.random())
        log.add(probability, hit=random.random() < observed(probability))
    return log.reliability()


def test_true_probabilities_are_found_reliable():
    found = logged(40_000, lambda p: p)

    assert len(found.tenths) == 10
    assert all(t.observed == pytest.approx(t.predicted, rel=0.5, abs=0.003) for t in found.tenths)
    assert found.brier < found.base_brier
    assert 0 < found.skill < 1


def test_wrong_probabilities_are_found_out():
    found = logged(40_000, lambda p: min(1.0, 5 * p * p))

    assert any(t.observed < t.predicted / 2 for t in found.tenths)


def test_predictions_worse_than_the_base_rate_have_no_skill():
    assert logged(5_000, lambda p: 1 - p).skill < 0


def test_nothing_logged_says_nothing():
    found = CalibrationLog().reliability()

    assert (found.polls, found.brier, found.skill, found.tenths) == (0, 0.0, 0.0, ())


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=200))
def test_every_poll_is_in_one_tenth(polls):
    log = CalibrationLog()
    for probability, hit in polls:
        log.add(probability, hit=hit)
    found = log.reliability()

    assert sum(t.polls for t in found.tenths) == found.polls == len(polls)
    assert len(found.tenths) <= 10
    hits = sum(t.observed * t.polls for t in found.tenths)
    assert hits == pytest.approx(sum(hit for _, hit in polls))
