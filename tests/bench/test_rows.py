"""The table of the bench."""

import pytest

from tgewatch.bench.rows import LARGE, cells, of_size, rows, shown


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (1_640.0, "1,640"), (123.4, "123"), (8.446, "8.45"), (31.68, "31.7"),
     (0.0314, "0.0314"), (-2.5, "-2.50"), (float("nan"), "-")],
)  # fmt: skip
def test_numbers_have_three_digits_that_matter(value, text):
    assert shown(value) == text


def test_a_line_says_whether_its_aim_was_reached():
    (row,) = [row for row in of_size(LARGE) if row.title == "steady cycle, beside a bare client"]
    figures = {row.name: 12.0, row.other: 10.0}

    assert cells(row, figures)[2:] == ("12", "10", "s", "< 20", "reached")
    assert cells(row, {row.name: 21.0})[2:] == ("21", "", "s", "< 20", "missed")


def test_what_was_not_measured_is_left_out():
    assert all(cells(row, {}) is None for row in rows((60,)))


def test_a_line_stands_once():
    titles = [(row.group, row.title) for row in rows((60, 1_000, 10_000))]

    assert len(titles) == len(set(titles))
