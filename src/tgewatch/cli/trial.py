"""`tgewatch experiment run` and `status`: a polling policy tried live on half of the sources."""

import asyncio
import math
import signal
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tgewatch.cli.options import JsonOption, SettingsOption, StateOption, load
from tgewatch.cli.output import print_json, print_rows, say

if TYPE_CHECKING:
    from tgewatch.app import Program
    from tgewatch.clock import Clock
    from tgewatch.engine.report import CycleReport
    from tgewatch.engine.trial import Trial
    from tgewatch.rules.trial import Finding
    from tgewatch.settings import Settings

KEEP = 60.0
"""Seconds between two times that the counts are stored; a crash loses those in between."""
LEAST_SOURCES = 4


def run(
    context: typer.Context,
    *,
    settings: SettingsOption = None,
    state: StateOption = None,
    restart: Annotated[
        bool, typer.Option("--restart", help="Forget an earlier trial and begin another.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Watch like `run` does, with the index on half of the sources and fixed intervals on the rest.

    The halves are alike in pace, change places every day, and are kept across restarts. Ends when
    the difference is clear, a guard rail breaks, the time is over, or on Ctrl-C or SIGTERM.
    """
    from tgewatch.app import run_loop  # noqa: PLC0415 - `--help` needs none of it
    from tgewatch.cli.logs import configure  # noqa: PLC0415 - as above

    configure(debug=context.obj.debug)
    loaded = load(context, settings, state)
    run_loop(_watch(loaded, restart=restart, json=json))


def status(
    context: typer.Context,
    *,
    settings: SettingsOption = None,
    state: StateOption = None,
    json: JsonOption = False,
) -> None:
    """Show where the live trial stands, also while it runs."""
    from tgewatch.cli.archive import read  # noqa: PLC0415 - `--help` needs none of it
    from tgewatch.engine.trial import NOTE  # noqa: PLC0415 - as above

    async def ask(store: Any, now: float) -> tuple[bytes | None, float]:
        return await store.note(NOTE), now

    note, now = read(context, ask, settings=load(context, settings, state))
    if note is None:
        if json:
            print_json(None)
        else:
            say("no trial; begin one with `tgewatch experiment run`")
        return
    trial = _loaded(note)
    _show(trial, trial.finding(now), now, json=json)


async def _watch(settings: "Settings", *, restart: bool, json: bool) -> None:
    from tgewatch.app import open_program  # noqa: PLC0415 - `--help` needs none of it
    from tgewatch.cli.progress import Silent  # noqa: PLC0415 - as above
    from tgewatch.cli.run import summary  # noqa: PLC0415 - as above
    from tgewatch.clock import SystemClock  # noqa: PLC0415 - as above

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    clock = SystemClock()

    def reported(report: "CycleReport") -> None:
        say(summary(report))

    async with open_program(
        settings, clock=clock, progress=Silent(), console_to_stderr=json
    ) as program:
        trial = await _trial(program, restart=restart)
        program.schedule.trial = trial
        say(f"{trial!r}, {'begun' if trial.changed else 'continued'}")
        async with asyncio.TaskGroup() as group:
            keeping = group.create_task(_keep(program, trial, clock, stop))
            await program.run(stop, reported=reported)
            keeping.cancel()
        await program.store.write_note(_note(), trial.dump(), at=clock.now())
    now = clock.now()
    _show(trial, trial.finding(now), now, json=json)


async def _trial(program: "Program", *, restart: bool) -> "Trial":
    """Go on with the stored trial, or begin one. Raises ConfigError with too few sources."""
    from random import Random  # noqa: PLC0415 - as above

    from tgewatch.engine.trial import Trial  # noqa: PLC0415 - as above
    from tgewatch.errors import ConfigError  # noqa: PLC0415 - as above

    note = None if restart else await program.store.note(_note())
    if note is not None:
        return _loaded(note)
    rates = program.schedule.rates()
    if len(rates) < LEAST_SOURCES:
        raise ConfigError(
            [f"a trial needs {LEAST_SOURCES} sources without an interval of their own"]
        )
    chance = Random()  # noqa: S311 - assigns halves
    return Trial.begin(rates, now=program.clock.now(), chance=chance.random)


def _loaded(note: bytes) -> "Trial":
    """Return the trial that was stored. Raises MalformedError that says what to do."""
    from tgewatch.engine.trial import Trial  # noqa: PLC0415 - as above
    from tgewatch.errors import MalformedError  # noqa: PLC0415 - as above

    try:
        return Trial.load(note)
    except MalformedError as error:
        raise MalformedError(
            f"{error}; `tgewatch experiment run --restart` begins another"
        ) from error


async def _keep(program: "Program", trial: "Trial", clock: "Clock", stop: asyncio.Event) -> None:
    """Store the counts now and then, and stop when the trial is over."""
    while True:
        over = trial.finding(clock.now()).over
        if trial.changed:
            trial.changed = False
            await program.store.write_note(_note(), trial.dump(), at=clock.now())
        if over:
            stop.set()
            return
        await clock.sleep(KEEP)


def _note() -> str:
    from tgewatch.engine.trial import NOTE  # noqa: PLC0415 - `--help` needs none of it

    return NOTE


def _show(trial: "Trial", finding: "Finding", now: float, *, json: bool) -> None:
    rows = [_row(trial, arm) for arm in (0, 1)]
    if json:
        from tgewatch.cli.show import moment_iso  # noqa: PLC0415 - `--help` needs none of it

        print_json(
            {
                "decision": finding.decision,
                "reason": finding.reason,
                "times_shorter": {
                    "mean": finding.ratio,
                    "low": finding.low,
                    "high": finding.high,
                },
                "started": moment_iso(trial.started),
                "days": round((now - trial.started) / 86_400, 2),
                "arms": {row["policy"]: row for row in rows},
            }
        )
        return
    columns = ("policy", "items", "mean", "p95", "polls", "a source and day", "failed", "overruns")
    print_rows(
        columns,
        [
            (
                row["policy"],
                row["items"],
                f"{row['mean']:.0f} s",
                f"{row['p95']:.0f} s",
                row["requests"],
                f"{row['per_source_day']:.0f}",
                row["failures"],
                row["overruns"],
            )
            for row in rows
        ],
    )
    say(f"{finding.decision}: {finding.reason}")
    if not math.isnan(finding.ratio):
        say(
            f"the mean delay of {trial.policies[1]} is {finding.ratio:.2f} times shorter"
            f" ({finding.low:.2f} to {finding.high:.2f}, valid at every look)"
        )


def _row(trial: "Trial", number: int) -> dict[str, Any]:
    arm = trial.arms[number]
    days = arm.source_seconds / 86_400
    return {
        "policy": trial.policies[number],
        "items": arm.items,
        "mean": round(arm.mean, 2),
        "p95": round(arm.quantile(0.95), 2),
        "requests": arm.requests,
        "per_source_day": round(arm.requests / days, 2) if days else 0.0,
        "failures": arm.failures,
        "overruns": arm.overruns,
    }
