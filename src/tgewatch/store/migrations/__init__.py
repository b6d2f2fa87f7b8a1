"""From whatever revision a database has to the one that this program writes.

Alembic does it; it is imported only when there are tables of an older revision, as most starts find
none, and it takes 10 MB.
"""

from pathlib import Path

import sqlalchemy as sa

from tgewatch.store.schema import METADATA

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


def create(connection: sa.Connection) -> None:
    """Make the tables in an empty database, in the transaction that the connection is in."""
    METADATA.create_all(connection, checkfirst=False)
    versions = sa.Table(
        "alembic_version",
        sa.MetaData(),
        sa.Column("version_num", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
    )
    versions.create(connection)
    connection.execute(versions.insert().values(version_num=HEAD))


def upgrade(connection: sa.Connection, to: str = HEAD) -> None:
    """Bring the tables to a revision, in the transaction that the connection is in."""
    from alembic import command  # noqa: PLC0415 - see above
    from alembic.config import Config  # noqa: PLC0415

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    command.upgrade(config, to)
