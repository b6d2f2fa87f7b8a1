"""Counts and timings of a running program, in bounded space, from any thread."""

import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from tgewatch.clock import Clock
from tgewatch.metrics.histogram import Histogram, Timing

HISTORY = 1_000
"""Cycles that are remembered."""
OPERATIONS = 500
"""Different operations that are timed; further ones are counted under `other`."""
NAMES = 2_000
"""Different things that are counted; further ones are counted under `other`."""


@dataclass(frozen=True, slots=True)
class CycleRecord:
    """One finished cycle."""

    number: int
    started: float
    seconds: float
    counts: Mapping[str, int]
    """What was counted while it ran: api_calls, cache_hits, cache_misses, items …"""
    kind: str = "scan"
    """scan: one round; minute: what an endless watch did in one; drop-in: one call for articles."""

    @property
    def hit_rate(self) -> float | None:
        """Reads that needed no body from the network by all reads, 0 to 1; None without reads."""
        return share(without_body(self.counts), self.counts.get("cache_misses", 0))


@dataclass(frozen=True, slots=True)
class Baseline:
    """What later cycles are compared with."""

    cycles: int
    """How many it is the mean of; 0 for one that was stated, not measured."""
    seconds: float
    """Mean of a cycle."""
    api_calls: float
    """Mean of a cycle."""
    captured: float = 0.0
    """When."""


@dataclass(frozen=True, slots=True)
class Record:
    """Everything that was recorded, at one moment."""

    at: float
    counts: Mapping[str, int]
    operations: Mapping[tuple[str, str], Timing]
    """(component, operation) → timing."""
    errors: Mapping[tuple[str, str], int]
    cycles: tuple[CycleRecord, ...]
    finished: int
    """Cycles since the start, also those no longer remembered."""
    baseline: Baseline | None
    gauges: Mapping[str, float] = field(default_factory=dict)
    """What stands at some height now: cache_megabytes, memory_megabytes …"""


@dataclass(slots=True)
class _Open:
    number: int
    started: float
    begun: float
    kind: str
    counts: Counter[str] = field(default_factory=Counter)


class Recorder:
    """Takes in what happens. Judges nothing (see `targets`) and writes nothing (see `export`)."""

    def __init__(self, *, clock: Clock, history: int = HISTORY) -> None:
        self._clock = clock
        self._lock = threading.RLock()
        self._counts: Counter[str] = Counter()
        self._timings: dict[tuple[str, str], Histogram] = {}
        self._errors: Counter[tuple[str, str]] = Counter()
        self._gauges: dict[str, float] = {}
        self._cycles: deque[CycleRecord] = deque(maxlen=max(1, history))
        self._open: _Open | None = None
        self._finished = 0
        self._baseline: Baseline | None = None
        self.enabled = True
        """Whether anything is taken in; can be switched while running."""
        self.on_cycle: list[Callable[[CycleRecord], None]] = []
        """Called with every finished cycle."""

    def __repr__(self) -> str:
        return f"<Recorder {self._finished} cycles, {len(self._timings)} operations>"

    @property
    def history(self) -> int:
        """Cycles that are remembered at most; can be set while running."""
        return self._cycles.maxlen or 0

    @history.setter
    def history(self, amount: int) -> None:
        with self._lock:
            self._cycles = deque(self._cycles, maxlen=max(1, amount))

    @contextmanager
    def timer(self, operation: str, component: str = "program") -> Iterator[None]:
        """Time the body; a body that raises is counted as an error as well."""
        begun = self._clock.monotonic()
        failed = True
        try:
            yield
            failed = False
        finally:
            self.observe(operation, self._clock.monotonic() - begun, component, failed=failed)

    def observe(
        self, operation: str, seconds: float, component: str = "program", *, failed: bool = False
    ) -> None:
        """Take in one duration."""
        if not self.enabled:
            return
        with self._lock:
            name = (component, operation)
            if name not in self._timings and len(self._timings) >= OPERATIONS:
                name = ("other", "other")
            if (histogram := self._timings.get(name)) is None:
                histogram = self._timings[name] = Histogram()
            histogram.add(seconds)
            if failed:
                self._errors[name] += 1

    def count(self, what: str, amount: int = 1) -> None:
        """Add to a counter, and to the cycle under way."""
        if not self.enabled:
            return
        with self._lock:
            if what not in self._counts and len(self._counts) >= NAMES:
                what = "other"
            self._counts[what] += amount
            if self._open is not None:
                self._open.counts[what] += amount

    def gauge(self, what: str, value: float) -> None:
        """Note at what height something stands."""
        if not self.enabled:
            return
        with self._lock:
            if what in self._gauges or len(self._gauges) < NAMES:
                self._gauges[what] = value

    @property
    def cycling(self) -> bool:
        """Whether a cycle is under way."""
        return self._open is not None

    def start_cycle(self, kind: str = "scan") -> int:
        """Begin a cycle and return its number; one that is still open ends here."""
        with self._lock:
            if self._open is not None:
                self.end_cycle()
            number = self._finished + 1
            self._open = _Open(number, self._clock.now(), self._clock.monotonic(), kind)
            return number

    def end_cycle(self, *, seconds: float | None = None) -> CycleRecord | None:
        """End the cycle under way and return it; None when there is none.

        `seconds` replaces its duration on the clock, for cycles that end by the calendar.
        """
        with self._lock:
            ending, self._open = self._open, None
            if ending is None:
                return None
            elapsed = self._clock.monotonic() - ending.begun if seconds is None else seconds
            record = CycleRecord(
                ending.number, ending.started, elapsed, dict(ending.counts), ending.kind
            )
            if not self.enabled:
                return record
            self._finished += 1
            self._cycles.append(record)
        for listener in self.on_cycle:
            listener(record)
        return record

    def drop_cycle(self) -> None:
        """Forget the cycle under way; what it counted still counts."""
        with self._lock:
            self._open = None

    @contextmanager
    def cycle(self, kind: str = "scan") -> Iterator[None]:
        """Let the body be one cycle, or part of the one that is under way already."""
        if self.cycling:
            yield
            return
        self.start_cycle(kind)
        try:
            yield
        finally:
            self.end_cycle()

    def capture_baseline(self, baseline: Baseline | None = None) -> Baseline | None:
        """Keep `baseline`, or the mean of the remembered cycles, to compare later ones with.

        Nothing but another call replaces it. Returns what is kept.
        """
        with self._lock:
            if baseline is None:
                alike = comparable(self._cycles)
                seconds = mean(cycle.seconds for cycle in alike)
                calls = mean(cycle.counts.get("api_calls", 0) for cycle in alike)
                if seconds is not None and calls is not None:
                    baseline = Baseline(len(alike), seconds, calls, self._clock.now())
            self._baseline = baseline or self._baseline
            return self._baseline

    def restore(
        self, cycles: Iterable[CycleRecord] = (), *, finished: int = 0, baseline: Baseline | None
    ) -> None:
        """Take over the memory of an earlier run: its cycles come before ours."""
        with self._lock:
            earlier = tuple(cycles)
            self._cycles = deque((*earlier, *self._cycles), maxlen=self._cycles.maxlen)
            self._finished += max(finished, len(earlier))
            self._baseline = baseline

    def record(self) -> Record:
        """Return everything, consistent in itself."""
        with self._lock:
            return Record(
                at=self._clock.now(),
                counts=dict(self._counts),
                operations={name: h.timing() for name, h in self._timings.items()},
                errors=dict(self._errors),
                cycles=tuple(self._cycles),
                finished=self._finished,
                baseline=self._baseline,
                gauges=dict(self._gauges),
            )

    def reset(self) -> None:
        """Forget everything but the baseline."""
        with self._lock:
            self._counts.clear()
            self._timings.clear()
            self._errors.clear()
            self._gauges.clear()
            self._cycles.clear()
            self._open = None
            self._finished = 0


def share(part: float, rest: float) -> float | None:
    """Return `part` of the sum of both; None when both are zero."""
    return part / (part + rest) if part + rest else None


def mean(values: Iterable[float]) -> float | None:
    """Return the arithmetic mean; None of nothing."""
    found = tuple(values)
    return sum(found) / len(found) if found else None


def comparable(cycles: Iterable[CycleRecord]) -> tuple[CycleRecord, ...]:
    """Return the cycles that are of the kind of the last one."""
    found = tuple(cycles)
    return tuple(cycle for cycle in found if cycle.kind == found[-1].kind)


def without_body(counts: Mapping[str, int]) -> int:
    """Return the reads that needed no body: fresh entries, and old ones that a 304 renewed."""
    return counts.get("cache_hits", 0) + counts.get("cache_revalidated", 0)
