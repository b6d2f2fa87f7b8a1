"""What several instances have in common."""

from typing import Literal, TypeAlias

from pydantic import Field

from tgewatch.settings.section import Secret, Section
from tgewatch.settings.units import Seconds, Size

TierName: TypeAlias = Literal[
    "rss", "twitter_user", "article_content", "search_results", "conditional_headers"
]
"""Tiers of `[cache]`."""


class SwarmSettings(Section):
    """`[swarm]`."""

    redis_url: Secret = ""
    """Redis (6 or later) or Valkey, through which instances share limits, leases and answers;
    empty means that this instance is alone. Better kept out of the file: see `redis_url_env` and
    `redis_url_file`."""
    redis_url_env: str = ""
    """Environment variable that holds the URL."""
    redis_url_file: str = ""
    """File that holds the URL."""
    prefix: str = Field(default="tgewatch", pattern=r"^[A-Za-z0-9_.:-]{1,64}$")
    """Beginning of every key and channel: who has another one is another swarm."""
    instance: str = Field(default="", pattern=r"^[A-Za-z0-9_.:-]{0,64}$")
    """Name of this instance, in lists; empty takes the host's name and the number of the process."""
    expected: int = Field(default=4, ge=1, le=10_000)
    """Instances to reckon with while nobody could be counted yet: without the server, each takes
    so small a part of what all share."""
    connections: int = Field(default=16, ge=2, le=1_000)
    """Open at once to the server."""
    connect: Seconds = Field(default=2.0, gt=0)
    """Seconds to open a connection."""
    operation: Seconds = Field(default=1.0, gt=0)
    """Seconds for one operation; a server that takes longer counts as gone."""
    probe: Seconds = Field(default=1.0, gt=0)
    """Seconds between two looks at whether a server that was gone is back."""
    heartbeat: Seconds = Field(default=5.0, gt=0)
    """Seconds between two signs of life of this instance; three missed ones, and it is not counted."""
    max_value: Size = Field(default=1_000_000, ge=1_000)
    """Bytes, compressed, of the largest answer that is shared."""
    tiers: tuple[TierName, ...] = ("rss", "twitter_user", "article_content", "search_results")
    """Tiers of the cache whose answers instances share."""
