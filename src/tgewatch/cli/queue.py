"""`tgewatch queue`: what waits for workers, what they hold, and what none of them could do."""

from typing import TYPE_CHECKING

import typer

from tgewatch.cli.options import JsonOption, SettingsOption, load
from tgewatch.cli.output import print_json

if TYPE_CHECKING:
    from tgewatch.model import Backlog, Batch


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(queue)


def queue(
    context: typer.Context, *, settings: SettingsOption = None, json: JsonOption = False
) -> None:
    """Show the batches of due sources that wait, that workers hold, and that were set aside.

    A batch is set aside when three workers failed with it; its sources are sent anew meanwhile.
    """
    from tgewatch.app import run_loop  # noqa: PLC0415 - `--help` needs none of it
    from tgewatch.app.among import look_at_queue  # noqa: PLC0415 - as above

    backlog, aside = run_loop(look_at_queue(load(context, settings)))
    if json:
        print_json(
            {
                "waiting": backlog.waiting,
                "held": backlog.held,
                "aside": backlog.aside,
                "set_aside": [[due.url for due in batch.due] for batch in aside],
            }
        )
        return
    for line in _lines(backlog, aside):
        print(line)


def _lines(backlog: "Backlog", aside: "list[Batch]") -> list[str]:
    counts = (
        f"{backlog.waiting} batches wait, {backlog.held} are in hand, {backlog.aside} set aside"
    )
    return [counts, *(f"set aside: {' '.join(d.url for d in batch.due)}" for batch in aside)]
