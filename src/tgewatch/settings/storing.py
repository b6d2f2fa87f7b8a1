"""Where things are kept."""

from pathlib import Path

from pydantic import Field

from tgewatch.settings.section import Section


class StoreSettings(Section):
    """`[store]`."""

    database_url: str = ""
    """PostgreSQL; empty means the SQLite file at `path`."""
    path: Path = Path("state/tgewatch.db")
    """Relative paths start at the folder of the settings file."""
    retention_days: float = Field(default=90.0, gt=0)
    """Items without an event are forgotten after this; events and their evidence stay."""
