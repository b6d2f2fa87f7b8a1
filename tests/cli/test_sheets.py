"""Rows as files, written as they come."""

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgewatch.cli.sheets import CsvSheet, JsonSheet

rows = st.lists(
    st.fixed_dictionaries({"a": st.text(), "b": st.none() | st.integers(-9, 9) | st.booleans()}),
    max_size=4,
)


def whole(sheet, rows):
    return b"".join([*(sheet.add(row) for row in rows), sheet.end()]).decode()


@given(rows)
def test_json_reads_back(rows):
    plain = [{**row, "a": row["a"].encode("utf-8", "replace").decode()} for row in rows]

    assert json.loads(whole(JsonSheet(), plain)) == plain


@given(rows)
def test_csv_reads_back_without_a_formula_in_it(rows):
    text = whole(CsvSheet(("a", "b")), rows)

    read = list(csv.DictReader(io.StringIO(text, newline="")))
    assert len(read) == len(rows)
    for row, found in zip(rows, read, strict=True):
        assert not found["a"].startswith(("=", "+", "-", "@", "\t", "\r"))
        assert found["a"].removeprefix("'") == row["a"].encode(
            "utf-8", "replace"
        ).decode().removeprefix("'")


@pytest.mark.parametrize("cell", ["=1", "+1", "-1", "@x", "\tx", "\rx"])
def test_every_beginning_of_a_formula_is_guarded_and_numbers_are_not(cell):
    text = whole(CsvSheet(("a", "b", "c")), [{"a": cell, "b": -1, "c": [cell, "y"]}])

    row = next(csv.DictReader(io.StringIO(text, newline="")))
    assert row == {"a": f"'{cell}", "b": "-1", "c": f"'{cell};y"}


def test_a_csv_without_rows_has_its_columns():
    assert whole(CsvSheet(("a", "b")), []) == "a,b\r\n"
