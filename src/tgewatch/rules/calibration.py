"""How good the predicted probabilities of news were: Brier score and reliability by tenths."""

import math
from dataclasses import dataclass

_DECADES = 8
_PER_DECADE = 50
"""Predictions are counted on a logarithmic scale from 1e-8 to 1, in bounded memory."""


@dataclass(frozen=True, slots=True)
class Tenth:
    """About a tenth of all predictions."""

    polls: int
    predicted: float
    """Mean probability of news."""
    observed: float
    """Share of the polls that brought news."""


@dataclass(frozen=True, slots=True)
class Reliability:
    """What predictions were worth."""

    polls: int
    brier: float
    """Mean squared error of the predictions; smaller is better."""
    base_brier: float
    """The same for always predicting the overall share."""
    tenths: tuple[Tenth, ...]
    """Least likely first."""

    @property
    def skill(self) -> float:
        """Share of the base rate's error that the predictions remove."""
        return 1 - self.brier / self.base_brier if self.base_brier > 0 else 0.0


class CalibrationLog:
    """Counts predictions and outcomes."""

    __slots__ = ("_hits", "_polls", "_predicted", "_squares")

    def __init__(self) -> None:
        size = _DECADES * _PER_DECADE + 1
        self._polls = [0] * size
        self._hits = [0] * size
        self._predicted = [0.0] * size
        self._squares = 0.0

    def __repr__(self) -> str:
        return f"<CalibrationLog of {sum(self._polls)} polls>"

    def add(self, probability: float, *, hit: bool) -> None:
        """Count one poll: the probability of news that was predicted, and whether it brought any."""
        top = _DECADES * _PER_DECADE
        scaled = top + _PER_DECADE * math.log10(probability) if probability > 0 else 0.0
        bucket = min(top, max(0, int(scaled)))
        self._polls[bucket] += 1
        self._hits[bucket] += hit
        self._predicted[bucket] += probability
        self._squares += (probability - hit) ** 2

    def reliability(self) -> Reliability:
        """Sum up. Tenths are cut between predictions that differ, so they are about equal."""
        polls, hits = sum(self._polls), sum(self._hits)
        if polls == 0:
            return Reliability(0, 0.0, 0.0, ())
        share = hits / polls
        tenths: list[Tenth] = []
        count = seen = found = 0
        predicted = 0.0
        for index, amount in enumerate(self._polls):
            if not amount:
                continue
            count += amount
            seen += amount
            found += self._hits[index]
            predicted += self._predicted[index]
            if seen * 10 >= polls * (len(tenths) + 1):
                tenths.append(Tenth(count, predicted / count, found / count))
                count = found = 0
                predicted = 0.0
        return Reliability(polls, self._squares / polls, share * (1 - share), tuple(tenths))
