"""`tgewatch metrics`: what was measured, against targets and baseline."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from tgewatch.cli.exits import ExitCode
from tgewatch.cli.options import JsonOption, load
from tgewatch.cli.output import print_json, print_rows, say

if TYPE_CHECKING:
    from tgewatch.metrics.archive import Written
    from tgewatch.metrics.targets import Check
    from tgewatch.settings import MetricsSettings

metrics = typer.Typer(help="Show what was measured, against targets and baseline.")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.add_typer(metrics, name="metrics", invoke_without_command=True)


@metrics.callback()
def show(
    context: typer.Context,
    *,
    json: JsonOption = False,
    strict: Annotated[
        bool, typer.Option("--check", help="Exit with 1 when a target is missed.")
    ] = False,
    everybody: Annotated[
        bool, typer.Option("--all", help="Show all instances of the swarm, and their sum.")
    ] = False,
) -> None:
    """Show what the remembered cycles measured, against the targets and the baseline."""
    if context.invoked_subcommand is not None:
        return
    from tgewatch.metrics.export import summary  # noqa: PLC0415 - `--help` needs none of it

    if everybody:
        from tgewatch.cli.instances import show_all  # noqa: PLC0415 - as above

        show_all(load(context), json=json)
        return
    settings = load(context).metrics
    written = _written(settings)
    found, checks = judged(written, settings)
    if json:
        print_json(_as_object(written, found, checks))
    else:
        print(summary(checks))
        _print_baseline(settings, found)
        print_rows(OPERATION_COLUMNS, operation_rows(written), title="Operations")
        _print_ahead(written)
        _print_learned(written)
    missed = strict and any(one.passed is False for one in checks)
    raise typer.Exit(ExitCode.PARTIAL if missed else ExitCode.DONE)


@metrics.command()
def baseline(
    context: typer.Context,
    *,
    last: Annotated[
        int, typer.Option(min=1, help="Take only so many of the last cycles.")
    ] = 1_000_000,
    clear: Annotated[bool, typer.Option("--clear", help="Forget the baseline.")] = False,
) -> None:
    """Make the mean of the remembered cycles what later ones are compared with.

    Later cycles never change it; only this command does.
    """
    from tgewatch.clock import SystemClock  # noqa: PLC0415 - `--help` needs none of it
    from tgewatch.errors import RefusedError  # noqa: PLC0415 - as above
    from tgewatch.metrics.archive import write_baseline  # noqa: PLC0415 - as above
    from tgewatch.metrics.recorder import Recorder  # noqa: PLC0415 - as above

    settings = load(context).metrics
    if clear:
        settings.baseline_path.unlink(missing_ok=True)
        say("no baseline")
        return
    written = _written(settings)
    recorder = Recorder(clock=SystemClock(), history=min(last, settings.history))
    recorder.restore(written.cycles, baseline=None)
    kept = recorder.capture_baseline()
    if kept is None:
        raise RefusedError(f"{settings.path} holds no cycle yet: run `tgewatch scan` first")
    write_baseline(settings.baseline_path, kept)
    say(
        f"baseline: {kept.seconds:.2f} s and {kept.api_calls:.1f} requests, of {kept.cycles} cycles"
    )


OPERATION_COLUMNS = ("operation", "count", "errors", "mean ms", "p50", "p95", "p99", "longest")


def operation_rows(written: "Written") -> list[tuple[str, ...]]:
    """Return a row for each operation, those that took most time in all first."""
    ordered = sorted(written.operations.items(), key=lambda pair: -pair[1].get("total", 0.0))
    return [
        (
            name,
            f"{one.get('count', 0):.0f}",
            f"{one.get('errors', 0):.0f}",
            *(
                f"{1000.0 * one.get(key, 0.0):.2f}"
                for key in ("mean", "p50", "p95", "p99", "longest")
            ),
        )
        for name, one in ordered
    ]


def judged(
    written: "Written", settings: "MetricsSettings"
) -> tuple[dict[str, float | None], tuple["Check", ...]]:
    """Return the measures of what was written, and hold them against the settings' targets."""
    from tgewatch.clock import SystemClock  # noqa: PLC0415 - as above
    from tgewatch.metrics.archive import read_baseline  # noqa: PLC0415 - as above
    from tgewatch.metrics.measures import measures  # noqa: PLC0415 - as above
    from tgewatch.metrics.recorder import Recorder  # noqa: PLC0415 - as above
    from tgewatch.metrics.targets import check, targets_of  # noqa: PLC0415 - as above

    recorder = Recorder(clock=SystemClock(), history=settings.history)
    recorder.restore(written.cycles, baseline=read_baseline(settings.baseline_path))
    for what, height in written.gauges.items():
        recorder.gauge(what, height)
    found = measures(recorder.record())
    return found, check(found, targets_of(settings.targets))


def _written(settings: "MetricsSettings") -> "Written":
    """Return what was written. Raises RefusedError where there is nothing."""
    from tgewatch.errors import RefusedError  # noqa: PLC0415 - as above
    from tgewatch.metrics.archive import read_metrics  # noqa: PLC0415 - as above

    written = read_metrics(settings.path)
    if written is None:
        raise RefusedError(
            f"nothing was measured yet ({settings.path}): run `tgewatch scan` or `tgewatch run`"
        )
    return written


def _print_baseline(settings: "MetricsSettings", found: dict[str, float | None]) -> None:
    from tgewatch.metrics.archive import read_baseline  # noqa: PLC0415 - as above

    kept = read_baseline(settings.baseline_path)
    if kept is None:
        say("No baseline: `tgewatch metrics baseline` keeps one.")
        return
    faster, fewer = found["cycle_reduction"], found["call_reduction"]
    print(
        f"\nBaseline: {kept.seconds:.2f} s and {kept.api_calls:.1f} requests a cycle"
        f" ({kept.cycles} cycles)"
        + (f"; now {faster:.1f} % less time" if faster is not None else "")
        + (f", {fewer:.1f} % fewer requests" if fewer is not None else "")
        + "\n"
    )


def _print_ahead(written: "Written") -> None:
    """Say what was done ahead of its use, in the last run, and what it was worth."""
    from tgewatch.metrics.ahead import worth  # noqa: PLC0415 - `--help` needs none of it

    counts, found = written.counts, worth(written.counts)
    if counts.get("articles_read"):
        lead = written.operations.get("article.lead", {}).get("p50")
        parts = [f"{name} {value:.1%}" for name, value in found.items() if value is not None]
        if lead is not None:
            parts.append(f"ready {lead:.2f} s before a message (median)")
        print(f"\n{counts['articles_read']} articles read at detection: {', '.join(parts)}")
    if counts.get("warm_polls"):
        print(
            f"\n{counts['warm_polls']} polls before their time:"
            f" {counts.get('warm_items', 0)} new items,"
            f" {counts.get('warm_items_expected', 0)} were expected"
        )


def _print_learned(written: "Written") -> None:
    """Say for how long answers are served, where that was learned from how often they change."""
    from tgewatch.rules.durations import spell  # noqa: PLC0415 - `--help` needs none of it

    rows = [
        (tier, one.key_class, spell(one.ttl), spell(one.period), one.checks)
        for tier, learned in written.learned_ttls.items()
        for one in learned
    ]
    if rows:
        print_rows(("tier", "class", "kept for", "changes every", "checks"), rows, title="TTLs")


def _as_object(
    written: "Written", found: dict[str, float | None], checks: tuple["Check", ...]
) -> dict[str, Any]:
    from tgewatch.metrics.ahead import worth  # noqa: PLC0415 - `--help` needs none of it

    return {
        "at": written.at,
        "running": written.running,
        "measures": found,
        "articles_ahead": dict(worth(written.counts)),
        "targets": [
            {
                "measure": one.target.measure,
                "limit": one.target.limit,
                "unit": one.target.unit,
                "at_least": one.target.at_least,
                "measured": one.measured,
                "passed": one.passed,
            }
            for one in checks
        ],
        "cycles": written.cycles,
        "finished": written.finished,
        "counts": written.counts,
        "gauges": written.gauges,
        "operations": written.operations,
        "baseline": written.baseline,
        "learned_ttls": written.learned_ttls,
    }
