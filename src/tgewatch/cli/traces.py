"""Logs of publications: read, replayed with a bar, and how good predictions on them were."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from tgewatch.cli.output import console, print_rows, say

if TYPE_CHECKING:
    from tgewatch.engine.experiment import Trace
    from tgewatch.rules.calibration import Reliability

YEAR = 365 * 86_400.0
LONGEST = 50 * YEAR
"""Seconds that a log spans at most; one wrong year would be replayed for hours."""
Watch: TypeAlias = Callable[[str], Callable[[float], None]]
"""Policy → what is told the share of its replay that is done."""
LogOption: TypeAlias = Annotated[
    Path,
    typer.Option("--trace", metavar="FILE.csv", help="Columns source and published (ISO 8601)."),
]


def read_log(path: Path) -> "Trace":
    """Read a log. Raises MalformedError that names what cannot be read, or is not to be believed."""
    from tgewatch.engine.experiment import read_trace  # noqa: PLC0415 - `--help` needs none of it
    from tgewatch.errors import MalformedError  # noqa: PLC0415 - as above

    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            trace = read_trace(lines)
    except UnicodeDecodeError as error:
        raise MalformedError(f"no trace: {path} is not UTF-8") from error
    except OSError as error:
        raise MalformedError(f"no trace: {path}: {error.strerror or error}") from error
    first, last = min(times[0] for times in trace.times), max(times[-1] for times in trace.times)
    if last - first > LONGEST:
        raise MalformedError(
            f"no trace: its times span {(last - first) / YEAR:,.0f} years; correct those that are"
            f" wrong, or replay at most {LONGEST / YEAR:.0f} at a time"
        )
    return trace


@contextmanager
def progress(*, quiet: bool) -> Iterator[Watch]:
    """Show a bar a policy on a terminal, a line a policy in a pipe, nothing when `quiet`."""
    if quiet and not sys.stderr.isatty():
        yield lambda _: lambda _: None
        return
    if not sys.stderr.isatty():

        def announce(name: str) -> Callable[[float], None]:
            say(f"replaying {name}")
            return lambda _: None

        yield announce
        return
    from rich.progress import Progress  # noqa: PLC0415 - only on a terminal

    with Progress(console=console(stderr=True), transient=True) as bars:

        def watch(name: str) -> Callable[[float], None]:
            task = bars.add_task(f"replaying {name}", total=1.0)
            return lambda share: bars.update(task, completed=share)

        yield watch


def reliability_object(found: "Reliability") -> dict[str, Any]:
    """Return it as values that JSON has words for."""
    return {
        "polls": found.polls,
        "brier": round(found.brier, 6),
        "base_rate_brier": round(found.base_brier, 6),
        "skill": round(found.skill, 4),
        "tenths": [
            {
                "polls": tenth.polls,
                "predicted": round(tenth.predicted, 5),
                "observed": round(tenth.observed, 5),
            }
            for tenth in found.tenths
        ],
    }


def print_tenths(name: str, found: "Reliability") -> None:
    """Print what predictions were worth, a tenth of the polls a line."""
    say(
        f"{name}: Brier score of its predictions {found.brier:.5f}, of the base rate"
        f" {found.base_brier:.5f}"
    )
    print_rows(
        ("tenth", "polls", "news predicted", "news observed"),
        [
            (number, tenth.polls, f"{tenth.predicted:.3%}", f"{tenth.observed:.3%}")
            for number, tenth in enumerate(found.tenths, 1)
        ],
        title=f"{name}: predicted and observed news, a tenth of the polls a line",
    )
