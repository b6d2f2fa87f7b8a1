"""From whatever revision a database has to the one that this program writes.

Alembic does it; it is imported only when there is something to do, as most starts find nothing.
"""

from pathlib import Path

import sqlalchemy as sa

REVISIONS = ("0001", "0002")
"""Oldest first. The last one is what the program reads and writes."""
HEAD = REVISIONS[-1]

FOLDER = Path(__file__).parent


def revision(connection: sa.Connection) -> str:
    """Return the revision of a database, or nothing for an empty one."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return ""
    found = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
    return str(found or "")


def upgrade(connection: sa.Connection, to: str = HEAD) -> None:
    """Bring the database to a revision, in the transaction that the connection is in."""
    from alembic import command  # noqa: PLC0415 - 0.15 s that only a migration pays
    from alembic.config import Config  # noqa: PLC0415

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    command.upgrade(config, to)
