import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgewatch.rules.patience import EVERY, SILENT, is_trusted


def test_a_source_that_answered_is_trusted_and_a_new_one_is_not():
    assert is_trusted(errors=0, cause="", answered=True)
    assert not is_trusted(errors=0, cause="", answered=False)


@pytest.mark.parametrize("cause", ["http_503", "refused", "not_a_feed"])
def test_a_source_that_said_anything_is_trusted_whatever_it_said(cause):
    assert is_trusted(errors=3, cause=cause, answered=False)


def test_after_a_silence_it_is_waited_for_once_and_then_rarely():
    trusted = [is_trusted(errors=n, cause="stalled", answered=False) for n in range(1, 10)]

    assert trusted == [True, False, False, False, True, False, False, False, True]


@given(st.integers(1, 1_000), st.sampled_from(sorted(SILENT)), st.booleans())
def test_no_silent_source_waits_forever_for_a_patient_try(errors, cause, answered):
    assert any(is_trusted(errors=errors + n, cause=cause, answered=answered) for n in range(EVERY))
