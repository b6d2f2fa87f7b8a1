"""The command line: one module a command, each with `register(app)`."""

import io
import os
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from tgewatch.cli.exits import ExitCode, explained
from tgewatch.cli.options import SettingsOption, Shared, StateOption
from tgewatch.cli.output import say

COMMANDS = (
    "scan",
    "run",
    "worker",
    "queue",
    "events",
    "why",
    "label",
    "sources",
    "spend",
    "deliveries",
    "store",
    "metrics",
    "top",
    "check",
    "importing",
    "exporting",
    "demo",
    "replay",
    "experiment",
    "bench",
    "quality",
    "mcp",
)
"""Modules beside this one, in the order of `--help`. A module imports little: see `options`."""


class Commands(TyperGroup):
    """Turns whatever ends a command into a message and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command. Raises nothing but what Typer itself reports."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except (typer.Exit, typer.Abort):
            raise
        except BrokenPipeError as error:
            _discard_output()
            raise typer.Exit(ExitCode.PIPE_CLOSED) from error
        except (KeyboardInterrupt, BaseExceptionGroup, Exception) as error:
            if hasattr(error, "format_message"):  # wrong usage, which Typer words itself
                raise
            raise typer.Exit(_report(error, debug=bool(ctx.params.get("debug")))) from error
        return result


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version  # noqa: PLC0415 - slow to import

        print(f"tgewatch {version('tgewatch')}")
        raise typer.Exit


app = typer.Typer(
    cls=Commands,
    name="tgewatch",
    help="Watches public places for token generation events and tells you once per real change.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done, 1 done with failed sources, 2 wrong usage or settings, 3 nothing"
    " could be reached, 4 another instance holds the store, 70 a fault of the program,"
    " 130 interrupted.",
)


@app.callback()
def options(
    context: typer.Context,
    *,
    settings: SettingsOption = None,
    state: StateOption = None,
    debug: Annotated[
        bool, typer.Option("--debug", envvar="TGEWATCH_DEBUG", help="Show details of errors.")
    ] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="As NO_COLOR=1 does.")] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Watches public places for token generation events and tells you once per real change."""
    del version  # acted upon before any command
    if no_color:
        os.environ["NO_COLOR"] = "1"
    context.obj = Shared(settings=settings, state=state, debug=debug)


for _name in COMMANDS:
    if find_spec(f"tgewatch.cli.{_name}"):
        import_module(f"tgewatch.cli.{_name}").register(app)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the program with the arguments given, or those of the process, and exit."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if "--debug" in given:  # people add it at the end of the command that failed
        given = ["--debug", *(a for a in given if a != "--debug")]
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    app(given, prog_name="tgewatch")


def _report(error: BaseException, *, debug: bool) -> ExitCode:
    if debug:
        traceback.print_exception(error)
    code, lines = explained(error)
    for line in lines:
        say(line)
    return code


def _discard_output() -> None:
    """Send what is still buffered nowhere, so that leaving does not fail again."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
