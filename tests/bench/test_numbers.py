"""Numbers in the docs are those of the committed results."""

import importlib.util
import sys
from pathlib import Path

import pytest

from tgewatch.bench.run import Results
from tgewatch.errors import MalformedError

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "benchmarks" / "results.json"


def script():
    spec = importlib.util.spec_from_file_location(
        "check_numbers", ROOT / "scripts" / "check_numbers.py"
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


check = script()
KNOWN = {"cycle.ours.seconds": "8.45", "calls.ours": "1,640"}


def test_every_number_in_the_docs_agrees_with_the_results():
    known = check.texts(Results.load(RESULTS.read_bytes()))
    wrong = [
        line
        for page in check.pages(ROOT)
        for line in check.problems(page.read_text(encoding="utf-8"), known, page.name)
    ]

    assert not wrong, "run scripts/check_numbers.py --write"


def test_a_number_that_differs_is_told_with_its_line():
    text = "one\ntwo <!-- bench:cycle.ours.seconds -->9<!-- /bench --> s"

    assert list(check.problems(text, KNOWN, "p.md")) == [
        "p.md:2: cycle.ours.seconds is 8.45 and not 9"
    ]


def test_unknown_names_and_open_marks_are_told():
    text = "<!-- bench:no.such -->1<!-- /bench --> <!-- bench:calls.ours -->"

    assert list(check.problems(text, KNOWN, "p.md")) == [
        "p.md:1: the results have no no.such",
        "p.md: a mark is not closed",
    ]


def test_a_figure_that_was_not_taken_says_so_until_it_is():
    text = "<!-- bench:no.such -->not measured<!-- /bench -->"
    taken = "<!-- bench:calls.ours -->not measured<!-- /bench -->"

    assert not list(check.problems(text, KNOWN, "p.md"))
    assert list(check.problems(taken, KNOWN, "p.md"))


def test_filling_in_makes_a_page_agree_and_touches_nothing_else():
    text = "a <!-- bench:calls.ours -->?<!-- /bench --> b <!-- bench:no.such -->x<!-- /bench -->"
    new = check.filled(text, KNOWN)

    assert new == text.replace("?", "1,640")
    assert check.filled(new, KNOWN) == new


def test_results_survive_the_file():
    results = Results({"cores": "2"}, {"version": "1"}, {"sizes": [60]}, {"b": 2.0, "a": 1.23456})

    assert Results.load(results.dump()).figures == {"a": 1.2346, "b": 2.0}
    with pytest.raises(MalformedError):
        Results.load(b"{}")
