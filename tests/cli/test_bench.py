"""`tgewatch bench`: what is asked of it, checked before anything is measured."""

import pytest


@pytest.mark.parametrize("sizes", ["", "ten", "5", "60,1000000"])
def test_sizes_that_are_none_are_refused(shell, sizes):
    ended = shell.run("bench", "--sizes", sizes)

    assert ended.code == 2
    assert "10 to 100,000" in ended.err


def test_a_trace_that_is_not_there_is_refused(shell):
    assert shell.run("bench", "--trace", "nowhere.csv").code == 2
