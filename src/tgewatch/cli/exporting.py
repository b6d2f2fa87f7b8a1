"""`tgewatch export`: sources, companies, events and items for other programs."""

import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import nullcontext
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tgewatch.cli.files import replacing
from tgewatch.cli.options import SettingsOption, StateOption, load
from tgewatch.cli.sheets import CsvSheet, JsonSheet, OpmlSheet, Row, Sheet
from tgewatch.errors import ConfigError

if TYPE_CHECKING:
    from tgewatch.model.record import Record
    from tgewatch.settings import Settings

EVENTS = 1_000_000
"""Events of one export at most."""


class Format(StrEnum):
    """How to write it."""

    OPML = "opml"
    JSON = "json"
    CSV = "csv"


class What(StrEnum):
    """What to write."""

    SOURCES = "sources"
    COMPANIES = "companies"
    EVENTS = "events"
    ITEMS = "items"


_SOURCE = ("url", "name", "kind", "company", "priority", "why", "interval")
"""Headers stay out: they are secret."""
_COMPANY = (
    "name",
    "aliases",
    "tickers",
    "x_handle",
    "domains",
    "exclusions",
    "context",
    "priority",
)
COLUMNS: Mapping[What, Sequence[str]] = {
    What.SOURCES: _SOURCE,
    What.COMPANIES: _COMPANY,
    What.EVENTS: (
        "id",
        "company",
        "project",
        "ticker",
        "kind",
        "state",
        "date",
        "date_precision",
        "date_start",
        "score",
        "sources",
        "conflict",
        "evidence",
        "created",
        "updated",
        "dismissed",
    ),
    What.ITEMS: (
        "source",
        "source_url",
        "url",
        "title",
        "published",
        "seen",
        "stage",
        "reason",
        "relevant",
        "kind",
        "company",
        "project",
        "ticker",
        "confidence",
        "baseline",
    ),
}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("export")(export)


def export(
    context: typer.Context,
    *,
    what: Annotated[What, typer.Option("--what", help="What to write.")] = What.SOURCES,
    form: Annotated[Format, typer.Option("--format", "-f", help="How to write it.")] = Format.JSON,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File; otherwise standard output.")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="TIME", help="Events changed and items seen since then."),
    ] = None,
    settings: SettingsOption = None,
    state: StateOption = None,
) -> None:
    """Write sources, companies, events or items as OPML, JSON or CSV."""
    from tgewatch.app import run_loop  # noqa: PLC0415 - `--help` needs none of it
    from tgewatch.cli.times import moment_of  # noqa: PLC0415 - as above

    if form is Format.OPML and what is not What.SOURCES:
        raise ConfigError([f"OPML holds sources only: write {what} as json or csv"])
    after = moment_of(since) if since else 0.0
    loaded = load(context, settings, state)
    sheets: dict[Format, Sheet] = {
        Format.JSON: JsonSheet(),
        Format.CSV: CsvSheet(COLUMNS[what]),
        Format.OPML: OpmlSheet(),
    }
    run_loop(_write(rows_of(what, loaded, after), sheets[form], output))


async def _write(rows: AsyncIterator[Row], sheet: Sheet, output: Path | None) -> None:
    sys.stdout.flush()
    target = replacing(output) if output else nullcontext(sys.stdout.buffer)
    with target as opened:
        async for row in rows:
            opened.write(sheet.add(row))
        opened.write(sheet.end())
        opened.flush()


async def rows_of(what: What, settings: "Settings", since: float) -> AsyncIterator[Row]:
    """Yield what is to be written, a row each, in bounded batches."""
    if what is What.SOURCES:
        for source in settings.sources:
            yield {key: getattr(source, key) for key in _SOURCE}
    elif what is What.COMPANIES:
        for company in settings.companies:
            yield {key: getattr(company, key) for key in _COMPANY}
    else:
        async for row in _stored(what, settings, since):
            yield row


async def _stored(what: What, settings: "Settings", since: float) -> AsyncIterator[Row]:
    from tgewatch.app import open_archive  # noqa: PLC0415 - as above
    from tgewatch.cli.show import event_row  # noqa: PLC0415 - as above
    from tgewatch.clock import SystemClock  # noqa: PLC0415 - as above

    async with open_archive(settings, clock=SystemClock()) as store:
        if what is What.EVENTS:
            for event in await store.events(since=since, dismissed=True, limit=EVENTS):
                yield event_row(event)
        else:
            async for record in store.records(since):
                yield item_row(record)


def item_row(record: "Record") -> dict[str, Any]:
    """Return an item with what became of it."""
    from tgewatch.cli.show import moment_iso  # noqa: PLC0415 - as above

    item, verdict = record.judged.item, record.judged.verdict
    return {
        "source": record.source,
        "source_url": item.source,
        "url": item.url,
        "title": item.title,
        "published": moment_iso(item.published),
        "seen": moment_iso(record.seen_at),
        "stage": record.judged.stage,
        "reason": record.judged.reason,
        "relevant": verdict.relevant if verdict else None,
        "kind": str(verdict.kind) if verdict and verdict.kind else None,
        "company": verdict.company if verdict else "",
        "project": verdict.project if verdict else "",
        "ticker": verdict.ticker if verdict else "",
        "confidence": round(verdict.confidence, 4) if verdict else None,
        "baseline": record.baseline,
    }
