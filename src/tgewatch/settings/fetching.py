"""How the web is asked."""

from pydantic import Field

from tgewatch.settings.section import Section
from tgewatch.settings.units import Seconds, Size


class Pool(Section):
    """Connections, deadlines and caps for one use."""

    connections: int = Field(default=50, ge=1, le=10_000)
    """Open at once."""
    waiting: int = Field(default=0, ge=0, le=10_000)
    """Open beyond these, while their server has been silent for 50 ms: it keeps nobody else waiting."""
    per_host: int = Field(default=4, ge=1)
    """Open at once to one host."""
    share: Seconds = Field(default=0.0, ge=0)
    """Seconds to wait for a connection to the host that is in use before another is opened."""
    total: Seconds = Field(default=30.0, gt=0)
    """Seconds for a request with its retries."""
    connect: Seconds = Field(default=10.0, gt=0)
    """Seconds to open a connection."""
    stalled: Seconds = Field(default=20.0, gt=0)
    """Seconds without a byte before giving up."""
    max_bytes: Size = Field(default=5_000_000, ge=1)
    """Cap on the decoded body."""
    attempts: int = Field(default=3, ge=1, le=10)
    """Tries for one request, the first included."""
    patience: Seconds = Field(default=5.0, ge=0)
    """Seconds; when a server asks for a longer wait the request ends and the schedule comes back."""


class HostPolicy(Section):
    """What is special about one host."""

    host: str
    """Name as in the URL, or `*.example.com`."""
    spacing: Seconds | None = Field(default=None, ge=0)
    """Seconds between the starts of two requests; without it `[fetch] spacing` holds."""
    burst: int | None = Field(default=None, ge=1)
    """Starts in a row without spacing; without it `[fetch] burst` holds."""
    retry_after_scope: str = Field(default="url", pattern="^(url|host)$")
    """Whether Retry-After stops the URL (and the articles of its host) or the whole host."""
    throttle_statuses: tuple[int, ...] = (429, 503)
    """Answers that mean "slow down" (some hosts say 403)."""


class FetchSettings(Section):
    """`[fetch]`."""

    user_agent: str = "tgewatch (+https://github.com/tgewatch/tgewatch)"
    """Sent with every request: an honest name, and where to learn more."""
    allow_private: bool = False
    """Let requests reach private, loopback and link-local addresses."""
    allow_addresses: tuple[str, ...] = ()
    """Networks (CIDR) that may be reached although they are not public."""
    max_redirects: int = Field(default=5, ge=0, le=20)
    """Redirects followed for one request."""
    spacing: Seconds = Field(default=1.0, ge=0)
    """Seconds between the starts of two requests to one host, on average."""
    burst: int = Field(default=8, ge=1)
    """Starts in a row that need no spacing, at a host that was left alone for as long as they save."""
    keep_alive: Seconds = Field(default=10.0, ge=0)
    """Seconds that an idle connection stays open, for the articles of a poll."""
    idle_connections: int = Field(default=400, ge=1)
    """Kept open at once over all pools; further ones close after use (each is an open file)."""
    dns_ttl: Seconds = Field(default=300.0, ge=0)
    """Seconds that a resolved name is remembered."""
    rss: Pool = Pool(waiting=1_000)
    article: Pool = Pool(max_bytes=3_000_000, share=1.0)
    twitter: Pool = Pool()
    default: Pool = Pool()
    hosts: tuple[HostPolicy, ...] = Field(default=(), validation_alias="host")
    """What is special about single hosts: `[[fetch.host]]`."""
