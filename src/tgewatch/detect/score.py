"""The linear model: named features in, named contributions and a kind out."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from tgewatch.detect.lexicon import data
from tgewatch.detect.reading import Mark


@dataclass(frozen=True, slots=True)
class Model:
    """Weights as fitted by `scripts/fit_detection.py`; readable, and nothing else is learnt."""

    bias: float
    weights: Mapping[str, float]
    """Feature → log-odds of being relevant."""
    kind_bias: Mapping[str, float]
    kinds: Mapping[str, Mapping[str, float]]
    """Feature → kind → weight."""

    def contributions(
        self, found: Mapping[str, Mark | None]
    ) -> list[tuple[str, float, Mark | None]]:
        """Return name, value and cause of all that counts, the bias first."""
        weights = self.weights
        parts: list[tuple[str, float, Mark | None]] = [("bias", self.bias, None)]
        for name, mark in found.items():
            value = weights.get(name)
            if value is not None:
                parts.append((name, value, mark))
        return parts

    def kind(self, found: Mapping[str, Mark | None]) -> str:
        """Return the likeliest kind of event."""
        totals, kinds = dict(self.kind_bias), self.kinds
        for name in found:
            if name in kinds:
                for kind, value in kinds[name].items():
                    totals[kind] += value
        return max(totals, key=totals.__getitem__)


def read(text: str) -> Model:
    """Return the model that a JSON document describes."""
    document = json.loads(text)
    return Model(
        bias=document["bias"],
        weights=document["weights"],
        kind_bias=document["kind_bias"],
        kinds=document["kinds"],
    )


def probability(score: float) -> float:
    """Return log-odds as a probability."""
    if score < 0:
        odds = math.exp(max(score, -700.0))
        return odds / (1.0 + odds)
    return 1.0 / (1.0 + math.exp(-min(score, 700.0)))


@cache
def shipped() -> Model:
    """Return the model that ships with the package; it is read once, on first use."""
    return read(data("weights.json"))
