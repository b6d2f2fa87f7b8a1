"""Whom to tell, and when."""

import re
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator

from tgewatch.settings.section import Secret, Section
from tgewatch.settings.units import Seconds

CHANGES = (
    "rumoured",
    "announced",
    "dated",
    "redated",
    "postponed",
    "cancelled",
    "live",
    "claim",
    "claim_open",
    "claim_close",
    "sale",
    "sale_open",
    "sale_close",
    "listing",
    "done",
)
"""Names of the transitions that a channel can ask for."""

_QUIET = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")


class ChannelSettings(Section):
    """`[[channel]]`."""

    name: str = Field(min_length=1, max_length=60)
    """What it is called in the outbox and in messages."""
    kind: str = Field(default="apprise", pattern="^(console|apprise|webhook)$")
    """console: printed; apprise: any service that Apprise knows; webhook: JSON by POST."""
    url: Secret = ""
    """Apprise or webhook URL. Better kept out of the file: see `url_env` and `url_file`."""
    url_env: str = ""
    """Environment variable that holds the URL."""
    url_file: str = ""
    """File that holds the URL."""
    secret: Secret = ""
    """Webhooks: the key that signs what is sent. Better kept out of the file, like the URL."""
    secret_env: str = ""
    """Environment variable that holds the key."""
    secret_file: str = ""
    """File that holds the key."""
    companies: tuple[str, ...] = ()
    """Only these; empty means all."""
    changes: tuple[str, ...] = ()
    """Only these transitions; empty means all. A name of a state (`live`) also stands for whatever
    brings an event there."""
    min_score: float = Field(default=0.0, ge=0, le=1)
    """Only events at least this sure; 0 means all."""
    sources: bool = True
    """Also say when a source breaks, falls silent or recovers."""
    quiet: str = ""
    """Hours without delivery, as `22:00-07:00`; what happens meanwhile is told afterwards."""
    zone: str = "UTC"
    """Time zone of `quiet` and of the times shown."""
    attempts: int = Field(default=8, ge=1, le=100)
    """Tries before a message becomes a dead letter; the last of eight comes about nine hours after
    the first."""
    timeout: Seconds = Field(default=20.0, gt=0, le=600)
    """Seconds for one attempt."""

    @field_validator("changes")
    @classmethod
    def _known_changes(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [name for name in names if name not in CHANGES]
        if unknown:
            raise ValueError(f"no transition is called {', '.join(unknown)}: {', '.join(CHANGES)}")
        return names

    @field_validator("quiet")
    @classmethod
    def _readable_hours(cls, hours: str) -> str:
        if hours and not _QUIET.fullmatch(hours):
            raise ValueError("must be two times of day, as 22:00-07:00")
        return hours

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        if name == "UTC":
            return name
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"no time zone is called {name}; for example Europe/Berlin") from None
        return name
