"""`tgewatch bench`: what is asked of it, checked before anything is measured."""

import pytest


@pytest.mark.parametrize("sizes", ["", "ten", "5", "60,1000000"])
def test_sizes_that_are_none_are_refused(shell, sizes):
    ended = shell.run("bench", "--sizes", sizes)

    assert ended.code == 2
    assert "10 to 100,000" in ended.err


def test_a_trace_that_is_not_there_is_refused(shell):
    assert shell.run("bench", "--trace", "nowhere.csv").code == 2


@pytest.mark.parametrize(
    ("option", "place"),
    [("--output", "file/results.json"), ("--output", "folder"), ("--charts", "file")],
)
def test_results_that_would_find_no_place_are_not_measured(shell, tmp_path, option, place):
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "folder").mkdir()
    ended = shell.run("bench", option, str(tmp_path / place))

    assert ended.code == 2
    assert option in ended.err
