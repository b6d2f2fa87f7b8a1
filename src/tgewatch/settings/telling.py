"""Whom to tell, and when."""

from pydantic import Field

from tgewatch.settings.section import Secret, Section
from tgewatch.settings.units import Seconds


class ChannelSettings(Section):
    """`[[channel]]`."""

    name: str
    kind: str = Field(default="apprise", pattern="^(console|apprise|webhook)$")
    url: Secret = ""
    """Apprise or webhook URL. Better kept out of the file: see `url_env` and `url_file`."""
    url_env: str = ""
    """Environment variable that holds the URL."""
    url_file: str = ""
    """File that holds the URL."""
    companies: tuple[str, ...] = ()
    """Only these; empty means all."""
    changes: tuple[str, ...] = ()
    """Only these transitions; empty means all."""
    min_score: float = Field(default=0.0, ge=0, le=1)
    sources: bool = True
    """Also say when a source breaks, falls silent or recovers."""
    quiet: str = ""
    """Hours without delivery, as `22:00-07:00`; what happens meanwhile is told afterwards."""
    zone: str = "UTC"
    """Time zone of `quiet` and of the dates shown."""
    attempts: int = Field(default=8, ge=1)
    timeout: Seconds = Field(default=20.0, gt=0)
    """Seconds for one attempt."""
