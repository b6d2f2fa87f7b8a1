"""`tgewatch run`: watch without end."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from tgewatch.cli.options import JsonOption, SettingsOption, StateOption, load
from tgewatch.cli.output import print_json, say
from tgewatch.errors import ConfigError

if TYPE_CHECKING:
    from tgewatch.app import Crew, Program, Role
    from tgewatch.engine.report import CycleReport
    from tgewatch.settings import Settings


class RoleName(StrEnum):
    """What `--role` can be; app.crew says what each means."""

    ALL = "all"
    SCHEDULER = "scheduler"
    WORKER = "worker"
    DELIVERER = "deliverer"


RoleOption: TypeAlias = Annotated[
    RoleName | None, typer.Option(help="What to do among other instances.")
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(run)


def run(
    context: typer.Context,
    *,
    settings: SettingsOption = None,
    state: StateOption = None,
    metrics: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Serve metrics for Prometheus on HOST:PORT; a PORT alone is this machine's.",
        ),
    ] = None,
    role: RoleOption = None,
    json: JsonOption = False,
) -> None:
    """Watch without end: poll what falls due and tell what changes, until Ctrl-C or SIGTERM.

    A line a minute says what was done (with --json an object a minute, on standard output).
    SIGHUP reads [metrics] of the settings anew. With a database_url and a redis_url, instances share
    the work (docs/workers.md).
    """
    watch(context, settings, state, metrics=metrics, role=role, json=json)


def watch(
    context: typer.Context,
    settings: Path | None,
    state: Path | None,
    *,
    metrics: str | None,
    role: str | None,
    json: bool,
) -> None:
    """Watch without end, alone or among others."""
    from tgewatch.app import run_loop  # noqa: PLC0415 - `--help` needs none of it
    from tgewatch.cli.logs import configure  # noqa: PLC0415 - as above

    configure(debug=context.obj.debug)

    def read() -> "Settings":
        found = load(context, settings, state)
        return found if metrics is None else _listening(found, metrics)

    run_loop(_watch(read, role=role, json=json))


def _listening(settings: "Settings", address: str) -> "Settings":
    changed = settings.metrics.model_copy(update={"listen": address})
    return settings.model_copy(update={"metrics": changed})


async def _watch(read: Callable[[], "Settings"], *, role: str | None, json: bool) -> None:
    from tgewatch.app import open_hooks, role_of  # noqa: PLC0415 - `--help` needs none of it
    from tgewatch.cli.progress import Silent  # noqa: PLC0415 - as above
    from tgewatch.cli.systemd import Supervisor  # noqa: PLC0415 - as above
    from tgewatch.cli.x_lines import off_line  # noqa: PLC0415 - as above
    from tgewatch.clock import SystemClock  # noqa: PLC0415 - as above

    settings = read()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    clock = SystemClock()
    supervisor = Supervisor()

    def reported(report: "CycleReport") -> None:
        line = summary(report)
        supervisor.status(line)
        if json:
            from tgewatch.cli.scan import as_object  # noqa: PLC0415 - as above

            print_json(as_object(report))
        else:
            say(line)

    async with AsyncExitStack() as stack:
        hooks = stack.enter_context(open_hooks(settings, clock=clock))
        program, crew = await stack.enter_async_context(
            _opened(
                settings,
                role_of(settings, role),
                clock=clock,
                progress=Silent(),
                console_to_stderr=json,
                hooks=hooks,
            )
        )
        group = await stack.enter_async_context(asyncio.TaskGroup())
        loop.add_signal_handler(signal.SIGHUP, _adjust, program, read)
        beating = group.create_task(_beat(supervisor, clock))
        supervisor.ready(f"watching {len(settings.sources)} sources")
        say(f"watching {len(settings.sources)} sources for {len(settings.companies)} companies")
        if crew is not None:
            say(f"as one of many: {crew.role}")
        if line := off_line(settings):
            say(line)
        await program.run(
            stop,
            reported=reported,
            serving=lambda url: say(f"metrics on {url}"),
            work=crew.run if crew is not None else None,
        )
        supervisor.stopping()
        beating.cancel()
    say("stopped")


@asynccontextmanager
async def _opened(
    settings: "Settings", role: "Role | None", **more: Any
) -> AsyncIterator[tuple["Program", "Crew | None"]]:
    """Open a program that is alone, or one among others."""
    if role is None:
        from tgewatch.app import open_program  # noqa: PLC0415 - as above

        async with open_program(settings, **more) as program:
            yield program, None
    else:
        from tgewatch.app.among import open_crew  # noqa: PLC0415 - as above, and slow to import

        async with open_crew(settings, role=role, **more) as opened:
            yield opened


def _adjust(program: "Program", read: Callable[[], "Settings"]) -> None:
    """Take over [metrics] as it is written now; what is wrong with it changes nothing."""
    try:
        program.metering.adjust(read().metrics)
    except ConfigError as error:
        for problem in error.problems:
            say(problem)
    else:
        say("[metrics] read anew")


async def _beat(supervisor: Any, clock: Any) -> None:
    """Tell the watchdog that the loop turns."""
    while supervisor.watchdog is not None:
        supervisor.alive()
        await clock.sleep(supervisor.watchdog)


def summary(report: "CycleReport") -> str:
    """Return what a minute brought, on one line."""
    told = ", ".join(f"{count} {what}" for what, count in report.deliveries.items() if count)
    return (
        f"{report.polled} polled ({report.unchanged} unchanged, {sum(report.failed.values())}"
        f" failed), {report.new} new items, {len(report.transitions)} changes"
        + (f", deliveries: {told}" if told else "")
    )
