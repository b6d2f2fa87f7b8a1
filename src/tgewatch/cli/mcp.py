"""`tgewatch mcp`: answer assistants over standard input and output, and be found by them."""

import asyncio
import logging
import signal
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tgewatch.cli.options import JsonOption, Shared, load, settings_file
from tgewatch.cli.output import print_json, say
from tgewatch.errors import ConfigError

if TYPE_CHECKING:
    from tgewatch.mcp.install import Entry, Installed
    from tgewatch.settings import Settings

mcp = typer.Typer(
    help="Answer assistants that speak MCP, over standard input and output.",
    invoke_without_command=True,
)
ScanOption = Annotated[
    bool, typer.Option("--allow-scan", help="Also offer scan_now, which polls what is due.")
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.add_typer(mcp, name="mcp")


@mcp.callback()
def serve(context: typer.Context, *, allow_scan: ScanOption = False) -> None:
    """Answer assistants until standard input ends; also while a watch runs.

    They may ask for events, reasons, measures and limits. The log goes to standard error.
    """
    if context.invoked_subcommand is not None:
        return
    from tgewatch.app import run_loop  # noqa: PLC0415 - `--help` needs none of it
    from tgewatch.cli.logs import configure  # noqa: PLC0415 - as above

    _needed()
    settings = load(context)
    configure(debug=context.obj.debug)
    ours = logging.getLogger("tgewatch")
    logging.getLogger().handlers = ours.handlers  # so the protocol's library adds none of its own
    with suppress(asyncio.CancelledError):
        run_loop(_serve(settings, allow_scan=allow_scan))


def _needed() -> None:
    """Raise ConfigError without the extra."""
    try:
        import mcp.server.mcpserver  # noqa: F401, PLC0415 - an extra, and slow to import
    except ImportError as error:
        raise ConfigError(["the MCP server needs `pip install tgewatch[mcp]`"]) from error


async def _serve(settings: "Settings", *, allow_scan: bool) -> None:
    from tgewatch.clock import SystemClock  # noqa: PLC0415 - `--help` needs none of it
    from tgewatch.mcp.desk import Desk  # noqa: PLC0415 - as above
    from tgewatch.mcp.scan import Scanner  # noqa: PLC0415 - as above
    from tgewatch.mcp.server import make_server  # noqa: PLC0415 - as above
    from tgewatch.mcp.stdio import serve as serve_streams  # noqa: PLC0415 - as above

    loop, task = asyncio.get_running_loop(), asyncio.current_task()

    def leave() -> None:
        for name in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(name)  # a second one ends it at once
        if task is not None:
            task.cancel()

    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, leave)
    clock = SystemClock()
    scanner = Scanner(settings, clock=clock) if allow_scan else None
    await serve_streams(make_server(Desk(settings, clock=clock, scanner=scanner)))


@mcp.command()
def install(
    context: typer.Context,
    *,
    path: Annotated[
        Path | None,
        typer.Option("--path", metavar="FILE", help="Instead of ./.mcp.json; or its folder."),
    ] = None,
    name: Annotated[str, typer.Option("--name", help="Of the entry.")] = "tgewatch",
    force: Annotated[
        bool, typer.Option("--force", help="Replace another program's entry of that name.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the file, and write nothing.")
    ] = False,
    allow_scan: ScanOption = False,
    json: JsonOption = False,
) -> None:
    """Write an entry for this program into a .mcp.json, beside whatever is there.

    The entry starts this program with the settings and the state that are in force here.
    """
    from tgewatch.mcp.install import entry_for  # noqa: PLC0415 - `--help` needs none of it

    settings = load(context)  # an entry that cannot start helps nobody
    shared = context.obj if isinstance(context.obj, Shared) else Shared()
    file = settings_file(context) if settings.file is not None else None
    told_state = shared.state or (None if settings.file is not None else settings.state)
    entry = entry_for(
        settings=None if file is None else file.absolute(),
        state=None if told_state is None else Path.cwd() / told_state.expanduser(),
        allow_scan=allow_scan,
    )
    target = _target(path)
    done = _install(target, entry, name=name, force=force, dry_run=dry_run)
    if json:
        print_json(
            {
                "path": target,
                "name": name,
                "change": done.change,
                "entry": entry.as_json(),
                "others": done.others,
                "written": done.change != "unchanged" and not dry_run,
            }
        )
        return
    if dry_run:
        print(done.content.decode(errors="replace"), end="")
    kept = f"; kept {', '.join(done.others)}" if done.others else ""
    say(f"{'would be ' if dry_run else ''}{done.change}: {name} in {target}{kept}")
    say(f"it starts: {entry.command} {' '.join(entry.args)}")


TRIES = 3
"""Times that the file is read again because somebody else wrote it meanwhile."""


def _target(path: Path | None) -> Path:
    from tgewatch.mcp.install import FILE  # noqa: PLC0415 - as above

    target = Path.cwd() / (path or Path(FILE)).expanduser()
    return target / FILE if target.is_dir() else target


def _install(target: Path, entry: "Entry", *, name: str, force: bool, dry_run: bool) -> "Installed":
    from tgewatch.cli.files import read_bounded, write_whole  # noqa: PLC0415 - as above
    from tgewatch.mcp.install import merged  # noqa: PLC0415 - as above

    if not name.strip():
        raise typer.BadParameter("the name of the entry is empty")
    for _ in range(TRIES):
        before = read_bounded(target) if target.exists() else None
        done = merged(before, entry, where=str(target), name=name, force=force)
        if done.change == "unchanged" or dry_run:
            return done
        if (read_bounded(target) if target.exists() else None) != before:
            continue
        try:
            write_whole(target, done.content)
        except OSError as error:
            raise ConfigError([f"{target}: cannot be written: {error.strerror}"]) from error
        return done
    raise ConfigError([f"{target}: somebody else keeps writing it; try again"])
