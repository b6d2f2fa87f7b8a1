"""When sources are asked again."""

from pydantic import Field

from tgewatch.settings.section import Section
from tgewatch.settings.units import Seconds


class PollingSettings(Section):
    """`[polling]`."""

    policy: str = Field(default="index", pattern="^(index|fixed)$")
    """index: spend the requests where they find news soonest; fixed: every `interval`."""
    interval: Seconds = Field(default=600.0, ge=1)
    """Seconds: the fixed interval, and for the index the average that its budget equals."""
    floor: Seconds = Field(default=60.0, ge=0)
    """Seconds; no source is polled more often."""
    cap: Seconds = Field(default=86_400.0, gt=0)
    """Seconds; no source waits longer."""
    error_base: Seconds = Field(default=120.0, gt=0)
    """Seconds after a first failure, doubled for each further one."""
    error_cap: Seconds = Field(default=6 * 3600.0, gt=0)
    """Seconds; failures never stop the polling."""
    broken_after: int = Field(default=3, ge=1)
    """Consecutive failures before the user is told."""
    silent_factor: float = Field(default=8.0, gt=1)
    """Silence longer than this many of its own periods is reported."""
    stretch: float = Field(default=6.0, ge=1)
    """The index lets no source wait longer than this many intervals."""
    jitter: Seconds = Field(default=5.0, ge=0)
    """Seconds at most that are added by chance, so that sources spread out."""
    fresh_cap: Seconds = Field(default=3_600.0, ge=0)
    """Seconds; a server that calls its answer fresh for longer is not believed."""
    retry_after_cap: Seconds = Field(default=7 * 86_400.0, gt=0)
    """Seconds; a server that asks for a longer pause gets this one."""
    slow_after: Seconds = Field(default=15.0, gt=0)
    """Seconds; a source whose answers typically take longer is reported as slow."""
    doubt: Seconds = Field(default=10.0, gt=0)
    """Seconds without a byte before giving up a source that never answered; half for one that is
    silent again and again, but every fourth time all that `[fetch.rss] stalled` gives."""
    redirect_sightings: int = Field(default=5, ge=1)
    """Consecutive permanent redirects before the new address is adopted."""


class CycleSettings(Section):
    """`[cycle]`."""

    deadline: Seconds = Field(default=60.0, gt=0)
    """Seconds for one round; what is not done by then is due in the next."""
    concurrency: int = Field(default=1_000, ge=1)
    """Polls at once."""
    articles: int = Field(default=50, ge=0)
    """Article fetches at most per poll."""
    tick: Seconds = Field(default=1.0, gt=0)
    """Seconds between looks at the schedule in `run`."""
