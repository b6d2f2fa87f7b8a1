"""`tgewatch replay`: how well detection does on labelled text."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tgewatch.cli.options import JsonOption, SettingsOption, load
from tgewatch.cli.output import print_json, print_rows, say

if TYPE_CHECKING:
    from tgewatch.detect.marking import Marked, Marks
    from tgewatch.detect.truth import Truth
    from tgewatch.settings import Settings

LINE_LIMIT = 200_000
"""Characters of one labelled line."""
FILE_LIMIT = 500_000
"""Lines that are read of a labelled file."""
WORST = 10_000


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(replay)


def replay(
    context: typer.Context,
    *,
    labelled: Annotated[
        Path,
        typer.Option(
            "--labelled",
            metavar="FILE.jsonl",
            exists=True,
            dir_okay=False,
            readable=True,
            help="Lines with type, published, title, text, url and the labels.",
        ),
    ],
    errors: Annotated[
        int, typer.Option(min=0, max=WORST, help="Show this many of the worst errors.")
    ] = 0,
    settings: SettingsOption = None,
    json: JsonOption = False,
) -> None:
    """Judge labelled text, in discover mode, and print how well that went.

    No label is shown to the detection. Unsure labels count in `all` only. Kind, project, ticker
    and date are scored on the positives that were found.
    """
    from tgewatch.detect.marking import by_type  # noqa: PLC0415 - `--help` needs none of it

    loaded = load(context, settings)
    rows = list(_judged(_truths(labelled), loaded))
    figures = by_type(rows)
    if json:
        print_json(
            {name: {k: m.as_object() for k, m in sets.items()} for name, sets in figures.items()}
        )
    else:
        _table(figures)
    for line in _worst(rows, errors):
        say(line)


def _truths(path: Path) -> "Iterator[Truth]":
    """Yield the labelled lines of a file. Raises MalformedError naming the first bad line."""
    import orjson  # noqa: PLC0415 - `--help` needs none of it

    from tgewatch.detect.truth import truth_of  # noqa: PLC0415 - as above
    from tgewatch.errors import MalformedError  # noqa: PLC0415 - as above

    with path.open("rb") as lines:
        for number in range(1, FILE_LIMIT + 1):
            line = lines.readline(LINE_LIMIT + 1)
            if not line:
                return
            if len(line) > LINE_LIMIT:
                raise MalformedError(f"line {number} is longer than {LINE_LIMIT} bytes")
            if not line.strip():
                continue
            try:
                row = orjson.loads(line)
            except orjson.JSONDecodeError as error:
                raise MalformedError(f"line {number} is not JSON: {error}") from error
            if not isinstance(row, dict):
                raise MalformedError(f"line {number} is not a JSON object")
            yield truth_of(row, number=number)


def _judged(truths: "Iterator[Truth]", settings: "Settings") -> "Iterator[Marked]":
    from tgewatch.clock import SystemClock  # noqa: PLC0415 - as above
    from tgewatch.detect.detector import Detector  # noqa: PLC0415 - as above
    from tgewatch.detect.marking import Marked  # noqa: PLC0415 - as above

    discover = settings.detection.model_copy(update={"mode": "discover"})
    detector = Detector(settings.companies, discover)
    clock = SystemClock()
    for truth in truths:
        start = clock.monotonic()
        matches = detector.scan(truth.item)
        verdict = detector.judge(truth.item, matches=matches) if matches else None
        yield Marked(truth, verdict, clock.monotonic() - start)


def _table(figures: "Mapping[str, Mapping[str, Marks]]") -> None:
    columns = ("texts", "labels", "n", "positives", "precision", "recall", "F1", "kind", "project",
               "ticker", "date", "calibration error", "µs an item")  # fmt: skip
    rows = []
    for name, sets in figures.items():
        for labels, marks in sets.items():
            shares = (marks.kind, marks.project, marks.ticker, marks.date)
            rows.append(
                (name, labels, marks.n, marks.recall.of, _percent(marks.precision.value),
                 _percent(marks.recall.value), f"{marks.f1:.3f}",
                 *(_percent(s.value) for s in shares), f"{marks.calibration_error:.3f}",
                 f"{marks.microseconds:.0f}")
            )  # fmt: skip
    print_rows(columns, rows)


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _worst(rows: "Sequence[Marked]", count: int) -> Iterator[str]:
    """Yield the errors that were made with most confidence."""
    wrong = [r for r in rows if r.found is not r.truth.relevant]
    wrong.sort(key=lambda r: (not r.truth.sure, -abs(r.confidence - r.truth.relevant)))
    for row in wrong[:count]:
        label = row.truth.kind or "relevant" if row.truth.relevant else "not relevant"
        sure = "" if row.truth.sure else ", unsure"
        title = row.truth.item.title[:140]
        yield f"said {row.confidence:.2f}, labelled {label}{sure}: {title} [{row.truth.id}]"
