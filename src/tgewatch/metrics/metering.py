"""A running program, measured: its ports timed, its cycles recorded, its file kept."""

import logging
import os
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, TypeVar

from tgewatch.clock import Clock
from tgewatch.detect.detector import Detector
from tgewatch.metrics.ahead import Ahead
from tgewatch.metrics.archive import read_baseline, read_metrics
from tgewatch.metrics.export import report, save
from tgewatch.metrics.intake import Intake, TierCounts
from tgewatch.metrics.measures import measures
from tgewatch.metrics.recorder import Recorder
from tgewatch.metrics.targets import Check, Target, check, targets_of
from tgewatch.metrics.timed import (
    TimedChannel,
    TimedDetector,
    TimedFetcher,
    TimedProgress,
    TimedReader,
    TimedStore,
    timed,
)
from tgewatch.model import Company
from tgewatch.ports import Channel, Fetcher, PoolMetrics, Progress, SourceReader, Store
from tgewatch.rules.ttl import LearnedTtl
from tgewatch.settings import DetectionSettings, MetricsSettings

log = logging.getLogger(__name__)

T = TypeVar("T")

WATCHED = 10.0
"""Seconds for which a look by `tgewatch top` makes a watch write its metrics often."""

CLASSES = 50
"""Classes of keys of which a report says what was learned, a tier."""


class Learner(Protocol):
    """Learns how long answers stay true."""

    def classes(self) -> Sequence[LearnedTtl]:
        """Return what it believes, the class that changes most first."""


class Metering:
    """Owns the recorder of a program, and whatever feeds it.

    With `[metrics] enabled = false` the ports are passed through untouched.
    """

    def __init__(
        self,
        settings: MetricsSettings,
        *,
        clock: Clock,
        keep_alive: float,
        recorder: Recorder | None = None,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._keep_alive = keep_alive
        self.recorder = recorder or Recorder(clock=clock, history=settings.history)
        self.recorder.enabled = settings.enabled
        self.targets: Sequence[Target] = targets_of(settings.targets)
        """What is good enough; can be replaced while running."""
        self.learners: Mapping[str, Learner] = {}
        """Tier of the cache → who learns its TTLs."""
        self._ahead = Ahead(self.recorder, clock=clock)
        self._intake: Intake | None = None
        self._progress: TimedProgress | None = None
        self._started = clock.now()
        self._running = False

    def __repr__(self) -> str:
        return f"<Metering {self.recorder!r}>"

    def adjust(self, settings: MetricsSettings) -> None:
        """Take over other settings while running: history, targets, files, on or off."""
        self._settings = settings
        self.recorder.history = settings.history
        self.recorder.enabled = settings.enabled
        self.targets = targets_of(settings.targets)

    # --- what feeds it --------------------------------------------------------------------

    def attach(
        self,
        *,
        pools: Callable[[], Mapping[str, PoolMetrics]],
        tiers: Callable[[], Mapping[str, TierCounts]],
    ) -> None:
        """Take in what connections and caches count from now on."""
        self._intake = Intake(self.recorder, pools=pools, tiers=tiers)

    def fetcher(self, fetcher: Fetcher) -> Fetcher:
        if not self._settings.enabled:
            return fetcher
        return TimedFetcher(
            self._ahead.fetcher(fetcher),
            recorder=self.recorder,
            clock=self._clock,
            keep_alive=self._keep_alive,
        )

    def readers(self, readers: Mapping[str, SourceReader]) -> Mapping[str, SourceReader]:
        if not self._settings.enabled:
            return readers
        return {
            kind: TimedReader(reader, kind=kind, recorder=self.recorder, clock=self._clock)
            for kind, reader in readers.items()
        }

    def detector(self, companies: Sequence[Company], settings: DetectionSettings) -> Detector:
        if not self._settings.enabled:
            return Detector(companies, settings)
        return TimedDetector(companies, settings, recorder=self.recorder)

    def store(self, store: Store) -> Store:
        if not self._settings.enabled:
            return store
        return TimedStore(self._ahead.store(store), recorder=self.recorder)

    def channels(self, channels: Sequence[Channel]) -> Sequence[Channel]:
        if not self._settings.enabled:
            return channels
        listened = map(self._ahead.channel, channels)
        return [TimedChannel(one, recorder=self.recorder) for one in listened]

    def progress(self, progress: Progress) -> Progress:
        self._progress = TimedProgress(progress, recorder=self.recorder)
        return self._progress

    def call(
        self, function: Callable[..., Awaitable[T]], *, operation: str, component: str
    ) -> Callable[..., Awaitable[T]]:
        return timed(function, recorder=self.recorder, operation=operation, component=component)

    # --- cycles ---------------------------------------------------------------------------

    @contextmanager
    def cycle(self, kind: str = "scan") -> Iterator[None]:
        """Let the body be one cycle, with what connections and caches count meanwhile."""
        self.take()
        with self.recorder.cycle(kind):
            try:
                yield
            finally:
                self.take()

    def take(self) -> None:
        """Take in what was counted since the last time."""
        if self._intake is not None:
            self._intake.take()

    def watch(self) -> None:
        """Begin the first minute of an endless watch."""
        self.take()
        self._running = True
        self.recorder.start_cycle("minute")

    def turn_page(self) -> None:
        """End a minute of an endless watch, which counts as a cycle as long as its longest poll.

        A minute in which nothing was polled is no cycle.
        """
        self.take()
        longest = self._progress.take_longest() if self._progress is not None else 0.0
        if longest:
            self.recorder.end_cycle(seconds=longest)
            self.recorder.start_cycle("minute")

    def stop(self) -> None:
        """End an endless watch."""
        self.turn_page()
        self.recorder.drop_cycle()
        self._running = False

    # --- what comes out -------------------------------------------------------------------

    def checks(self) -> tuple[Check, ...]:
        """Hold what was measured against the targets."""
        return check(measures(self.recorder.record()), self.targets)

    def report(self) -> dict[str, object]:
        """Return everything, as it is written to the file."""
        return {
            "pid": os.getpid(),
            "running": self._running,
            "started": self._started,
            "learned_ttls": {
                tier: learner.classes()[:CLASSES] for tier, learner in self.learners.items()
            },
            **report(self.recorder, targets=self.targets),
        }

    def counted(self) -> tuple[Mapping[str, int], Mapping[str, float]]:
        """Return what was counted since the start, and the heights of the moment."""
        record = self.recorder.record()
        return record.counts, record.gauges

    def restore(self) -> None:
        """Take over cycles and baseline of earlier runs. Files that cannot be read are none."""
        written = read_metrics(self._settings.path)
        self.recorder.restore(
            written.cycles if written else (),
            finished=written.finished if written else 0,
            baseline=read_baseline(self._settings.baseline_path),
        )

    def save(self) -> None:
        """Write the file, with the baseline as it stands now. What fails is logged, not raised."""
        if not self._settings.enabled:
            return
        if (kept := read_baseline(self._settings.baseline_path)) is not None:
            self.recorder.capture_baseline(kept)
        try:
            save(self._settings.path, self.report())
        except OSError as error:
            log.warning(
                "metrics_not_written",
                extra={"path": str(self._settings.path), "why": error.strerror},
            )

    def is_watched(self) -> bool:
        """Return whether somebody has lately looked at the file (see `look`)."""
        try:
            looked = watch_mark(self._settings.path).stat().st_mtime
        except OSError:
            return False
        return abs(self._clock.now() - looked) < WATCHED


def watch_mark(path: Path) -> Path:
    """Return the file whose age says when somebody last looked at the metrics in `path`."""
    return path.with_name(f".{path.name}.watched")


def look(path: Path) -> None:
    """Say that somebody looks at the metrics in `path`, so that they are written more often."""
    try:
        watch_mark(path).touch()
    except OSError:  # then they are written every minute
        return
