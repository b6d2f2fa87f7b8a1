"""The SQL of the cache's file."""

import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

_VERSION = 1
_SCHEMA = f"""
BEGIN IMMEDIATE;
DROP TABLE IF EXISTS entries;
CREATE TABLE entries (
    tier TEXT NOT NULL,
    key BLOB NOT NULL,
    kind TEXT NOT NULL,
    value BLOB NOT NULL,
    stored REAL NOT NULL,
    fresh_until REAL NOT NULL,
    keep_until REAL NOT NULL,
    PRIMARY KEY (tier, key)
);
CREATE INDEX entries_by_age ON entries (tier, stored);
PRAGMA user_version = {_VERSION};
COMMIT;
"""
_SIDE_FILES = ("-wal", "-shm")
_BUSY = 5.0


class Row(NamedTuple):
    """One entry as it stands in the file; times are Unix seconds."""

    key: bytes
    """UTF-8, lone surrogates included: as bytes any string can be a key."""
    kind: str
    value: bytes
    stored: float
    fresh_until: float
    keep_until: float


def open_file(path: Path, *, check: bool = False) -> sqlite3.Connection:
    """Open or create the file. Raises sqlite3.Error when it is no such file, or a damaged one.

    Most damage is only seen with `check`, which reads all of it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    file = sqlite3.connect(path, timeout=_BUSY, isolation_level=None)
    try:
        file.execute("PRAGMA auto_vacuum = INCREMENTAL")
        file.execute("PRAGMA journal_mode = WAL")
        file.execute("PRAGMA synchronous = NORMAL")
        if file.execute("PRAGMA user_version").fetchone()[0] != _VERSION:
            file.executescript(_SCHEMA)
        if check and (verdict := file.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
            raise DamagedError(verdict)
    except sqlite3.Error:
        file.close()
        raise
    return file


class DamagedError(sqlite3.DatabaseError):
    """The file failed its own check."""


def corrupt(error: sqlite3.Error) -> bool:
    """Return whether the file itself is at fault, rather than the disk or another process."""
    code = getattr(error, "sqlite_errorcode", None)
    return isinstance(error, DamagedError) or (
        code is not None and code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
    )


def set_aside(path: Path) -> Path:
    """Rename the file out of the way, over an earlier one; return its new name."""
    aside = path.with_name(path.name + ".corrupt")
    with suppress(FileNotFoundError):
        path.replace(aside)
    for suffix in _SIDE_FILES:
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    return aside


def newest(file: sqlite3.Connection, tier: str, now: float, max_bytes: int) -> list[Row]:
    """Return the newest rows of a tier that are worth keeping, up to `max_bytes` of them."""
    rows = []
    for values in file.execute(
        "SELECT key, kind, value, stored, fresh_until, keep_until FROM entries"
        " WHERE tier = ? AND keep_until > ? ORDER BY stored DESC",
        (tier, now),
    ):
        row = Row(*values)
        max_bytes -= len(row.value) + len(row.key)
        if max_bytes < 0:
            break
        rows.append(row)
    return rows


def upsert(file: sqlite3.Connection, rows: Iterable[tuple[str, Row]]) -> None:
    """Write rows, each with its tier, over those of the same key."""
    file.executemany(
        "INSERT INTO entries (tier, key, kind, value, stored, fresh_until, keep_until)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (tier, key) DO UPDATE SET kind = excluded.kind, value = excluded.value,"
        " stored = excluded.stored, fresh_until = excluded.fresh_until,"
        " keep_until = excluded.keep_until",
        [(tier, *row) for tier, row in rows],
    )


def delete(
    file: sqlite3.Connection,
    keys: Iterable[tuple[str, bytes]],
    *,
    prefixes: Iterable[tuple[str, bytes]] = (),
) -> None:
    """Remove keys, and before them all keys with a prefix; each with its tier."""
    for tier, prefix in prefixes:
        if prefix:
            file.execute(
                "DELETE FROM entries WHERE tier = ? AND substr(key, 1, ?) = ?",
                (tier, len(prefix), prefix),
            )
        else:
            file.execute("DELETE FROM entries WHERE tier = ?", (tier,))
    file.executemany("DELETE FROM entries WHERE tier = ? AND key = ?", keys)


def prune(file: sqlite3.Connection, *, now: float, max_bytes: int) -> None:
    """Remove what is past keeping and, above `max_bytes` of keys and values, the oldest."""
    with file:
        file.execute("BEGIN IMMEDIATE")
        file.execute("DELETE FROM entries WHERE keep_until <= ?", (now,))
        file.execute(
            "DELETE FROM entries WHERE rowid IN (SELECT rowid FROM (SELECT rowid,"
            " sum(length(value) + length(key)) OVER (ORDER BY stored DESC, rowid) AS total"
            " FROM entries) WHERE total > ?)",
            (max_bytes,),
        )
    file.execute("PRAGMA incremental_vacuum").fetchall()
