"""One instance holds the store, or several share it."""

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from tgewatch.errors import ConfigError, StoreBusyError

INSTANCE = 0x7467_6569
"""Key of the advisory lock in PostgreSQL: an owner holds it alone, those who share hold it together."""


PATIENCE = 2_000
"""Milliseconds."""
LOCK_NOT_AVAILABLE = "55P03"
_HOLDER = (
    "SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
    "WHERE l.locktype = 'advisory' AND l.granted AND l.objid = %s "
    "AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


def identity() -> str:
    """Return who we are, for the message that others get."""
    return f"tgewatch pid {os.getpid()} on {socket.gethostname()}"[:63]


@contextmanager
def file_lock(database: Path) -> Iterator[None]:
    """Hold the lock file beside the database; the system lets go of it when we die.

    Raises StoreBusyError naming the holder. The file stays: taking it away would let two in.
    """
    path = database.with_name(database.name + ".lock")
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigError([f"{path} cannot be opened: {error.strerror}"]) from error
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _holder(os.pread(file, 1_000, 0))
            raise StoreBusyError(f"{database} is in use by {holder}") from None
        except OSError as error:
            raise ConfigError([f"{path} cannot be locked: {error.strerror}"]) from error
        os.ftruncate(file, 0)
        os.pwrite(file, json.dumps({"holder": identity()}).encode(), 0)
        yield
    finally:
        os.close(file)


def _holder(text: bytes) -> str:
    try:
        return str(json.loads(text)["holder"])
    except (ValueError, KeyError, TypeError):
        return "another instance"


def hold_database(engine: sa.Engine, *, shared: bool = False) -> None:
    """Make each new connection of `engine` hold the instance lock of a PostgreSQL database.

    `shared` lets others hold it too who share it; an owner and they keep each other out.

    The engine writes through a single connection. When that is lost and made again while another
    instance has taken the lock, writing ends with StoreBusyError: nobody writes without the lock.
    The server may notice late that a holder was killed, so the lock is waited for a little.
    """
    take_lock = f"SELECT pg_advisory_lock{'_shared' if shared else ''}(%s)"

    @sa.event.listens_for(engine, "connect")
    def take(connection: Any, _record: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = {PATIENCE}")
            try:
                cursor.execute(take_lock, (INSTANCE,))
            except Exception as error:
                if getattr(error, "sqlstate", "") != LOCK_NOT_AVAILABLE:
                    raise
                connection.rollback()
                row = cursor.execute(_HOLDER, (INSTANCE,)).fetchone()
                connection.close()
                holder = row[0] if row and row[0] else "another instance"
                raise StoreBusyError(f"the database is in use by {holder}") from error
        connection.commit()
