"""How well verdicts agree with labels, as a person reads it."""

from collections.abc import Iterator, Mapping, Sequence

from tgewatch.cli.output import print_rows
from tgewatch.detect.marking import Marked, Marks


def table(figures: Mapping[str, Mapping[str, Marks]]) -> None:
    """Print the figures of each set of texts, a line each."""
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
                 f"{marks.microseconds:.0f}" if marks.microseconds else "-")
            )  # fmt: skip
    print_rows(columns, rows)


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def worst(rows: Sequence[Marked], count: int) -> Iterator[str]:
    """Yield the errors that were made with most confidence."""
    wrong = [r for r in rows if r.found is not r.truth.relevant]
    wrong.sort(key=lambda r: (not r.truth.sure, -abs(r.confidence - r.truth.relevant)))
    for row in wrong[:count]:
        label = row.truth.kind or "relevant" if row.truth.relevant else "not relevant"
        sure = "" if row.truth.sure else ", unsure"
        title = row.truth.item.title[:140]
        yield f"said {row.confidence:.2f}, labelled {label}{sure}: {title} [{row.truth.id}]"
