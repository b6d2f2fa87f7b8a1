"""How well verdicts agree with labels: precision, recall, and what was read right."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import sqrt

from tgewatch.detect.truth import Truth
from tgewatch.model import DateClaim, Precision, Verdict

BINS = 10
MERGED = {"listing": "date_set", "live": "date_set"}
"""Kinds that readers tell apart unevenly, reported merged beside the strict figure."""
LABELLED_AS = {"cancelled": "postponed"}
Z = 1.96


@dataclass(frozen=True, slots=True)
class Marked:
    """A verdict beside the truth; None where the early filter dropped the item."""

    truth: Truth
    verdict: Verdict | None
    seconds: float = 0.0

    @property
    def found(self) -> bool:
        return self.verdict is not None and self.verdict.relevant

    @property
    def confidence(self) -> float:
        return self.verdict.confidence if self.verdict else 0.0


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many."""

    good: int
    of: int

    @property
    def value(self) -> float | None:
        return self.good / self.of if self.of else None

    def interval(self) -> tuple[float, float]:
        """Return Wilson's interval at 95 %."""
        if not self.of:
            return 0.0, 1.0
        p, n = self.good / self.of, self.of
        middle = (p + Z * Z / (2 * n)) / (1 + Z * Z / n)
        half = Z * sqrt(p * (1 - p) / n + Z * Z / (4 * n * n)) / (1 + Z * Z / n)
        return max(0.0, middle - half), min(1.0, middle + half)


@dataclass(frozen=True, slots=True)
class Marks:
    """The figures for one set of texts."""

    n: int
    precision: Share
    recall: Share
    kind: Share
    """Of the positives that were found, where the label says it; so are the following."""
    kind_merged: Share
    project: Share
    ticker: Share
    """Where the text holds the ticker."""
    date: Share
    """Where the text states a date or one follows from it."""
    calibration_error: float
    """Mean distance of confidence and truth, over ten equal bins, weighted by their size."""
    microseconds: float
    """Mean time of an item, early filter and verdict together."""

    @property
    def f1(self) -> float:
        good = self.precision.good
        return 2 * good / (self.precision.of + self.recall.of) if good else 0.0

    def as_object(self) -> dict[str, float | int | None]:
        """Return the figures by the names that `replay --json` prints."""
        return {
            "n": self.n,
            "positives": self.recall.of,
            "precision": _rounded(self.precision.value),
            "recall": _rounded(self.recall.value),
            "f1": round(self.f1, 4),
            "kind_accuracy": _rounded(self.kind.value),
            "kind_accuracy_merged": _rounded(self.kind_merged.value),
            "project_accuracy": _rounded(self.project.value),
            "ticker_accuracy": _rounded(self.ticker.value),
            "date_accuracy": _rounded(self.date.value),
            "date_items": self.date.of,
            "calibration_error": round(self.calibration_error, 4),
            "microseconds_per_item": round(self.microseconds, 1),
        }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def marks(rows: Iterable[Marked]) -> Marks:
    """Return the figures for `rows`."""
    rows = list(rows)
    hits = [r for r in rows if r.found and r.truth.relevant]
    kinds = [r for r in hits if r.truth.kind]
    named = [r for r in hits if r.truth.project or r.truth.ticker]
    dated = [r for r in hits if r.truth.date]
    ticked = [r for r in hits if r.truth.ticker and holds_ticker(r.truth)]
    return Marks(
        n=len(rows),
        precision=Share(len(hits), sum(r.found for r in rows)),
        recall=Share(len(hits), sum(r.truth.relevant for r in rows)),
        kind=Share(sum(map(kind_right, kinds)), len(kinds)),
        kind_merged=Share(sum(kind_right(r, merged=True) for r in kinds), len(kinds)),
        project=Share(sum(project_right(r) for r in named), len(named)),
        ticker=Share(sum(r.verdict.ticker == r.truth.ticker.upper() for r in ticked if r.verdict), len(ticked)),
        date=Share(sum(date_right(r) for r in dated), len(dated)),
        calibration_error=calibration_error(rows),
        microseconds=1e6 * sum(r.seconds for r in rows) / len(rows) if rows else 0.0,
    )  # fmt: skip


def kind_right(row: Marked, *, merged: bool = False) -> bool:
    """Return whether the kind agrees, strictly or with the kinds merged that overlap."""
    if row.verdict is None or row.verdict.kind is None:
        return False
    said = LABELLED_AS.get(row.verdict.kind.value, row.verdict.kind.value)
    true = LABELLED_AS.get(row.truth.kind, row.truth.kind)
    return MERGED.get(said, said) == MERGED.get(true, true) if merged else said == true


def normalised(name: str) -> str:
    """Return a name as it is compared: letters and digits in lower case."""
    return re.sub(r"[\W_]", "", name.lower())


def project_right(row: Marked) -> bool:
    """Return whether the names are equal, one holds the other, or the tickers are equal."""
    if row.verdict is None:
        return False
    said, true = row.verdict, row.truth
    if true.ticker and said.ticker.upper() == true.ticker.upper():
        return True
    name = normalised(said.project)
    known = [n for n in map(normalised, (true.project, *re.split(r"[()]", true.project))) if n]
    return bool(name) and any(name == k or name in k or k in name for k in known)


def holds_ticker(truth: Truth) -> bool:
    """Return whether the text itself holds the ticker."""
    text = f"{truth.item.title} {truth.item.summary}"
    return re.search(rf"(?<!\w){re.escape(truth.ticker)}(?!\w)", text) is not None


def date_right(row: Marked) -> bool:
    """Return whether the date agrees at the precision of the label."""
    claim = row.verdict.date if row.verdict else None
    if claim is None:
        return False
    return row.truth.date in written(claim)


def written(claim: DateClaim) -> Sequence[str]:
    """Return a date as labels write it: the day, month or quarter; a part of a month is it."""
    start = datetime.fromtimestamp(claim.start, UTC)
    month = f"{start.year}-{start.month:02}"
    if claim.precision in (Precision.INSTANT, Precision.DAY):
        return (f"{month}-{start.day:02}",)
    if claim.precision is Precision.WEEK:
        return (month, f"{month}-{start.day:02}")
    if claim.precision is Precision.MONTH:
        return (month,)
    if claim.precision is Precision.QUARTER:
        return (f"{start.year}-Q{(start.month + 2) // 3}",)
    return (str(start.year),)


def calibration_error(rows: Sequence[Marked]) -> float:
    """Return the expected calibration error of the confidences of `rows`."""
    bins: list[list[Marked]] = [[] for _ in range(BINS)]
    for row in rows:
        bins[min(BINS - 1, int(row.confidence * BINS))].append(row)
    total = 0.0
    for held in bins:
        said = sum(r.confidence for r in held)
        true = sum(r.truth.relevant for r in held)
        total += abs(said - true)
    return total / len(rows) if rows else 0.0


def by_type(rows: Sequence[Marked]) -> dict[str, dict[str, Marks]]:
    """Return figures for news and posts, sure labels and all of them."""
    return {
        name: {
            "sure": marks(r for r in rows if r.truth.post is post and r.truth.sure),
            "all": marks(r for r in rows if r.truth.post is post),
        }
        for name, post in (("news", False), ("tweet", True))
    }
