"""What is kept, and for how long."""

from pathlib import Path

from pydantic import Field

from tgewatch.settings.section import Section
from tgewatch.settings.units import Seconds, Size


class Tier(Section):
    """One tier of the cache."""

    ttl: Seconds = Field(gt=0)
    """Seconds that an entry is served without asking again."""
    max_bytes: Size = Field(default=20_000_000, ge=1)
    """Bytes of keys, values and bookkeeping that the tier never exceeds."""
    negative_ttl: Seconds = Field(default=60.0, ge=0)
    """Seconds that a refusal is remembered; 0 remembers none."""
    stale_if_error: Seconds = Field(default=0.0, ge=0)
    """Seconds past `ttl` in which an entry still answers when the other side fails."""
    stale_while_revalidate: Seconds = Field(default=0.0, ge=0)
    """Seconds past `ttl` in which an entry answers at once while it is fetched again."""
    persist: bool = False
    """Keep entries across restarts, in the file at `path`."""


class CacheSettings(Section):
    """`[cache]`."""

    policy: str = Field(default="tinylfu", pattern="^(tinylfu|lru)$")
    """What goes first when a tier is full: what is read rarely, or what was read longest ago."""
    path: Path | None = Path("state/cache.db")
    """File of the persisted tiers; none keeps them in memory only."""
    export_path: Path = Path("state/cache_persistence.json")
    """Where the persisted tiers are exported to, as JSON."""
    max_file_bytes: Size = Field(default=200_000_000, ge=1_000_000)
    """Bytes of keys and values in the file; the oldest go first."""
    flush: Seconds = Field(default=0.5, gt=0)
    """Seconds that a change may wait for its batch; a killed program loses no more than this."""
    adaptive: bool = True
    """Learn each key's TTL from how often it was found changed."""
    staleness: float = Field(default=0.1, gt=0, lt=1)
    """Share of stale reads that a tier's TTL is meant to accept; learned TTLs follow from it."""
    rss: Tier = Tier(ttl=600, stale_if_error=86_400)
    twitter_user: Tier = Tier(ttl=3_600, max_bytes=5_000_000, persist=True)
    article_content: Tier = Tier(
        ttl=3 * 86_400, max_bytes=40_000_000, stale_if_error=7 * 86_400, persist=True
    )
    search_results: Tier = Tier(ttl=300, max_bytes=10_000_000)
    conditional_headers: Tier = Tier(ttl=86_400, max_bytes=10_000_000, persist=True)

    @property
    def tiers(self) -> dict[str, Tier]:
        """Return the tiers by name."""
        return {
            name: tier
            for name in type(self).model_fields
            if isinstance(tier := getattr(self, name), Tier)
        }
