"""Who does what is to be done once: reservations that outlive the process, among the notes.

A reservation is a note whose time is its end, so it needs no table of its own.
"""

import hashlib

import sqlalchemy as sa

from tgewatch.errors import RefusedError
from tgewatch.store.rows import insert_once
from tgewatch.store.schema import notes

MOST = 100_000
"""Reservations that run at one time; a program that makes more asks for too many."""
SWEPT = 1_000
"""Reservations that have run out and are dropped at most with each new one."""
_BEGIN = "reserved:"
"""How the names of notes begin that are reservations."""


def reserve(connection: sa.Connection, name: str, *, until: float, now: float) -> bool:
    """Return whether `name` was free; it is taken until `until` then.

    Raises RefusedError (`full`) when too many run already.
    """
    own = _note(name)
    ours = notes.c.name.startswith(_BEGIN)
    over = sa.select(notes.c.name).where(ours, notes.c.at <= now).limit(SWEPT)
    connection.execute(notes.delete().where(notes.c.name == own, notes.c.at <= now))
    connection.execute(notes.delete().where(notes.c.name.in_(over)))
    if not insert_once(connection, notes, {"name": own, "at": until, "value": b""}):
        return False
    running = connection.scalar(sa.select(sa.func.count()).select_from(notes).where(ours)) or 0
    if running > MOST:
        raise RefusedError(f"{MOST} reservations run already; release some", cause="full")
    return True


def release(connection: sa.Connection, name: str) -> None:
    """Let somebody else have it."""
    connection.execute(notes.delete().where(notes.c.name == _note(name)))


def _note(name: str) -> str:
    """Return the note of a name of any length and any characters."""
    return _BEGIN + hashlib.sha256(name.encode(errors="replace")).hexdigest()
