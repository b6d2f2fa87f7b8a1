"""What is measured of the program itself."""

from pathlib import Path

from pydantic import Field

from tgewatch.settings.section import Section
from tgewatch.settings.units import Seconds


class TargetSettings(Section):
    """`[metrics.targets]`."""

    cycle_seconds: Seconds = Field(default=60.0, gt=0)
    """Seconds; a cycle takes less."""
    call_reduction: float = Field(default=30.0, le=100)
    """Percent fewer requests a cycle than the baseline, at least."""
    cache_hit_rate: float = Field(default=70.0, ge=0, le=100)
    """Percent of reads that need no body from the network, at least."""
    connection_reuse: float = Field(default=80.0, ge=0, le=100)
    """Percent of requests, where a connection to the host was open, that used it, at least."""
    rate_limit_violations: float = Field(default=1.0, gt=0)
    """Answers with status 429; fewer than this."""
    cache_megabytes: float = Field(default=100.0, gt=0)
    """Megabytes that the cache holds; less than this."""


class MetricsSettings(Section):
    """`[metrics]`."""

    enabled: bool = True
    """Time and count what the program does."""
    path: Path = Path("state/performance_metrics.json")
    """Where the metrics are written to: after a scan, and every minute of a watch."""
    baseline_path: Path = Path("state/performance_baseline.json")
    """Where `tgewatch metrics baseline` keeps what later cycles are compared with."""
    history: int = Field(default=500, ge=1, le=100_000)
    """Cycles that are remembered."""
    listen: str = Field(default="", pattern=r"^(|\S+:\d{1,5}|\d{1,5})$")
    """Address for Prometheus, as `127.0.0.1:9464`; a port alone listens on this machine only;
    empty serves none."""
    targets: TargetSettings = TargetSettings()
    """What is good enough."""
