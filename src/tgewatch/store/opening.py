"""From settings to a store that is open: locked, migrated, and closed again in the end."""

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

import sqlalchemy as sa

from tgewatch.clock import Clock
from tgewatch.detect.correct import advance as pass_time
from tgewatch.errors import ConfigError, StoreBusyError, TransientError
from tgewatch.ports import Advance, Merge, Route
from tgewatch.settings import StoreSettings
from tgewatch.store import lock, migrations, upkeep
from tgewatch.store.database import (
    Database,
    explaining,
    open_memory,
    open_postgres,
    open_sqlite,
)
from tgewatch.store.polls import Rules
from tgewatch.store.schema import METADATA
from tgewatch.store.sql import SqlStore

DAY = 86_400.0
JOINING = 2
"""Times that the lock is waited for (lock.PATIENCE) by one who wants to share."""
MIGRATING = 15
"""The same while somebody else may be making the tables."""


class Access(StrEnum):
    """What an opener means to do."""

    OWN = "own"
    """Poll and deliver: one instance at a time."""
    SHARE = "share"
    """Poll and deliver beside others who share; PostgreSQL only. A poll that somebody else has
    made meanwhile is refused (`stale`)."""
    AMEND = "amend"
    """Correct events, label, replay dead letters: also while another instance owns the store."""
    READ = "read"
    """Ask, also while another instance owns the store. A store that is not there is empty."""


@asynccontextmanager
async def open_store(
    settings: StoreSettings,
    *,
    root: Path,
    clock: Clock,
    merge: Merge,
    route: Route,
    advance: Advance = pass_time,
    access: Access = Access.OWN,
) -> AsyncIterator[SqlStore]:
    """Open the store that the settings name, and close it when the block ends.

    Relative paths start at `root`. Raises StoreBusyError when another instance owns it, and
    ConfigError when it cannot be opened or shared, is damaged, or was written by a newer program.
    """
    if access is Access.SHARE and not settings.database_url:
        raise ConfigError(
            [
                "store.database_url: several instances share a PostgreSQL database; a SQLite file has one"
            ]
        )
    path = root / settings.path
    where = "store" if settings.database_url else str(path)
    with ExitStack() as stack:
        database = stack.enter_context(
            _postgres(settings, access=access)
            if settings.database_url
            else _sqlite(settings, path, access=access, clock=clock)
        )
        store = SqlStore(
            database,
            rules=Rules(merge, route, advance),
            where=where,
            group=settings.group,
            readers=1 if database.writer is database.reader else settings.readers,
            writable=access is not Access.READ,
            shared=access is Access.SHARE,
            retention=settings.retention_days * DAY,
            clock=clock,
        )
        store.start()
        try:
            yield store
        finally:
            await store.close()


@contextmanager
def _sqlite(
    settings: StoreSettings, path: Path, *, access: Access, clock: Clock
) -> Iterator[Database]:
    with ExitStack() as stack:
        if access is Access.READ and not path.exists():
            database = open_memory()
            stack.callback(database.close)
            METADATA.create_all(database.writer)
            yield database
            return
        _make_folder(path)
        if access is Access.OWN:
            stack.enter_context(lock.file_lock(path))
        database = open_sqlite(path, busy=settings.busy, readers=settings.readers)
        stack.callback(database.close)
        with _opening(str(path)):
            found = _revision(database, str(path))
            if found != migrations.HEAD:
                if access is not Access.OWN:
                    with _sqlite(settings, path, access=Access.OWN, clock=clock):
                        pass
                else:
                    if found:
                        stamp = datetime.fromtimestamp(clock.now(), UTC).strftime("%Y%m%dT%H%M%SZ")
                        upkeep.backup_before(path, found, stamp=stamp, keep=settings.backups)
                    with database.writer.begin() as connection:
                        _make_tables(connection, found)
            if access is not Access.READ:
                _try_to_write(database)
        yield database


@contextmanager
def _postgres(settings: StoreSettings, *, access: Access) -> Iterator[Database]:
    with ExitStack() as stack:
        database = open_postgres(
            settings.database_url,
            name=lock.identity(),
            busy=settings.busy,
            readers=settings.readers,
            shared=access is Access.SHARE,
        )
        stack.callback(database.close)
        if access in (Access.OWN, Access.SHARE):
            lock.hold_database(database.writer, shared=access is Access.SHARE)
        with _opening("the database"):
            if access is Access.OWN:
                with database.writer.begin() as connection:
                    found = _known(migrations.revision(connection), "the database")
                    if found != migrations.HEAD:
                        _make_tables(connection, found)
            elif _revision(database, "the database") != migrations.HEAD:
                _migrate(settings, database)
            if access is Access.SHARE:
                _join(database)
        yield database


def _make_tables(connection: sa.Connection, found: str) -> None:
    """Bring the tables to the last revision, from the one that was found or from nothing."""
    if found:
        migrations.upgrade(connection)
    else:
        migrations.create(connection)


def _migrate(settings: StoreSettings, database: Database) -> None:
    """Bring the tables up to date as their owner, unless somebody else does it just now."""
    for left in reversed(range(MIGRATING)):
        try:
            with _postgres(settings, access=Access.OWN):
                return
        except StoreBusyError:
            if _revision(database, "the database") == migrations.HEAD:
                return
            if not left:
                raise


def _join(database: Database) -> None:
    """Take our part of the lock, or say that somebody owns the store alone, and not for a moment."""
    for left in reversed(range(JOINING)):
        try:
            with database.writer.connect():
                return
        except StoreBusyError:
            if not left:
                raise


def _revision(database: Database, where: str) -> str:
    """Return the revision of a database that this program can read or migrate."""
    with database.reader.connect() as connection:
        found = migrations.revision(connection)
        if not found and database.sqlite and sa.inspect(connection).get_table_names():
            raise ConfigError([f"{where} is the database of another program"])
        return _known(found, where)


def _try_to_write(database: Database) -> None:
    """Raise what a write would raise; SQLite lets a transaction begin on a read-only file."""
    with database.writer.connect() as connection:
        connection.exec_driver_sql("PRAGMA user_version = 0")
        connection.rollback()


def _known(revision: str, where: str) -> str:
    if revision and revision not in migrations.REVISIONS:
        raise ConfigError(
            [f"{where} was written by a newer tgewatch (revision {revision}): update the program"]
        )
    return revision


def _make_folder(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError([f"{path.parent} cannot be made: {error.strerror}"]) from error
    if path.is_dir():
        raise ConfigError([f"{path} is a folder, not a store"])


@contextmanager
def _opening(where: str) -> Iterator[None]:
    """Nothing that fails while a store is opened heals by itself: tell the operator."""
    try:
        with explaining(where):
            yield
    except TransientError as error:
        if error.cause == "locked":
            raise StoreBusyError(f"{where} is locked by another program") from error
        raise ConfigError([str(error).removesuffix("; nothing was stored")]) from error
