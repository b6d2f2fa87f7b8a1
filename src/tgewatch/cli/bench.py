"""`tgewatch bench`: the program measured against a simulated web, with its features on and off."""

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tgewatch.cli.exits import ExitCode
from tgewatch.cli.options import JsonOption
from tgewatch.cli.output import print_rows, say

if TYPE_CHECKING:
    from tgewatch.bench.run import Results


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(bench)


def bench(
    context: typer.Context,
    *,
    sizes: Annotated[
        str, typer.Option(help="Feeds of the simulated webs, separated by commas.")
    ] = "60,1000,10000",
    quick: Annotated[
        bool, typer.Option("--quick", help="The smallest size and few rounds: about a minute.")
    ] = False,
    naive: Annotated[
        bool, typer.Option("--naive/--no-naive", help="With the naive client, which takes minutes.")
    ] = True,
    peer: Annotated[
        str, typer.Option(metavar="PYTHON", help="An interpreter with lemon24/reader installed.")
    ] = sys.executable,
    trace: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="Log of publications (CSV: source, published)."
        ),
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Write the JSON to this file too.")] = None,
    charts: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write charts (SVG) to this folder.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Measure what the program costs and saves, each feature switched off beside it.

    Everything runs on this machine, in processes of its own; nothing leaves it.
    """
    import asyncio  # noqa: PLC0415 - `--help` needs none of it

    from tgewatch.bench.plans import Plan  # noqa: PLC0415 - as above
    from tgewatch.bench.run import run  # noqa: PLC0415 - as above
    from tgewatch.cli.logs import configure  # noqa: PLC0415 - as above

    configure(debug=context.obj.debug)
    chosen = _sizes(sizes)
    _make_room(output, charts)
    plan = Plan(
        sizes=chosen,
        naive=naive,
        peer_python=peer,
        trace=str(trace.absolute()) if trace else "",
    )
    results = asyncio.run(run(plan.quick() if quick else plan, say))
    if output is not None:
        output.write_bytes(results.dump())
    if charts is not None:
        _draw(results, charts)
    if json:
        sys.stdout.write(results.dump().decode())
    else:
        _show(results)
    raise typer.Exit(ExitCode.DONE)


def _sizes(text: str) -> tuple[int, ...]:
    try:
        sizes = tuple(sorted({int(part) for part in text.split(",") if part.strip()}))
    except ValueError:
        sizes = ()
    if not sizes or sizes[0] < 10 or sizes[-1] > 100_000:  # noqa: PLR2004 - said in the message
        raise typer.BadParameter("numbers from 10 to 100,000", param_hint="--sizes")
    return sizes


def _make_room(output: Path | None, charts: Path | None) -> None:
    """Make the folders of what is to be written, before minutes are spent on it."""
    for place, folder, option in (
        (output, output and output.parent, "--output"),
        (charts, charts, "--charts"),
    ):
        if place is None or folder is None:
            continue
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            said = f"{folder}: {error.strerror or error}"
            raise typer.BadParameter(said, param_hint=option) from error
    if output is not None and output.is_dir():
        raise typer.BadParameter(f"{output} is a folder", param_hint="--output")


def _draw(results: "Results", folder: Path) -> None:
    from tgewatch.bench.charts import charts  # noqa: PLC0415 - only when asked for

    for name, drawing in charts(results.figures, results.plan["sizes"]).items():
        (folder / name).write_text(drawing, encoding="utf-8")
        say(f"wrote {folder / name}")


def _show(results: "Results") -> None:
    from tgewatch.bench.rows import cells, rows  # noqa: PLC0415 - `--help` needs none of it

    found = (cells(row, results.figures) for row in rows(results.plan["sizes"]))
    print_rows(
        ("", "what", "tgewatch", "beside it", "", "target", ""),
        [line for line in found if line is not None],
        title="Beside it: the feature switched off, or the client that is named",
    )
    say(", ".join(f"{name} {value}" for name, value in results.machine.items() if value))
    say(", ".join(f"{name} {value}" for name, value in results.program.items() if value))
