"""`tgewatch experiment`: how soon news would have been seen under other polling policies."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tgewatch.cli import trial, warm
from tgewatch.cli.options import JsonOption
from tgewatch.cli.output import print_json, print_rows, say
from tgewatch.cli.traces import LogOption, print_tenths, progress, read_log, reliability_object

if TYPE_CHECKING:
    from tgewatch.engine.experiment import Plan, Ratio, Replayed, Trace


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(
        no_args_is_help=True,
        help="Compare polling policies: replayed on a log of publications, or live.",
    )
    group.command()(replay)
    group.command()(warm.warm)
    group.command()(trial.run)
    group.command()(trial.status)
    app.add_typer(group, name="experiment")


def replay(
    *,
    log: LogOption,
    rate_of_fixed: Annotated[
        float,
        typer.Option(min=1.0, max=86_400.0, help="Seconds between polls of the fixed policy."),
    ] = 600.0,
    policies: Annotated[
        str, typer.Option(help="Any of fixed, index, index2, sqrt; fixed is always there.")
    ] = "fixed,index",
    window: Annotated[int, typer.Option(min=1, help="Entries that a feed shows.")] = 20,
    seed: Annotated[int, typer.Option(help="Of the first polls and the bootstrap.")] = 0,
    json: JsonOption = False,
) -> None:
    """Replay policies on logged publication times, with equal requests.

    Exact, since polling changes nothing about what is published: each poll reveals what its source
    had published by then, and a policy learns from its own polls alone.
    """
    from tgewatch.engine import experiment  # noqa: PLC0415 - `--help` needs none of it

    names = _names(policies, experiment.POLICIES)
    trace = read_log(log)
    plan = experiment.plan(trace, interval=rate_of_fixed, window=window, seed=seed)
    results: dict[str, Replayed] = {}
    with progress(quiet=json) as watch:
        for name in names:
            results[name] = experiment.replay(trace, name, plan, progress=watch(name))
    ratios = {
        name: experiment.compare(trace, plan, results["fixed"], result)
        for name, result in results.items()
        if name != "fixed"
    }
    rows = {name: _row(result) for name, result in results.items()}
    if json:
        compared = {name: _rounded(ratio) for name, ratio in ratios.items()}
        print_json({**rows, "times_shorter": compared, "trace": _about(trace, plan)})
    else:
        _print(rows, ratios, results, _about(trace, plan))


def _names(text: str, known: tuple[str, ...]) -> list[str]:
    names = ["fixed", *(name.strip() for name in text.split(",") if name.strip())]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise typer.BadParameter(
            f"no policy {', '.join(unknown)}; there are {', '.join(known)}",
            param_hint="--policies",
        )
    return list(dict.fromkeys(names))


def _row(replayed: "Replayed") -> dict[str, Any]:
    from tgewatch.engine.experiment import summarise  # noqa: PLC0415 - as above

    summary = summarise(replayed)
    row: dict[str, Any] = {
        "mean": round(summary.mean, 2),
        "p50": round(summary.p50, 2),
        "p95": round(summary.p95, 2),
        "p99": round(summary.p99, 2),
        "max": round(summary.longest, 2),
        "requests": replayed.requests,
        "items": summary.items,
        "lost": replayed.lost,
    }
    found = replayed.reliability
    if found.polls:
        row["calibration"] = reliability_object(found)
    return row


def _rounded(ratio: "Ratio") -> dict[str, float]:
    return {
        "mean": round(ratio.value, 3),
        "low": round(ratio.low, 3),
        "high": round(ratio.high, 3),
    }


def _about(trace: "Trace", plan: "Plan") -> dict[str, Any]:
    from tgewatch.cli.show import moment_iso  # noqa: PLC0415 - as above

    return {
        "sources": len(trace.sources),
        "items": trace.items,
        "interval": plan.interval,
        "first_polls": moment_iso(plan.start),
        "judged_from": moment_iso(plan.judged_from),
        "until": moment_iso(plan.until),
        "window": plan.window,
        "seed": plan.seed,
    }


def _print(
    rows: Mapping[str, dict[str, Any]],
    ratios: "Mapping[str, Ratio]",
    results: "Mapping[str, Replayed]",
    about: Mapping[str, Any],
) -> None:
    numbers = ("mean", "p50", "p95", "p99", "max")
    print_rows(
        ("policy", *numbers, "requests", "items", "lost", "times shorter (95 %)"),
        [
            (
                name,
                *(f"{row[number]:.0f} s" for number in numbers),
                row["requests"],
                row["items"],
                row["lost"],
                _interval(ratios.get(name)),
            )
            for name, row in rows.items()
        ],
        title="Delay from publication to the poll that revealed it",
    )
    say(
        f"{about['sources']} sources, {about['items']} items; polls from {about['first_polls']},"
        f" judged from {about['judged_from']} to {about['until']}; {about['window']} entries seen"
        f" at a time; seed {about['seed']}"
    )
    for name, result in results.items():
        found = result.reliability
        if found.polls:
            print_tenths(name, found)


def _interval(ratio: "Ratio | None") -> str:
    return f"{ratio.value:.2f} ({ratio.low:.2f} to {ratio.high:.2f})" if ratio else ""
