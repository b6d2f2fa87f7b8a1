"""What there is to say of X in a line or a table."""

import pytest

from tgewatch.cli.x_lines import off_line, plan_line, print_status
from tgewatch.model import Company, Priority
from tgewatch.settings import Settings, XSettings

ACCOUNTS = (
    Company("Foo", x_handle="foo", priority=Priority.HIGH),
    Company("Bar", x_handle="bar"),
    Company("Baz"),
)


def settings(companies=ACCOUNTS, **x):
    return Settings(companies=companies, x=XSettings(**x))


def test_without_a_token_it_says_how_to_turn_x_on_and_for_how_many():
    said = off_line(settings())

    assert "2 companies have accounts" in said
    for way in ("TGEWATCH_X__TOKEN", "token_env", "token_file"):
        assert way in said
    assert "\n" not in said
    assert plan_line(settings()) == "off"


def test_there_is_nothing_to_say_when_x_is_on_or_nobody_has_an_account():
    assert off_line(settings(token="t")) == ""  # noqa: S106 - of nobody
    assert off_line(settings(companies=(Company("Baz"),))) == ""


def test_the_plan_says_how_many_accounts_are_read_how_and_for_how_much():
    said = plan_line(settings(token="secret", budget=25))  # noqa: S106 - of nobody

    assert said.startswith("2 accounts: the filtered stream")
    assert "(2 rules, 2 searches)" in said
    assert said.endswith("budget 25 dollars a month")
    assert "secret" not in said


def shard(**more):
    return {
        "name": "recent/high/0",
        "query": "from:foo",
        "accounts": 1,
        "next_poll": 130.0,
        "because": "it is quiet",
        "calls": 7,
        "posts": 3,
        "answered": 90.0,
        "error": None,
        **more,
    }


STATUS = {
    "at": 95.0,
    "strategy": "accounts packed into searches",
    "stream": "not connected",
    "keywords": "none",
    "saving": "nothing is left out",
}


@pytest.mark.parametrize(
    ("more", "cells"),
    [
        ({}, ["recent/high/0", "1", "in 30 s because it is quiet", "7", "3", ""]),
        ({"next_poll": 99.0, "accounts": 0}, ["recent/high/0", "-", "now", "7", "3", ""]),
        ({"error": "X says 503"}, [..., ..., ..., ..., ..., "X says 503"]),
    ],
)
def test_each_query_has_a_line_that_says_how_it_does(more, cells, capsys):
    print_status({**STATUS, "shards": [shard(**more)]}, 100.0)

    said = capsys.readouterr()
    line = said.out.splitlines()[1].split("\t")
    assert [cell for cell, wanted in zip(line, cells, strict=True) if wanted is not ...] == [
        wanted for wanted in cells if wanted is not ...
    ]
    assert "Stream: not connected" in said.err
    assert said.err.rstrip().endswith("As of 5 s ago.")


def test_what_x_says_drives_no_terminal(capsys):
    print_status({**STATUS, "shards": [shard(error="bad\x1b[31m\u202e")]}, 100.0)

    assert "\x1b" not in capsys.readouterr().out
