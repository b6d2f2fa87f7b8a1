"""Logistic regression with a penalty per feature, by truncated Newton steps. Needs numpy."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ENOUGH = 1e-3
"""A step in which no coefficient moves further than this changes no verdict."""
STEPS, INNER_STEPS = 30, 60
SOLVED = 0.02
"""Share of the slope that may be left when a step is taken."""
Array = NDArray[np.float64]
Scales = Mapping[str, float]
"""Prefix of feature names → scale. A smaller one means a heavier penalty."""
ORIGIN = "INVENTED"
"""Stands in invented text only, so that its share of positives teaches nothing."""


def scale(name: str, scales: Scales) -> float:
    """Return the scale of the first prefix that `name` starts with, or 1."""
    return next((s for prefix, s in scales.items() if name.startswith(prefix)), 1.0)


@dataclass(frozen=True, slots=True)
class Rows:
    """Texts as the columns that occur in them: few of thousands, so only those are kept."""

    columns: NDArray[np.intp]
    values: Array
    owners: NDArray[np.intp]
    """Row of each entry."""
    count: int
    width: int

    def times(self, theta: Array) -> Array:
        """Return the sum of each row under the coefficients `theta`."""
        return np.bincount(
            self.owners, weights=self.values * theta[self.columns], minlength=self.count
        )

    def back(self, errors: Array) -> Array:
        """Return the sum of each column under the weights `errors` of the rows."""
        return np.bincount(
            self.columns, weights=self.values * errors[self.owners], minlength=self.width
        )

    def squares(self, weights: Array) -> Array:
        """Return the weighted sum of squares of each column."""
        return np.bincount(
            self.columns, weights=self.values**2 * weights[self.owners], minlength=self.width
        )


class Columns:
    """Turns lists of feature names into rows; rare features are left out."""

    def __init__(self, texts: Iterable[Sequence[str]], *, least: int, scales: Scales) -> None:
        counts: dict[str, int] = {}
        for names in texts:
            for name in names:
                counts[name] = counts.get(name, 0) + 1
        self.names = sorted(n for n, c in counts.items() if c >= least)
        self._index = {n: i for i, n in enumerate(self.names)}
        self.scales = np.array([scale(n, scales) for n in self.names])

    def rows(self, texts: Sequence[Sequence[str]]) -> Rows:
        """Return the rows of `texts`, with a last column that every row has."""
        last = len(self.names)
        columns, owners = [], []
        for row, names in enumerate(texts):
            found = [i for i in map(self._index.get, names) if i is not None]
            columns += [*found, last]
            owners += [row] * (len(found) + 1)
        where = np.array(columns, dtype=np.intp)
        return Rows(
            columns=where,
            values=np.append(self.scales, 1.0)[where],
            owners=np.array(owners, dtype=np.intp),
            count=len(texts),
            width=last + 1,
        )


def fit(
    rows: Rows,
    truth: Array,
    weights: Array,
    *,
    penalty: float,
    offset: Array | float = 0.0,
    start: Array | None = None,
) -> tuple[Array, float]:
    """Return the coefficients and the intercept, which is the last column's and not penalised.

    `offset` is what each row scores before any coefficient; `start`, coefficients and intercept to
    begin from, saves steps. Rows of weight 0 teach nothing.
    """
    theta = np.zeros(rows.width) if start is None else start.copy()
    ridge = np.full(rows.width, penalty)
    ridge[-1] = 1e-4
    for _ in range(STEPS):
        chance = 1 / (1 + np.exp(-np.clip(rows.times(theta) + offset, -35, 35)))
        slope = rows.back(weights * (chance - truth)) + ridge * theta
        step = _solved(rows, weights * chance * (1 - chance) + 1e-9, ridge, slope)
        theta -= step
        if np.abs(step).max() < ENOUGH:
            break
    return theta[:-1], float(theta[-1])


def _solved(rows: Rows, curve: Array, ridge: Array, slope: Array) -> Array:
    """Return the Newton step, by conjugate gradients scaled by the diagonal."""
    step = np.zeros_like(slope)
    diagonal = rows.squares(curve) + ridge
    left = slope.copy()
    scaled = left / diagonal
    way, size = scaled.copy(), float(left @ scaled)
    enough = SOLVED**2 * size
    for _ in range(INNER_STEPS):
        if size <= enough:
            break
        bent = rows.back(curve * rows.times(way)) + ridge * way
        length = size / float(way @ bent)
        step += length * way
        left -= length * bent
        scaled = left / diagonal
        before, size = size, float(left @ scaled)
        way = scaled + (size / before) * way
    return step
