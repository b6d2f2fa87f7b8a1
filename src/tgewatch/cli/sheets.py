"""Rows as files: JSON, CSV and OPML, written as they come."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeAlias

from tgewatch.cli.output import as_json

Row: TypeAlias = Mapping[str, Any]

_RISKY = ("=", "+", "-", "@", "\t", "\r")
"""With these a spreadsheet takes a cell for a formula (OWASP, CSV injection)."""


class Sheet(Protocol):
    """One file in the making. Holds no more than it must."""

    def add(self, row: Row) -> bytes:
        """Return what the row adds to the file."""

    def end(self) -> bytes:
        """Return what ends the file."""


class JsonSheet:
    """A JSON array with a row on each line."""

    def __init__(self) -> None:
        self._before = b"[\n"

    def add(self, row: Row) -> bytes:
        before, self._before = self._before, b",\n"
        return before + as_json(row)

    def end(self) -> bytes:
        return b"[]\n" if self._before == b"[\n" else b"\n]\n"


class CsvSheet:
    """A CSV file (RFC 4180) that begins with its columns. No text of it is run by a spreadsheet."""

    def __init__(self, columns: Sequence[str]) -> None:
        self._columns = columns
        self._begun = False

    def add(self, row: Row) -> bytes:
        lines = [] if self._begun else [list(self._columns)]
        self._begun = True
        return _csv([*lines, [_cell(row.get(column)) for column in self._columns]])

    def end(self) -> bytes:
        return b"" if self._begun else _csv([list(self._columns)])


class OpmlSheet:
    """An OPML list of sources, a folder for each company."""

    def __init__(self) -> None:
        self._rows: list[Row] = []

    def add(self, row: Row) -> bytes:
        self._rows.append(row)
        return b""

    def end(self) -> bytes:
        from tgewatch.parse.opml import Outline, write_opml  # noqa: PLC0415 - brings an XML parser

        return write_opml(
            [
                Outline(title=r["name"], url=r["url"], folder=r["company"], why=r["why"])
                for r in self._rows
            ]
        )


def _csv(rows: Sequence[Sequence[object]]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out).writerows(rows)
    return out.getvalue().encode("utf-8", "replace")


def _cell(value: object) -> object:
    """Return a value for a spreadsheet: lists joined, and no text that it would run."""
    if value is None or isinstance(value, bool | int | float):
        return value
    text = ";".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return f"'{text}" if text.startswith(_RISKY) else text
