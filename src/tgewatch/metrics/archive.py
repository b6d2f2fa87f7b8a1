"""The metrics in their files: what a later run takes over, and what `metrics` and `top` read."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from tgewatch.metrics.export import save
from tgewatch.metrics.recorder import Baseline, CycleRecord
from tgewatch.rules.ttl import LearnedTtl

log = logging.getLogger(__name__)

T = TypeVar("T")

LARGEST = 100_000_000
"""Bytes of a file that is read."""


class Written(msgspec.Struct, frozen=True):
    """What a metrics file says, as far as anybody asks; the rest of it is ignored."""

    at: float = 0.0
    pid: int = 0
    running: bool = False
    started: float = 0.0
    cycles: Sequence[CycleRecord] = ()
    finished: int = 0
    counts: Mapping[str, int] = {}
    gauges: Mapping[str, float] = {}
    operations: Mapping[str, Mapping[str, float]] = {}
    measures: Mapping[str, float | None] = {}
    targets: Sequence[Mapping[str, object]] = ()
    baseline: Baseline | None = None
    learned_ttls: Mapping[str, Sequence[LearnedTtl]] = {}
    """By tier of the cache, the class that changes most first."""


def read_metrics(path: Path) -> Written | None:
    """Return what was written, or None where there is nothing that can be read."""
    return _read(path, Written)


def read_baseline(path: Path) -> Baseline | None:
    """Return the baseline that was kept, or None."""
    return _read(path, Baseline)


def write_baseline(path: Path, baseline: Baseline) -> None:
    """Keep a baseline. Raises OSError."""
    save(path, msgspec.to_builtins(baseline))


def _read(path: Path, kind: type[T]) -> T | None:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        log.warning("metrics_not_read", extra={"path": str(path), "why": error.strerror})
        return None
    if len(content) > LARGEST:
        log.warning("metrics_not_read", extra={"path": str(path), "why": "too large"})
        return None
    try:
        return msgspec.json.decode(content, type=kind)
    except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors
        log.warning("metrics_not_read", extra={"path": str(path), "why": str(error)})
        return None
