"""How much may be asked of others."""

from pathlib import Path

from pydantic import Field

from tgewatch.settings.section import Section
from tgewatch.settings.units import Seconds


class LimitSettings(Section):
    """`[limits]`."""

    host_calls: int = Field(default=120, ge=1)
    """Requests to one host in any `host_window`, where the host itself states no limit."""
    host_window: Seconds = Field(default=60.0, gt=0)
    """Seconds."""
    margin: int = Field(default=2, ge=0)
    """Calls of an API window that nobody uses, against other users of the same token."""
    held: float = Field(default=0.1, ge=0, lt=1)
    """Share of an API window that background work leaves to the rest."""
    guard: Seconds = Field(default=0.25, ge=0)
    """Seconds past the end of an API window before its successor is tried."""
    path: Path | None = Path("state/ledger.json")
    """File in which API windows outlive a restart; none forgets them."""
    window: Seconds = Field(default=900.0, gt=0)
    """Seconds of an API window, for answers that say 429 without saying until when."""
