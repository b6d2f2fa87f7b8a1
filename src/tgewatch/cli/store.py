"""`tgewatch store`: look after what is kept."""

from pathlib import Path
from typing import Annotated, Any

import typer

from tgewatch.cli.exits import ExitCode
from tgewatch.cli.options import JsonOption
from tgewatch.cli.output import print_json, print_rows, say
from tgewatch.errors import RefusedError

store = typer.Typer(help="Look after what is kept.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.add_typer(store, name="store")


@store.command()
def vacuum(context: typer.Context) -> None:
    """Forget what retention has passed, and give the space back to the file system."""
    from tgewatch.cli.archive import read  # noqa: PLC0415 - `--help` needs none of it
    from tgewatch.store import Access  # noqa: PLC0415 - as above

    async def sweep(kept: Any, now: float) -> int:
        dropped = await kept.forget(now)
        await kept.vacuum()
        return int(dropped)

    say(f"{read(context, sweep, access=Access.OWN)} items forgotten, space given back")


@store.command()
def backup(
    context: typer.Context, target: Annotated[Path, typer.Argument(help="File to write.")]
) -> None:
    """Copy a SQLite store to a file, also while it is in use."""
    from tgewatch.cli.archive import read  # noqa: PLC0415 - `--help` needs none of it

    async def copy(kept: Any, _now: float) -> None:
        if not (await kept.totals())["sources"]:
            raise RefusedError("there is nothing to copy yet; run `tgewatch scan` first")
        await kept.backup(target)

    read(context, copy)
    say(f"copied to {target}")


@store.command()
def check(context: typer.Context, *, json: JsonOption = False) -> None:
    """Look for damage, and count what is kept. Exit code 1 when something is wrong."""
    from tgewatch.cli.archive import read  # noqa: PLC0415 - `--help` needs none of it

    async def look(kept: Any, _now: float) -> tuple[Any, Any]:
        return await kept.totals(), await kept.check()

    totals, wrong = read(context, look)
    if json:
        print_json({"ok": not wrong, "problems": list(wrong), "totals": dict(totals)})
    else:
        print_rows(("what", "how many"), list(totals.items()))
        for problem in wrong:
            say(problem)
    raise typer.Exit(ExitCode.PARTIAL if wrong else ExitCode.DONE)
