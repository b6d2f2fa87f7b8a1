"""Where things are kept."""

from pathlib import Path

from pydantic import Field

from tgewatch.settings.section import Secret, Section


class StoreSettings(Section):
    """`[store]`."""

    database_url: Secret = ""
    """PostgreSQL; empty means the SQLite file at `path`. Better kept out of the file: see
    `database_url_env` and `database_url_file`."""
    database_url_env: str = ""
    """Environment variable that holds the URL."""
    database_url_file: str = ""
    """File that holds the URL."""
    path: Path = Path("state/tgewatch.db")
    """Relative paths start at the folder of the settings file."""
    retention_days: float = Field(default=90.0, gt=0)
    """Items without an event are forgotten after this; events and their evidence stay."""
    group: int = Field(default=256, ge=1)
    """Polls at most that share one transaction."""
    readers: int = Field(default=2, ge=1, le=32)
    """Threads that answer questions."""
    busy: float = Field(default=30.0, gt=0)
    """Seconds to wait for another program that is writing to the SQLite file."""
    backups: int = Field(default=3, ge=1)
    """Copies of the SQLite file that are kept; one is made before each migration."""
