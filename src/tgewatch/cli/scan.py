"""`tgewatch scan`: one round over what is due, and what it found."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from tgewatch.cli.exits import ExitCode
from tgewatch.cli.options import JsonOption, SettingsOption, StateOption, load
from tgewatch.cli.output import console, print_json, say, visible

if TYPE_CHECKING:
    from tgewatch.app import Hooks
    from tgewatch.engine.report import CycleReport
    from tgewatch.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(scan)


def scan(
    context: typer.Context,
    *,
    settings: SettingsOption = None,
    state: StateOption = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Poll every source, due or not.")
    ] = False,
    warm: Annotated[
        int,
        typer.Option(min=0, metavar="POLLS", help="Poll so many more, the most at risk of news."),
    ] = 0,
    now: Annotated[
        str | None,
        typer.Option(
            "--now",
            metavar="TIME",
            help="Judge and schedule as if it were then (ISO 8601 or Unix).",
        ),
    ] = None,
    json: JsonOption = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
) -> None:
    """Poll what is due once, and show what was found, dropped and told."""
    from tgewatch.app import open_hooks  # noqa: PLC0415 - `--help` needs none of it
    from tgewatch.cli.logs import configure  # noqa: PLC0415 - as above
    from tgewatch.cli.times import clock_at  # noqa: PLC0415 - as above

    configure(debug=context.obj.debug)
    clock = clock_at(now)
    loaded = load(context, settings, state)
    with open_hooks(loaded, clock=clock) as hooks:  # what agents have not heard yet, they hear last
        report = _run(
            loaded,
            clock=clock,
            hooks=hooks,
            everything=everything,
            warm=warm,
            json=json,
            quiet=quiet,
        )
        if json:
            print_json(as_object(report))
        else:
            _show(loaded, report)
    raise typer.Exit(_code(report))


def _run(
    settings: "Settings",
    *,
    clock: Any,
    hooks: "Hooks",
    everything: bool,
    warm: int,
    json: bool,
    quiet: bool,
) -> "CycleReport":
    from tgewatch.app import open_program, run_loop  # noqa: PLC0415 - `--help` needs none of it
    from tgewatch.cli.progress import progress_for  # noqa: PLC0415 - as above

    async def play() -> "CycleReport":
        shown = progress_for(console(stderr=True), quiet=quiet or json)
        with shown:
            async with open_program(
                settings, clock=clock, progress=shown, console_to_stderr=json, hooks=hooks
            ) as program:
                return await program.scan(everything=everything, warm=warm)

    return run_loop(play())


def _code(report: "CycleReport") -> ExitCode:
    if report.unreachable:
        return ExitCode.UNREACHABLE
    failed = report.failed or report.unfinished or report.crashed
    return ExitCode.PARTIAL if failed else ExitCode.DONE


def as_object(report: "CycleReport") -> dict[str, Any]:
    """Return the report as the JSON object that `scan --json` prints."""
    from tgewatch.cli.show import event_row, moment_iso  # noqa: PLC0415 - as above

    changes: dict[str, list[dict[str, Any]]] = {}
    for one in report.transitions:
        changes.setdefault(one.event, []).append(
            {"change": one.change, "at": moment_iso(one.at), "tell": one.tell, "note": one.note}
        )
    return {
        "started": moment_iso(report.started),
        "seconds": round(report.seconds, 3),
        "sources": {
            "polled": report.polled,
            "changed": report.changed,
            "unchanged": report.unchanged,
            "failed": dict(report.failed),
            "failures": report.failures,
            "deferred": report.deferred,
            "unfinished": report.unfinished,
            "not_due": report.not_due,
        },
        "warmed": report.warmed
        and {
            "polls": report.warmed.polls,
            "expected": round(report.warmed.expected, 2),
            "found": report.warmed.found,
        },
        "items": {
            "seen": report.seen,
            "new": report.new,
            "edited": report.edited,
            "dropped": {stage: dict(reasons) for stage, reasons in report.dropped.items()},
            "articles": dict(report.articles),
        },
        "events": [
            {**event_row(event), "changes": changes.get(event.id, [])}
            for event in report.events.values()
        ],
        "deliveries": dict(report.deliveries),
    }


def _show(settings: "Settings", report: "CycleReport") -> None:
    from tgewatch.cli.show import print_events  # noqa: PLC0415 - as above

    out = console()
    if report.events:
        print_events(list(report.events.values()), title="Events touched in this round")
    out.print(
        f"{report.polled} polled in {report.seconds:.1f} s: {report.changed} changed,"
        f" {report.unchanged} unchanged, {sum(report.failed.values())} failed"
        + (f", {report.deferred} deferred" if report.deferred else "")
        + (f", {report.unfinished} unfinished" if report.unfinished else "")
        + (f"; {report.not_due} not due" if report.not_due else "")
    )
    dropped = ", ".join(
        f"{sum(reasons.values())} at {stage}" for stage, reasons in report.dropped.items()
    )
    out.print(
        f"{report.seen} items seen, {report.new} new, {report.edited} edited;"
        f" {len(report.events)} events touched, {len(report.transitions)} changes;"
        f" dropped: {dropped or 'none'}"
    )
    if report.warmed is not None:
        out.print(
            f"{report.warmed.polls} polled before their time: {report.warmed.found} new items,"
            f" {report.warmed.expected:.1f} were expected"
        )
    if report.deliveries:
        told = ", ".join(f"{count} {what}" for what, count in report.deliveries.items())
        out.print(f"deliveries: {told}")
    _show_failures(report)
    if not settings.sources and not settings.x.token:
        say("No source is polled: set extends_default = true or add a [[source]].")


def _show_failures(report: "CycleReport") -> None:
    """Say in one line per cause what could not be reached."""
    causes: dict[str, list[str]] = {}
    for url, cause in report.causes.items():
        causes.setdefault(cause, []).append(url)
    for cause, urls in sorted(causes.items(), key=lambda pair: -len(pair[1])):
        shown = ", ".join(_host(url) for url in urls[:5])
        more = f" and {len(urls) - 5} more" if len(urls) > 5 else ""  # noqa: PLR2004 - shown above
        example = report.failures[urls[0]]
        say(f"{len(urls)} failed ({cause}): {shown}{more}; {visible(example)}")


def _host(url: str) -> str:
    from urllib.parse import urlsplit  # noqa: PLC0415 - `--help` needs none of it

    return urlsplit(url).hostname or url
