"""`tgewatch demo`: a simulated week, watched by the real program."""

import math
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tgewatch.cli.exits import ExitCode
from tgewatch.cli.options import JsonOption
from tgewatch.cli.output import console, print_json
from tgewatch.errors import ConfigError

if TYPE_CHECKING:
    from tgewatch.settings import Settings
    from tgewatch.world import Plan, WorldServer

STEP = 3 * 3600.0
"""Seconds of the simulated week between two rounds."""
DAY = 86_400.0


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(demo)


def demo(
    context: typer.Context,
    *,
    folder: Annotated[
        Path, typer.Option("--folder", help="Where to keep the demo's settings and store.")
    ] = Path("state/demo"),
    outlets: Annotated[int, typer.Option(min=6, max=300, help="Feeds of the simulated web.")] = 24,
    projects: Annotated[int, typer.Option(min=1, max=60, help="Projects with a token.")] = 5,
    days: Annotated[float, typer.Option(min=0.5, max=30, help="Simulated days.")] = 7.0,
    seed: Annotated[int, typer.Option(help="Another seed, another world.")] = 1,
    json: JsonOption = False,
) -> None:
    """Watch a simulated web for a simulated week: offline, nothing to configure.

    Feeds, articles and faults are simulated, on loopback; the program is the real one.
    """
    from tgewatch.app import run_loop  # noqa: PLC0415 - `--help` needs none of it
    from tgewatch.cli.logs import configure  # noqa: PLC0415 - as above
    from tgewatch.clock import SystemClock  # noqa: PLC0415 - as above
    from tgewatch.world import make_plan  # noqa: PLC0415 - as above

    configure(debug=context.obj.debug, level=40)
    midnight = SystemClock().now() // DAY * DAY
    start = midnight - math.ceil(days) * DAY  # so that the simulated time ends today
    plan = make_plan(seed=seed, start=start, outlets=outlets, projects=projects, days=days)
    begun = time.perf_counter()
    found = run_loop(_play(plan, folder, json=json))
    found["seconds"] = round(time.perf_counter() - begun, 2)
    if json:
        print_json(found)
    else:
        _show(found, folder)
    missed = [row for row in found["projects"] if not row["right"]]
    raise typer.Exit(ExitCode.PARTIAL if missed else ExitCode.DONE)


class _Hands:
    """The demo's clock: calendar time moves by hand, waits take real time."""

    def __init__(self, now: float) -> None:
        self._now = now

    def now(self) -> float:
        return self._now

    def monotonic(self) -> float:
        return time.perf_counter()

    async def sleep(self, seconds: float) -> None:
        import asyncio  # noqa: PLC0415 - `--help` needs none of it

        await asyncio.sleep(seconds)  # noqa: TID251 - a clock of its own

    def turn(self, seconds: float) -> None:
        self._now += seconds


async def _play(plan: "Plan", folder: Path, *, json: bool) -> dict[str, Any]:
    from tgewatch.app import open_program  # noqa: PLC0415 - `--help` needs none of it
    from tgewatch.cli.progress import Silent  # noqa: PLC0415 - as above
    from tgewatch.world import WorldServer  # noqa: PLC0415 - as above

    hands = _Hands(plan.start)
    out = console(stderr=json)
    async with WorldServer(plan, now=hands.now, slow=0.2) as world:
        settings = _settings(plan, world, folder)
        out.print(
            f"[bold]A simulated week[/bold] · {len(plan.outlets)} feeds on"
            f" {world.address}:{world.port} · {len(plan.projects)} projects with a token to come\n"
        )
        rounds = 0
        async with open_program(
            settings,
            clock=hands,
            progress=Silent(),
            console_to_stderr=json,
            lookup=_lookup(world.address),
        ) as program:
            while hands.now() < plan.start + plan.days * DAY:
                await program.scan()
                rounds += 1
                hands.turn(STEP)
            events = list(await program.store.events())
        return {
            "rounds": rounds,
            "events": events,
            "projects": [_compare(truth, events) for truth in plan.truth(hands.now())],
            "requests": world.log.total,
            "unchanged": world.log.requests["feed", 304],
            "connections": world.log.connections,
            "articles": sum(world.log.pages.values()),
            "violations": world.log.violations,
        }


def _settings(plan: "Plan", world: "WorldServer", folder: Path) -> "Settings":
    """Write the demo's settings file and load it, as a user's would be."""
    import os  # noqa: PLC0415 - `--help` needs none of it

    import tomlkit  # noqa: PLC0415 - as above

    from tgewatch.settings.load import load_settings  # noqa: PLC0415 - as above

    file, marker = folder / "tgewatch.toml", folder / ".demo"
    if folder.exists():
        if any(folder.iterdir()) and not marker.exists():
            raise ConfigError(
                [f"{folder}: is not empty and not of an earlier demo; name another with --folder"]
            )
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    marker.touch()
    watched = [project for project in plan.projects if project.watched]
    names = {number: project.name for number, project in enumerate(plan.projects)}
    content = {
        "fetch": {
            "allow_private": True,
            "spacing": 0,
            "rss": {"total": 1.0, "stalled": 0.5, "connect": 0.5},
            "article": {"total": 1.0, "stalled": 0.5, "connect": 0.5},
        },
        "detection": {"mode": "discover"},
        "company": [
            {"name": p.name, "tickers": [p.ticker], "domains": [p.host], "priority": "high"}
            for p in watched
        ],
        "source": [
            {
                "url": world.url(outlet),
                "name": outlet.name,
                **(
                    {"company": names[outlet.project]}
                    if outlet.project >= 0 and plan.projects[outlet.project].watched
                    else {}
                ),
            }
            for outlet in plan.outlets
        ],
        "channel": [{"name": "console", "kind": "console"}],
    }
    file.write_text(tomlkit.dumps(content))
    return load_settings(file, environ=dict(os.environ), cwd=Path.cwd())


def _lookup(address: str) -> Any:
    """Return a resolver under which every simulated name lives at `address`."""
    import socket  # noqa: PLC0415 - `--help` needs none of it

    def lookup(_host: str, *rest: Any, **named: Any) -> Any:
        return socket.getaddrinfo(address, *rest, **named)

    return lookup


def _compare(truth: Any, events: list[Any]) -> dict[str, Any]:
    """Hold what was found of one project against the truth."""
    from tgewatch.cli.show import date_in_words, moment  # noqa: PLC0415 - as above

    mine = [event for event in events if truth.ticker == event.ticker or truth.name in event.names]
    mine = mine or [e for e in events if truth.name in {e.project, e.company}]
    state = str(mine[0].state) if mine else "unknown"
    date = date_in_words(mine[0].date)[:10] if mine else ""
    expected = moment(truth.date)[:10] if truth.date else ""
    right = len(mine) == 1 and (
        state == truth.state or (truth.state == "dated" and state == "postponed")
    )
    return {
        "project": truth.name,
        "ticker": truth.ticker,
        "truth": truth.state,
        "found": state,
        "events": len(mine),
        "date": expected,
        "date_found": date,
        "right": right and (truth.state != "dated" or date == expected),
    }


def _show(found: dict[str, Any], folder: Path) -> None:
    from rich.table import Table  # noqa: PLC0415 - `--help` needs none of it

    out = console()
    table = Table(
        title="\nWhat happened, and what was understood", title_justify="left", header_style="bold"
    )
    for column in ("project", "ticker", "truth", "found", "date", "date found", ""):
        table.add_column(column)
    for row in found["projects"]:
        table.add_row(
            row["project"], row["ticker"], row["truth"], row["found"], row["date"],
            row["date_found"], "[green]✓[/green]" if row["right"] else "[red]✗[/red]",
        )  # fmt: skip
    out.print(table)
    out.print(
        f"{found['rounds']} rounds in {found['seconds']:.1f} s: {found['requests']} requests on"
        f" {found['connections']} connections, {found['unchanged']} answered 304,"
        f" {found['articles']} articles read, {found['violations']} requests against a Retry-After."
    )
    evidence = [claim.url for event in found["events"] for claim in event.claims]
    program = "tgewatch" if shutil.which("tgewatch") else _beside(Path(sys.argv[0]))
    out.print("\nAsk it why:")
    if evidence:
        out.print(f"  {program} why {evidence[0]} -s {folder}/tgewatch.toml", soft_wrap=True)
    out.print(f"  {program} events -s {folder}/tgewatch.toml", soft_wrap=True)


def _beside(program: Path) -> str:
    """Return how to call the program from here."""
    here = Path.cwd()
    return str(program.relative_to(here) if program.is_relative_to(here) else program)
