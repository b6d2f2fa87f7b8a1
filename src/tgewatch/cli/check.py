"""`tgewatch check`: whether the settings are right, and what they amount to."""

import os
from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer

from tgewatch.cli.exits import ExitCode
from tgewatch.cli.options import JsonOption, SettingsOption, StateOption, load
from tgewatch.cli.output import console, print_json, say, visible
from tgewatch.errors import ConfigError

if TYPE_CHECKING:
    from tgewatch.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(check)


def check(
    context: typer.Context,
    *,
    settings: SettingsOption = None,
    state: StateOption = None,
    json: JsonOption = False,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON Schema of the settings file.")
    ] = False,
    reference: Annotated[
        bool, typer.Option("--reference", help="Print every setting as Markdown.")
    ] = False,
    alive: Annotated[
        bool, typer.Option("--alive", help="Say whether a watch with these settings is alive.")
    ] = False,
) -> None:
    """Report every problem of the settings at once, or what they amount to.

    With --alive, exit code 1 when no watch shows a sign of life: for health checks.
    """
    if alive:
        _show_sign(load(context, settings, state), json=json)
    if schema:
        from tgewatch.settings.file import schema as schema_of_file  # noqa: PLC0415 - rarely used

        print_json(schema_of_file())
        return
    if reference:
        from tgewatch.settings.reference import reference as text  # noqa: PLC0415 - rarely used

        print(text(), end="")
        return
    try:
        found = summary(load(context, settings, state))
    except ConfigError as error:
        if not json:
            raise
        print_json({"ok": False, "problems": error.problems})
        raise typer.Exit(ExitCode.WRONG) from error
    if json:
        print_json({"ok": True, "problems": [], **found})
    else:
        _print(found)


def _show_sign(settings: "Settings", *, json: bool) -> None:
    from tgewatch.cli.alive import sign  # noqa: PLC0415 - rarely used
    from tgewatch.clock import SystemClock  # noqa: PLC0415 - as above

    found = sign(settings, SystemClock().now())
    if json:
        print_json(found)
    else:
        say(f"{'alive' if found.alive else 'no sign of life'}: {found.how}")
    raise typer.Exit(ExitCode.DONE if found.alive else ExitCode.PARTIAL)


def summary(settings: "Settings") -> dict[str, Any]:
    """Return what the settings amount to, without secrets. Raises ConfigError."""
    from tgewatch.cli.x_lines import plan_line  # noqa: PLC0415 - `--help` needs none of it
    from tgewatch.rules.x_plan import problems  # noqa: PLC0415 - as above
    from tgewatch.swarm import swarm_line  # noqa: PLC0415 - as above
    from tgewatch.swarm.claude_flow.place import line  # noqa: PLC0415 - as above

    if found := problems(settings.x):
        raise ConfigError(found)
    database = settings.store.database_url
    return {
        "settings": str(settings.file) if settings.file else "built in",
        "state": str(settings.state),
        "companies": dict(Counter(str(c.priority) for c in settings.companies)),
        "sources": dict(Counter(s.kind for s in settings.sources)),
        "official_sources": sum(1 for s in settings.sources if s.company),
        "channels": {c.name: c.kind for c in settings.channels},
        "store": database.partition(":")[0] if database else str(settings.store.path),
        "swarm": swarm_line(settings.swarm),
        "claude_flow": line(
            settings.claude_flow,
            folder=settings.root,
            state=settings.state,
            path=os.environ.get("PATH"),
        ),
        "policy": settings.polling.policy,
        "interval": settings.polling.interval,
        "mode": settings.detection.mode,
        "x": plan_line(settings),
        "second_opinion": _opinion_line(settings),
        "notes": _notes(settings),
    }


def _opinion_line(settings: "Settings") -> str:
    """Return who is asked about unsure verdicts, and what that may cost."""
    asked = settings.second_opinion
    if not asked.on:
        return "nobody is asked for a second opinion"
    low, high = asked.band
    money = f" and {asked.dollars:g} $" if asked.dollars else ""
    return (
        f"{asked.model} at {urlsplit(asked.url).hostname}, about verdicts from {low:g} to {high:g},"
        f" within {asked.calls} calls{money} a day"
    )


def _notes(settings: "Settings") -> list[str]:
    """Return what is off or unusual, and how to change it, a sentence each."""
    from tgewatch.cli.x_lines import off_line  # noqa: PLC0415 - as above

    notes = []
    if not settings.companies and settings.detection.mode == "watch":
        notes.append(
            "No company is watched: set extends_default = true, add a [[company]],"
            ' or set [detection] mode = "discover".'
        )
    if not settings.sources and not settings.x.token:
        notes.append("No source is polled: set extends_default = true or add a [[source]].")
    if not settings.channels:
        notes.append("Nobody is told: add a [[channel]].")
    elif all(c.kind == "console" for c in settings.channels):
        notes.append("Only the console is told: add a [[channel]] with a url for e-mail or chat.")
    if settings.fetch.allow_private:
        notes.append("Private addresses may be fetched: [fetch] allow_private = false forbids it.")
    if line := off_line(settings):
        notes.append(line)
    return notes


def _print(found: dict[str, Any]) -> None:
    from rich.markup import escape  # noqa: PLC0415 - `--help` needs none of it

    companies, sources, channels = found["companies"], found["sources"], found["channels"]
    rows = {
        "settings": found["settings"],
        "state": found["state"],
        "companies": f"{sum(companies.values())} ({_counts(companies)})",
        "sources": f"{sum(sources.values())} ({_counts(sources)};"
        f" {found['official_sources']} of companies on the watchlist)",
        "channels": ", ".join(f"{name} ({kind})" for name, kind in channels.items()) or "none",
        "store": found["store"],
        "swarm": found["swarm"],
        "polling": f"{found['policy']}, about every {found['interval']:g} s",
        "detection": f"{found['mode']} mode",
        "x": found["x"],
        "hooks": f"claude-flow {found['claude_flow']}",
    }
    out = console()
    for name, value in rows.items():
        out.print(f"[bold]{name:<10}[/bold] {escape(visible(value))}")
    for note in found["notes"]:
        out.print(f"[yellow]{'note':<10}[/yellow] {escape(note)}")
    out.print("[green]The settings are valid.[/green]")


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{number} {name}" for name, number in sorted(counts.items())) or "none"
