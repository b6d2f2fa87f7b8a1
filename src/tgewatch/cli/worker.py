"""`tgewatch worker`: poll what a scheduler sends, beside others who do the same."""

from typing import Annotated

import typer

from tgewatch.cli.options import JsonOption, SettingsOption, StateOption
from tgewatch.cli.run import watch


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(worker)


def worker(
    context: typer.Context,
    *,
    settings: SettingsOption = None,
    state: StateOption = None,
    metrics: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Serve metrics for Prometheus on HOST:PORT."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Poll what the scheduler sends, beside other workers, until Ctrl-C or SIGTERM.

    The same as `tgewatch run --role worker`. Needs a database_url and a redis_url: the scheduler
    and whoever delivers run elsewhere.
    """
    watch(context, settings, state, metrics=metrics, role="worker", json=json)
