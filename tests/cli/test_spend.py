"""`tgewatch spend`: what there is to say, and how it looks."""

import json

import pytest

from tgewatch.cli import spend as command
from tgewatch.cli.spend import WIDTH, bar, summary
from tgewatch.model import Event, Kind, State
from tgewatch.rules.prices import Prices
from tgewatch.rules.spending import Bill
from tgewatch.settings import XSettings

DAY = 86_400.0
NOW = 1_790_078_400.0  # 2026-09-22, noon


def event(company):
    return Event(
        id=f"{company}-1",
        project=company,
        company=company,
        state=State.DATED,
        kind=Kind.DATE_SET,
        score=0.9,
        created=1.0,
        updated=2.0,
    )


@pytest.fixture
def bill():
    made = Bill(Prices(post=0.01, user=0.02, counts=0.05))
    made.charge_users([(1, "Foo")], NOW - 2 * DAY)
    made.charge_posts([(n, "Foo") for n in range(30)], NOW - DAY)
    made.charge_posts([(n, "Bar") for n in range(100, 110)], NOW)
    made.charge_counts(NOW)
    return made


def test_says_what_was_spent_when_for_whom_and_for_which_events(bill):
    found = summary(bill, [event("Foo"), event("Foo"), event("Baz")], XSettings(budget=10), NOW)

    assert (found["month"], found["today"], found["budget"]) == (0.47, 0.15, 10)
    assert [(day["day"], day["posts"], day["users"]) for day in found["days"]] == [
        ("2026-09-20", 0, 1),
        ("2026-09-21", 30, 0),
        ("2026-09-22", 10, 0),
    ]
    by_company = {one["company"]: one for one in found["companies"]}
    assert list(by_company) == ["Foo", "Bar", "others"]
    assert by_company["Foo"]["dollars_per_event"] == 0.16
    assert by_company["Bar"]["dollars_per_event"] is None
    assert (found["events"], found["dollars_per_event"]) == (3, round(0.47 / 3, 4))
    assert found["forecast"] > found["month"]
    assert json.loads(json.dumps(found)) == found


@pytest.mark.parametrize(
    ("budget", "said"),
    [
        (10, "nothing is left out"),
        (0.55, "keywords are left out"),
        (0.49, "keywords and companies of low priority"),
        (0.40, "only companies of high priority"),
    ],
)
def test_says_what_is_left_out_to_save_money(bill, budget, said):
    assert said in summary(bill, [], XSettings(budget=budget), NOW)["saving"]


def test_before_the_first_call_there_is_nothing_to_say():
    found = summary(Bill(), [], XSettings(), NOW)

    assert (found["month"], found["forecast"], found["days"]) == (0, 0, [])
    assert found["dollars_per_event"] is None


@pytest.mark.parametrize("off", [True, False])
def test_with_nothing_spent_it_says_so_and_whether_x_is_off(off, capsys):
    command._print(summary(Bill(), [], XSettings(), NOW), off=off)

    said = capsys.readouterr().err
    assert "Nothing was spent on X" in said
    assert ("X is off" in said) is off


def test_a_bar_is_as_long_as_its_share_to_an_eighth():
    assert bar(1.0, 1.0) == "█" * WIDTH
    assert bar(0.5, 1.0) == "█" * (WIDTH // 2)
    assert len(bar(1 / 8 / WIDTH, 1.0)) == 1
    assert bar(1 / 8 / WIDTH, 1.0) == "▏"


@pytest.mark.parametrize(("value", "most"), [(0.0, 1.0), (1.0, 0.0), (-1.0, 1.0)])
def test_nothing_has_no_bar_and_hardly_anything_has_one(value, most):
    assert bar(value, most) == ""
    assert bar(1e-9, 1.0) == "▏"


@pytest.mark.parametrize(("columns", "longest"), [(200, WIDTH), (80, 34), (20, 8)])
def test_the_chart_fits_the_terminal(bill, columns, longest, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    command._print(summary(bill, [], XSettings(), NOW), off=False)

    assert max(line.count("█") for line in capsys.readouterr().out.splitlines()) == longest


def test_a_pipe_gets_lines_with_tabs_and_the_sum_beside_them(bill, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    command._print(summary(bill, [event("Foo")], XSettings(budget=10), NOW), off=False)

    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert lines[0].split("\t")[:4] == ["day", "posts", "users", "dollars"]
    assert lines[2].split("\t")[4] == "█" * WIDTH
    assert "0.47 dollars this month" in said.err
    assert "of a budget of 10.00" in said.err
