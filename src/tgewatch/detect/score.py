"""The linear model: named features in, named contributions and a kind out."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from tgewatch.detect.lexicon import data
from tgewatch.detect.reading import Mark
from tgewatch.model import Contribution, Span


@dataclass(frozen=True, slots=True)
class Model:
    """Weights as fitted by `scripts/fit_detection.py`; readable, and nothing else is learnt."""

    bias: float
    weights: Mapping[str, float]
    """Feature → log-odds of being relevant."""
    kind_bias: Mapping[str, float]
    kinds: Mapping[str, Mapping[str, float]]
    """Feature → kind → weight."""
    _rows: Mapping[str, Sequence[float]] = field(init=False, repr=False, compare=False)
    """Feature → weight of each kind, in the order of their biases."""

    def __post_init__(self) -> None:
        order = list(self.kind_bias)
        rows = {name: tuple(w.get(k, 0.0) for k in order) for name, w in self.kinds.items()}
        object.__setattr__(self, "_rows", rows)

    def contributions(
        self, found: Mapping[str, Mark | None], *, title: str, summary: str
    ) -> list[Contribution]:
        """Return all that counts, the bias first; the names are of the fields that were read."""
        weights = self.weights
        parts = [Contribution("bias", self.bias)]
        for name, mark in found.items():
            value = weights.get(name)
            if value is None:
                continue
            if mark is None:
                parts.append(Contribution(name, value))
                continue
            where = summary if name.startswith("summary ") else title
            span = Span(where, mark.start, mark.end)
            parts.append(Contribution(name, value, mark.text, span))
        return parts

    def kind(self, found: Mapping[str, Mark | None]) -> str:
        """Return the likeliest kind of event."""
        rows = self._rows
        said = [rows[name] for name in found if name in rows]
        totals = [sum(column) for column in zip(self.kind_bias.values(), *said, strict=True)]
        return list(self.kind_bias)[totals.index(max(totals))]


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
