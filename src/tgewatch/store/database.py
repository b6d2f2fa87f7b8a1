"""Connections to SQLite or PostgreSQL, set up so that both behave alike."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import NullPool, StaticPool

from tgewatch.errors import ConfigError, TgewatchError, TransientError

CACHE_KB = 8_000
"""Page cache of the SQLite connection that writes."""
READERS_KB = 1_000
"""Of each that reads: single items by index, and the system's own cache is behind it."""
WRITERS_LOCK = 0x7467_6577
"""Key of the advisory lock under which PostgreSQL transactions write, one after the other."""
ONE_AFTER_THE_OTHER = f"SELECT pg_advisory_xact_lock({WRITERS_LOCK})"


@dataclass(frozen=True, slots=True)
class Database:
    """One engine that writes and one that only reads."""

    writer: sa.Engine
    reader: sa.Engine
    path: Path | None
    """The SQLite file; None for PostgreSQL and for a store in memory."""

    @property
    def sqlite(self) -> bool:
        return self.writer.dialect.name == "sqlite"

    def close(self) -> None:
        self.reader.dispose()
        self.writer.dispose()


def open_sqlite(path: Path, *, busy: float, readers: int) -> Database:
    """Open the file, which need not exist yet. `busy` is how long to wait for other writers."""
    url = sa.URL.create("sqlite+pysqlite", database=str(path))
    args = {"timeout": busy, "check_same_thread": False}
    writer = sa.create_engine(url, connect_args=args, pool_size=1, max_overflow=1)
    reader = sa.create_engine(url, connect_args=args, pool_size=readers)
    _prepare_sqlite(writer, begin="BEGIN IMMEDIATE", wal=True)
    _prepare_sqlite(reader, begin="BEGIN", read_only=True)
    return Database(writer, reader, path)


def open_memory() -> Database:
    """Open a store that vanishes when it is closed; one thread at a time."""
    engine = sa.create_engine(
        "sqlite+pysqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False}
    )
    _prepare_sqlite(engine, begin="BEGIN")
    return Database(engine, engine, None)


def open_postgres(
    url: str, *, name: str, busy: float, readers: int, shared: bool = False
) -> Database:
    """Open a PostgreSQL database; `name` is how others see who is connected.

    Its transactions write one after the other, whoever begins them. With `shared`, whoever writes
    says so where it matters (ONE_AFTER_THE_OTHER), and the rest is written side by side.

    `busy` is how long to wait for other writers, in seconds, and for a network that is silent.
    Raises ConfigError when the URL is none, or the driver is not installed.
    """
    try:
        parsed = sa.make_url(url)
        if parsed.get_backend_name() != "postgresql":
            raise ConfigError([f"store.database_url: {parsed.drivername} is not postgresql"])
        parsed = parsed.set(drivername="postgresql+psycopg")
        patience = int(busy * 1_000)
        args = {
            "application_name": name,
            "connect_timeout": 10,
            "keepalives_idle": 30,
            "tcp_user_timeout": patience,
            "options": f"-c lock_timeout={patience}",
        }
        writer = sa.create_engine(parsed, connect_args=args, pool_size=1, max_overflow=0)
        reader = sa.create_engine(
            parsed,
            connect_args=args,
            pool_size=readers,
            pool_pre_ping=True,
            isolation_level="REPEATABLE READ",
            execution_options={"postgresql_readonly": True},
        )
    except (sa.exc.ArgumentError, ValueError) as error:
        raise ConfigError(["store.database_url: not a database URL"]) from error
    except ImportError as error:
        raise ConfigError(
            ["store.database_url: PostgreSQL needs `pip install tgewatch[postgres]`"]
        ) from error

    if not shared:

        @sa.event.listens_for(writer, "begin")
        def one_after_the_other(connection: sa.Connection) -> None:
            connection.exec_driver_sql(ONE_AFTER_THE_OTHER)

    return Database(writer, reader, None)


def open_leases_engine(url: str, *, name: str, deadline: float) -> sa.Engine:
    """Return an engine whose one connection holds locks for as long as it lives.

    The server is told to notice soon when the other end has vanished without a word.
    """
    milliseconds = int(deadline * 1_000)
    return sa.create_engine(
        sa.make_url(url).set(drivername="postgresql+psycopg"),
        connect_args={
            "application_name": name,
            "connect_timeout": 5,
            "keepalives_idle": 10,
            "tcp_user_timeout": milliseconds,
            "options": f"-c statement_timeout={milliseconds} -c tcp_keepalives_idle=10 "
            "-c tcp_keepalives_interval=5 -c tcp_keepalives_count=3",
        },
        poolclass=NullPool,
        isolation_level="AUTOCOMMIT",
    )


def _prepare_sqlite(
    engine: sa.Engine, *, begin: str, wal: bool = False, read_only: bool = False
) -> None:
    @sa.event.listens_for(engine, "connect")
    def connect(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None  # transactions begin where we say so
        if wal:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA journal_size_limit = 67108864")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA cache_size = -{READERS_KB if read_only else CACHE_KB}")
        if read_only:
            connection.execute("PRAGMA query_only = ON")

    @sa.event.listens_for(engine, "begin")
    def start(connection: sa.Connection) -> None:
        connection.exec_driver_sql(begin)


_SQLITE_CAUSES = (
    ("disk is full", "disk_full", "the disk is full"),
    ("readonly", "read_only", "the file, its folder or the file system is read-only"),
    ("unable to open", "not_opened", "the file cannot be opened; is its folder there?"),
    ("disk I/O error", "disk_error", "the disk reports an error, or is full"),
    ("is locked", "locked", "another program holds the file"),
)
_SQLITE_BROKEN = ("malformed", "not a database")


def explained(error: Exception, where: str) -> TgewatchError:
    """Return what a driver's error means for the caller; nothing was stored in any case."""
    text = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
    if any(word in text for word in _SQLITE_BROKEN):
        return ConfigError(
            [f"{where} is damaged ({text}); put a backup in its place, or move it away"]
        )
    for word, cause, meaning in _SQLITE_CAUSES:
        if word in text:
            return TransientError(f"{where}: {meaning}; nothing was stored", cause=cause)
    return TransientError(f"{where}: {text}; nothing was stored", cause="database")


@contextmanager
def explaining(where: str) -> Iterator[None]:
    """Translate what drivers raise."""
    try:
        yield
    except (sa.exc.DBAPIError, sqlite3.Error) as error:
        raise explained(error, where) from error
