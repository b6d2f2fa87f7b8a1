"""`tgewatch top`: a running instance, live."""

import sys
import time
from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tgewatch.cli.options import SettingsOption, StateOption, load
from tgewatch.cli.output import console, visible

if TYPE_CHECKING:
    from rich.console import RenderableType

    from tgewatch.metrics.archive import Written
    from tgewatch.settings import Settings

BARS = "▁▂▃▄▅▆▇█"
SHOWN_CYCLES = 40
SHOWN_OPERATIONS = 12
SHOWN_CHANGES = 6
WIDE = 80
"""Columns of a terminal that has room for all that is known of an operation."""
IN_NARROW = ("operation", "count", "p95")
LOST = 180.0
"""Seconds after which a running instance that writes nothing is thought to be gone."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(top)


def top(
    context: typer.Context,
    *,
    settings: SettingsOption = None,
    state: StateOption = None,
    every: Annotated[float, typer.Option(min=0.2, help="Seconds between two looks.")] = 2.0,
    count: Annotated[
        int | None,
        typer.Option(min=1, help="Looks; without it until Ctrl-C, in a pipe one."),
    ] = None,
) -> None:
    """Show what a running instance does: cycles, requests, timings, sources and changes.

    On a terminal it is drawn anew with every look; in a pipe each look is one line.
    """
    from tgewatch.app import run_loop  # noqa: PLC0415 - `--help` needs none of it

    loaded = load(context, settings, state)
    live = sys.stdout.isatty()
    looks = count or (None if live else 1)
    run_loop(_show(loaded, every=every, looks=looks, live=live))


async def _show(settings: "Settings", *, every: float, looks: int | None, live: bool) -> None:
    import asyncio  # noqa: PLC0415 - as above
    from contextlib import nullcontext  # noqa: PLC0415 - as above

    from rich.live import Live  # noqa: PLC0415 - as above

    screen = Live(console=console(), screen=True, auto_refresh=False) if live else nullcontext()
    with screen as shown:
        done = 0
        while True:
            glance = await look_at(settings)
            if shown is None:
                print(glance.line(), flush=True)
            else:
                shown.update(glance.panel(shown.console.width), refresh=True)
            done += 1
            if looks is not None and done >= looks:
                return
            await asyncio.sleep(every)  # noqa: TID251 - real time, as the one who looks has it


class Glance:
    """What one look saw."""

    def __init__(
        self,
        *,
        now: float,
        written: "Written | None",
        sources: Counter[str],
        due: int,
        changes: list[tuple[str, str, str]],
        pending: int,
    ) -> None:
        self.now = now
        self.written = written
        self.sources = sources
        """Health → sources."""
        self.due = due
        self.changes = changes
        """When, project and what, newest first."""
        self.pending = pending

    @property
    def state(self) -> str:
        """Whether an instance runs, in words."""
        from tgewatch.rules.durations import spell  # noqa: PLC0415 - as above

        written = self.written
        if written is None:
            return "nothing measured yet"
        ago = self.now - written.at
        if not written.running:
            return f"not running; last cycle {spell(ago)} ago"
        if ago > LOST:
            return f"pid {written.pid} has written nothing for {spell(ago)}"
        return f"running for {spell(self.now - written.started)} as pid {written.pid}"

    def numbers(self) -> list[tuple[str, str]]:
        """Return the figures of the last cycles, named."""
        written = self.written
        found = written.measures if written else {}
        counts = written.cycles[-1].counts if written and written.cycles else {}
        gauges = written.gauges if written else {}

        def shown(name: str, unit: str, places: int = 1) -> str:
            value = found.get(name)
            return "-" if value is None else f"{value:.{places}f}{unit}"

        memory = gauges.get("memory_megabytes")
        return [
            ("cycle", shown("cycle_seconds", " s", 2)),
            ("requests", f"{counts.get('api_calls', 0)}"),
            ("hit rate", shown("cache_hit_rate", " %")),
            ("reuse", shown("connection_reuse", " %")),
            ("429s", shown("rate_limit_violations", "", 0)),
            ("cache", shown("cache_megabytes", " MB")),
            ("memory", "-" if memory is None else f"{memory:.0f} MB"),
            ("failed", f"{counts.get('polls_failed', 0)}"),
            ("pending", f"{self.pending}"),
        ]

    def line(self) -> str:
        """Return all of it on one line."""
        health = ", ".join(f"{number} {name}" for name, number in self.sources.most_common())
        figures = ", ".join(f"{name} {value}" for name, value in self.numbers())
        return f"{self.state} | {figures} | sources: {health or 'none'}, {self.due} due"

    def panel(self, width: int) -> "RenderableType":
        """Return what a terminal of that width shows."""
        from rich.columns import Columns  # noqa: PLC0415 - as above
        from rich.console import Group  # noqa: PLC0415 - as above
        from rich.text import Text  # noqa: PLC0415 - as above

        figures = Columns(
            [
                Text.assemble((name, "dim"), "\n", (value, "bold"), justify="right")
                for name, value in self.numbers()
            ],
            padding=(0, 2),
        )
        health = ", ".join(f"{number} {name}" for name, number in self.sources.most_common())
        return Group(
            Text.assemble(("tgewatch ", "bold"), self.state),
            Text(""),
            figures,
            Text(f"\ncycles  {self._bars(width)}"),
            Text(f"sources {health or 'none polled yet'}; {self.due} due\n"),
            self._operations(width),
            Text(""),
            *(
                Text(f"{when}  {project}  {what}", overflow="ellipsis", no_wrap=True)
                for when, project, what in self.changes
            ),
        )

    def _bars(self, width: int) -> str:
        shown = max(1, min(SHOWN_CYCLES, width - len("cycles  ")))
        cycles = self.written.cycles[-shown:] if self.written else ()
        return sparkline([cycle.seconds for cycle in cycles])

    def _operations(self, width: int) -> "RenderableType":
        from rich.table import Table  # noqa: PLC0415 - as above

        from tgewatch.cli.metrics import (  # noqa: PLC0415 - as above
            OPERATION_COLUMNS,
            operation_rows,
        )

        table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
        places = [
            place
            for place, name in enumerate(OPERATION_COLUMNS)
            if width >= WIDE or name in IN_NARROW
        ]
        for place in places:
            left = place == 0
            table.add_column(
                OPERATION_COLUMNS[place],
                justify="left" if left else "right",
                no_wrap=not left,
                overflow="fold",
            )
        rows = operation_rows(self.written) if self.written else []
        for row in rows[:SHOWN_OPERATIONS]:
            table.add_row(*(visible(row[place]) for place in places))
        return table


def sparkline(values: list[float]) -> str:
    """Return values as bars, the highest of them full."""
    highest = max(values, default=0.0)
    if not highest:
        return BARS[0] * len(values)
    return "".join(BARS[min(7, int(value / highest * 7.999))] for value in values)


async def look_at(settings: "Settings") -> Glance:
    """Read metrics and store, and ask a running instance to write often for a while."""
    from tgewatch.app import open_archive  # noqa: PLC0415 - as above
    from tgewatch.clock import SystemClock  # noqa: PLC0415 - as above
    from tgewatch.metrics.archive import read_metrics  # noqa: PLC0415 - as above
    from tgewatch.metrics.metering import look  # noqa: PLC0415 - as above

    clock = SystemClock()
    written = read_metrics(settings.metrics.path)
    if written is not None and written.running:
        look(settings.metrics.path)
    async with open_archive(settings, clock=clock) as store:
        states = await store.all_states()
        changes = await store.changes(0.0, limit=SHOWN_CHANGES)
        events: dict[str, Any] = {one.event: await store.event(one.event) for one in changes}
        pending = await store.pending(clock.now(), limit=1_000)
    watched = {source.url for source in settings.sources}
    known = [one for url, one in states.items() if url in watched]
    return Glance(
        now=clock.now(),
        written=written,
        sources=Counter(one.health for one in known),
        due=sum(one.next_poll <= clock.now() for one in known) + len(watched) - len(known),
        changes=[
            (
                time.strftime("%m-%d %H:%M", time.gmtime(one.at)),
                visible(events[one.event].project if events[one.event] else one.event[:8]),
                one.change,
            )
            for one in changes
        ],
        pending=len(pending),
    )
