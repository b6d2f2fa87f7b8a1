import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgewatch.rules.patience import EVERY, SILENT, patience


def test_a_source_that_answered_gets_all_the_time_and_a_new_one_does_not():
    assert patience(errors=0, cause="", answered=True, doubt=10.0) is None
    assert patience(errors=0, cause="", answered=False, doubt=10.0) == 10.0


@pytest.mark.parametrize("cause", ["http_503", "refused", "not_a_feed"])
def test_a_source_that_said_anything_gets_all_the_time_whatever_it_said(cause):
    assert patience(errors=3, cause=cause, answered=False, doubt=10.0) is None


def test_after_a_silence_it_is_waited_for_once_and_then_rarely():
    borne = [patience(errors=n, cause="stalled", answered=False, doubt=10.0) for n in range(1, 10)]

    assert borne == [None, 5.0, 5.0, 5.0, None, 5.0, 5.0, 5.0, None]


@given(st.integers(1, 1_000), st.sampled_from(sorted(SILENT)), st.booleans())
def test_no_silent_source_waits_forever_for_a_patient_try(errors, cause, answered):
    tries = [
        patience(errors=errors + n, cause=cause, answered=answered, doubt=10.0)
        for n in range(EVERY)
    ]

    assert tries.count(None) == 1
