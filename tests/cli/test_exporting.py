"""`tgewatch export`."""

import csv
import io

import pytest

from tgewatch.cli.exporting import Format, written
from tgewatch.parse.opml import parse_opml

OWN = """\
[[company]]
name = "Mine"
tickers = ["MINE"]
[[source]]
url = "https://a.example/feed"
name = "=HYPERLINK(1)"
company = "Mine"
why = "said \\"so\\""
interval = "10m"
headers = { Key = "hush" }
"""


def test_sources_as_opml_read_back(shell):
    shell.write(OWN)

    (outline,) = parse_opml(shell.run("export", "-f", "opml").out.encode())

    assert (outline.url, outline.title, outline.folder) == (
        "https://a.example/feed",
        "=HYPERLINK(1)",
        "Mine",
    )


def test_no_cell_of_a_csv_is_a_formula(shell):
    shell.write(OWN)

    rows = list(csv.DictReader(io.StringIO(shell.run("export", "-f", "csv").out)))

    assert rows[0]["name"] == "'=HYPERLINK(1)"
    assert rows[0]["interval"] == "600.0"


@pytest.mark.parametrize("cell", ["=1", "+1", "-1", "@x", "\tx", "\rx"])
def test_every_beginning_of_a_formula_is_guarded_and_numbers_are_not(cell):
    text = written([{"a": cell, "b": -1, "c": [cell, "y"]}], Format.CSV).decode()

    row = next(csv.DictReader(io.StringIO(text, newline="")))
    assert row == {"a": f"'{cell}", "b": "-1", "c": f"'{cell};y"}


@pytest.mark.parametrize("form", ["csv", "json"])
def test_what_is_exported_can_be_imported(shell, form):
    shell.write(OWN)
    shell.run("export", "--what", "companies", "-f", form, "-o", f"companies.{form}")
    shell.run("export", "--what", "sources", "-f", form, "-o", f"sources.{form}")
    shell.write("", "other.toml")

    for name in ("companies", "sources"):
        assert shell.run("import", f"{name}.{form}", "-s", "other.toml").code == 0, name

    assert shell.run("export", "-s", "other.toml").json == shell.run("export").json


def test_headers_stay_at_home(shell):
    shell.write(OWN)

    for form in ("csv", "json", "opml"):
        assert "hush" not in shell.run("export", "-f", form).out


def test_the_shipped_watchlist_survives_the_round_trip(shell):
    before = shell.run("export", "-o", "all.json")
    assert before.code == 0
    shell.run("export", "--what", "companies", "-o", "companies.json")
    shell.write("", "other.toml")
    shell.run("import", "companies.json", "-s", "other.toml")

    ended = shell.run("import", "all.json", "-s", "other.toml", "--json")

    assert (ended.code, ended.json["refused"]) == (0, 0)
    assert shell.run("export", "-s", "other.toml").json == shell.run("export").json


def test_companies_are_no_opml(shell):
    assert shell.run("export", "--what", "companies", "-f", "opml").code == 2


def test_nothing_is_an_empty_list(shell):
    shell.write("")

    assert shell.run("export").json == []
    assert shell.run("export", "-f", "csv").out.strip() == ""
    assert parse_opml(shell.run("export", "-f", "opml").out.encode()) == ()
