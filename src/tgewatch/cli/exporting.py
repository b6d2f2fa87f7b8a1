"""`tgewatch export`: sources, companies and results for other programs."""

import csv
import io
import sys
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from tgewatch.cli.files import write_whole
from tgewatch.cli.options import SettingsOption, StateOption, load
from tgewatch.cli.output import as_json
from tgewatch.errors import ConfigError

if TYPE_CHECKING:
    from tgewatch.settings import Settings

Row: TypeAlias = Mapping[str, Any]

_RISKY = ("=", "+", "-", "@", "\t", "\r")
"""With these a spreadsheet takes a cell for a formula (OWASP, CSV injection)."""


class Format(StrEnum):
    """How to write it."""

    OPML = "opml"
    JSON = "json"
    CSV = "csv"


class What(StrEnum):
    """What to write."""

    SOURCES = "sources"
    COMPANIES = "companies"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("export")(export)


def export(
    context: typer.Context,
    *,
    what: Annotated[What, typer.Option("--what", help="What to write.")] = What.SOURCES,
    form: Annotated[Format, typer.Option("--format", "-f", help="How to write it.")] = Format.JSON,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="File to write; otherwise standard output."),
    ] = None,
    settings: SettingsOption = None,
    state: StateOption = None,
) -> None:
    """Write sources, companies, events or items as OPML, JSON or CSV."""
    if form is Format.OPML and what is not What.SOURCES:
        raise ConfigError([f"OPML holds sources only: write {what} as json or csv"])
    content = written(rows_of(what, load(context, settings, state)), form)
    if output is None:
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    else:
        write_whole(output, content)


def rows_of(what: What, settings: "Settings") -> list[Row]:
    """Return what is to be written, a row each. Headers of sources stay out: they are secret."""
    if what is What.COMPANIES:
        return [
            {
                "name": c.name,
                "aliases": c.aliases,
                "tickers": c.tickers,
                "x_handle": c.x_handle,
                "domains": c.domains,
                "exclusions": c.exclusions,
                "context": c.context,
                "priority": c.priority,
            }
            for c in settings.companies
        ]
    return [
        {
            "url": s.url,
            "name": s.name,
            "kind": s.kind,
            "company": s.company,
            "priority": s.priority,
            "why": s.why,
            "interval": s.interval,
        }
        for s in settings.sources
    ]


def written(rows: Sequence[Row], form: Format) -> bytes:
    """Return rows as a file. A CSV begins with the keys of its first row."""
    if form is Format.JSON:
        return as_json(rows, indent=True) + b"\n"
    if form is Format.CSV:
        return _csv(rows)
    from tgewatch.parse.opml import Outline, write_opml  # noqa: PLC0415 - brings an XML parser

    outlines = [
        Outline(title=r["name"], url=r["url"], folder=r["company"], why=r["why"]) for r in rows
    ]
    return write_opml(outlines)


def _csv(rows: Sequence[Row]) -> bytes:
    columns = list(rows[0]) if rows else []
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows([_cell(row.get(column)) for column in columns] for row in rows)
    return out.getvalue().encode()


def _cell(value: object) -> object:
    """Return a value for a spreadsheet: lists joined, and no text that it would run."""
    if value is None or isinstance(value, bool | int | float):
        return value
    text = (
        ";".join(map(str, value))
        if isinstance(value, Iterable) and not isinstance(value, str)
        else str(value)
    )
    return f"'{text}" if text.startswith(_RISKY) else text
