"""JSON for programs, tables for people, lines for pipes."""

import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tgewatch.cli.output import as_json, print_rows, visible
from tgewatch.model import Contribution, Span
from tgewatch.settings import Pool


class Pages(tuple[int, ...]):
    __slots__ = ()


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True, slots=True)
class Sample:
    colour: Colour
    at: datetime
    parts: tuple[int, ...]


def test_values_of_the_program_become_json():
    sample = Sample(Colour.RED, datetime(2026, 1, 2, tzinfo=UTC), (1, 2))
    found = json.loads(
        as_json(
            {
                "s": sample,
                "p": Path("/x"),
                "set": {2, 1},
                "pages": Pages((3, 4)),
                "why": Contribution("bias", -1.5, span=Span("title", 0, 4)),
                "nan": math.nan,
                3: Pool().attempts,
            }
        )
    )

    assert found == {
        "s": {"colour": "red", "at": "2026-01-02T00:00:00+00:00", "parts": [1, 2]},
        "p": "/x",
        "set": [1, 2],
        "pages": [3, 4],
        "why": {
            "name": "bias",
            "value": -1.5,
            "detail": "",
            "span": {"field": "title", "start": 0, "end": 4},
        },
        "nan": None,
        "3": 3,
    }


def test_settings_become_json():
    assert json.loads(as_json(Pool()))["per_host"] == 4


@given(st.text())
def test_what_is_shown_cannot_drive_a_terminal(text):
    shown = visible(text)

    assert all(c.isprintable() or not c.isascii() for c in shown)
    assert not set(shown) & {"\x1b", "\n", "\r", "\x9b", "\u202e", "\u2066", "\u200b", "\ufeff"}


def test_what_is_printable_stays_as_it_is():
    assert visible("Ünï → ☕ 日本") == "Ünï → ☕ 日本"


def test_a_pipe_gets_lines_of_cells(capsys):
    print_rows(("a", "b"), [("x\ty", 1), ("z\n", "\x1b[31m")])

    assert capsys.readouterr().out == "a\tb\nx y\t1\nz\t[31m\n"
