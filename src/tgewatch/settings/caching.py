"""What is kept, and for how long."""

from pydantic import Field

from tgewatch.settings.section import Section


class Tier(Section):
    """One tier of the cache."""

    ttl: float = Field(gt=0)
    """Seconds."""
    max_bytes: int = Field(default=20_000_000, ge=1)


class CacheSettings(Section):
    """`[cache]`."""

    policy: str = Field(default="tinylfu", pattern="^(tinylfu|lru)$")
    rss: Tier = Tier(ttl=600)
    twitter_user: Tier = Tier(ttl=3_600)
    article_content: Tier = Tier(ttl=3 * 86_400)
    search_results: Tier = Tier(ttl=300)
    conditional_headers: Tier = Tier(ttl=86_400)
