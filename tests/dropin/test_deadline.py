import math

import pytest

from tgewatch.dropin.deadline import LONGEST, seconds_of


@pytest.mark.parametrize(
    ("timeout", "seconds"),
    [
        (5, 5.0),
        (0.5, 0.5),
        (None, 30.0),
        (0, 0.0),
        (-1, 0.0),
        ((3, 5), 8.0),
        ((3, None), 3.0),
        ((None, None), 30.0),
        (math.inf, LONGEST),
    ],
)
def test_a_timeout_is_understood_as_callers_write_it(timeout, seconds):
    assert seconds_of(timeout, default=30.0) == seconds


@pytest.mark.parametrize("timeout", ["5", math.nan, {}, (3, "x"), object()])
def test_what_is_no_timeout_is_said_in_a_sentence(timeout):
    with pytest.raises(ValueError, match="is not a number of seconds"):
        seconds_of(timeout, default=30.0)
