"""`tgewatch experiment warm`: what polls right before a batch are worth."""

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tgewatch.cli.options import JsonOption
from tgewatch.cli.output import print_json, print_rows, say
from tgewatch.cli.traces import LogOption, print_tenths, progress, read_log, reliability_object

if TYPE_CHECKING:
    from tgewatch.engine.warm_replay import Warmth


def warm(
    *,
    log: LogOption,
    batch: Annotated[
        float, typer.Option(min=60.0, max=86_400.0, help="Seconds from one batch to the next.")
    ] = 1_800.0,
    share: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Of the sources, polled before each batch.")
    ] = 0.3,
    between: Annotated[
        float,
        typer.Option(
            min=0.0, max=604_800.0, help="Seconds between ordinary polls as well; 0 for none."
        ),
    ] = 0.0,
    days: Annotated[float, typer.Option(min=1.0, help="Judge so many days at most.")] = 36_500.0,
    window: Annotated[int, typer.Option(min=1, help="Entries that a feed shows.")] = 20,
    seed: Annotated[int, typer.Option(help="Of the time of the first batch.")] = 0,
    json: JsonOption = False,
) -> None:
    """Replay a warm-up before each batch: by the delay index, in turn, and none.

    Right before a batch is read, a share of the sources is polled. Shown is how much of what came
    out since the batch before is known to it, and how old what it learns is.
    """
    from tgewatch.engine import experiment, policies, warm_replay  # noqa: PLC0415 - `--help` needs none of it

    if 0 < between < policies.FLOOR:
        raise typer.BadParameter(
            f"no source is polled more often than every {policies.FLOOR:.0f} s",
            param_hint="--between",
        )
    trace = read_log(log)
    plan = experiment.plan(trace, interval=batch, window=window, seed=seed)
    plan = replace(plan, until=min(plan.until, plan.judged_from + days * 86_400.0))
    polls = round(share * len(trace.sources))
    warming = warm_replay.Warming(batch=batch, polls=polls, between=between)
    results: dict[str, Warmth] = {}
    with progress(quiet=json) as watch:
        for way in warm_replay.WAYS:
            told = watch(way)
            results[way] = warm_replay.replay(trace, way, plan, warming, progress=told)
    about = {
        "sources": len(trace.sources),
        "batch": batch,
        "polls_per_batch": polls,
        "between": between,
        "window": window,
        "seed": seed,
    }
    if json:
        print_json({**{way: _object(found) for way, found in results.items()}, "plan": about})
    else:
        _print(results, about)


def _object(found: "Warmth") -> dict[str, Any]:
    row: dict[str, Any] = {
        "share_known": round(found.share, 4),
        "mean_age": None if math.isnan(found.age) else round(found.age, 1),
        "polls": found.polls,
        "polls_with_news": found.hits,
        "batches": found.batches,
        "items": found.items,
        "known": found.known,
        "lost": found.lost,
    }
    if found.reliability.polls:
        row["calibration"] = reliability_object(found.reliability)
    return row


def _print(results: dict[str, "Warmth"], about: dict[str, Any]) -> None:
    print_rows(
        ("chosen", "known", "mean age", "polls", "with news", "items", "lost"),
        [
            (
                way.replace("_", " "),
                f"{found.share:.1%}",
                "" if math.isnan(found.age) else f"{found.age:.0f} s",
                found.polls,
                found.hits,
                found.items,
                found.lost,
            )
            for way, found in results.items()
        ],
        title="What a batch knows of the items published since the one before",
    )
    ordinary = f", and all of them every {about['between']:g} s" if about["between"] else ""
    say(
        f"{results['index'].batches} batches, one every {about['batch']:g} s;"
        f" {about['polls_per_batch']} of {about['sources']} sources polled before each{ordinary};"
        f" seed {about['seed']}"
    )
    for way, found in results.items():
        if found.reliability.polls:
            print_tenths(f"index (polls chosen {_chooser(way)})", found.reliability)


def _chooser(way: str) -> str:
    return "by itself" if way == "index" else "in turn"
