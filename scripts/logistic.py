"""Logistic regression with a penalty per feature, by Newton's method. Needs numpy."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

ENOUGH = 5e-3
"""A step smaller than this changes no verdict."""
Array = NDArray[np.float64]
Scales = Sequence[tuple[str, float]]
SCALES: Scales = (("word ", 0.3), ("summary ", 0.5), ("post ", 0.6), ("says ", 1.5))
KIND_SCALES: Scales = (("word ", 0.5), ("summary ", 0.5), ("post ", 0.3), ("says ", 3.0))
"""A smaller scale means a heavier penalty: what is said of many texts is trusted first."""
ORIGIN = "INVENTED"
"""Stands in invented text only, so that its share of positives teaches nothing."""


def scale(name: str, scales: Scales) -> float:
    return next((s for prefix, s in scales if name.startswith(prefix)), 1.0)


class Columns:
    """Turns lists of feature names into rows of a matrix; rare features are left out."""

    def __init__(
        self, texts: Iterable[Sequence[str]], *, least: int, scales: Scales = SCALES
    ) -> None:
        counts: dict[str, int] = {}
        for names in texts:
            for name in names:
                counts[name] = counts.get(name, 0) + 1
        self.names = sorted(n for n, c in counts.items() if c >= least)
        self._index = {n: i for i, n in enumerate(self.names)}
        self.scales = np.array([scale(n, scales) for n in self.names])

    def rows(self, texts: Sequence[Sequence[str]]) -> Array:
        found = np.zeros((len(texts), len(self.names)))
        for row, names in enumerate(texts):
            for name in names:
                column = self._index.get(name)
                if column is not None:
                    found[row, column] = self.scales[column]
        return found


def fit(
    rows: Array, truth: Array, weights: Array, *, penalty: float, steps: int = 12
) -> tuple[Array, float]:
    """Return the coefficients and the intercept."""
    count, width = rows.shape
    full = np.hstack([rows, np.ones((count, 1))])
    theta = np.zeros(width + 1)
    ridge = np.full(width + 1, penalty)
    ridge[-1] = 1e-4
    for _ in range(steps):
        chance = 1 / (1 + np.exp(-np.clip(full @ theta, -35, 35)))
        slope = full.T @ (weights * (chance - truth)) + ridge * theta
        curve = weights * chance * (1 - chance) + 1e-9
        step = np.linalg.solve((full.T * curve) @ full + np.diag(ridge), slope)
        theta -= step
        if np.abs(step).max() < ENOUGH:
            break
    return theta[:-1], float(theta[-1])
