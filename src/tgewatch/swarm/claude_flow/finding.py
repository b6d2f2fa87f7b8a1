"""What a probe found, kept for a few hours, so that a scan every ten minutes pays for it once.

Only what was well is kept, and it is forgotten with the first message that fails.
"""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import orjson

from tgewatch.swarm.claude_flow.place import Place

HOLDS = 6 * 3_600.0
"""Seconds."""
_READ = 10_000


@dataclass(frozen=True, slots=True)
class Finding:
    """A claude-flow whose memory was tested."""

    version: str
    by_session: bool
    """Whether its memory is spoken to over a session (2.x)."""


def recall(place: Place, *, now: float) -> Finding | None:
    """Return what was found of this very command, folder and namespace, unless that is long ago."""
    try:
        with _file(place).open("rb") as file:
            kept = orjson.loads(file.read(_READ))
        if not isinstance(kept, dict) or kept.get("of") != _identity(place):
            return None
        if not 0.0 <= now - kept["at"] < HOLDS or not (place.root / kept["memory"]).exists():
            return None
        version, by_session = kept["version"], kept["by_session"]
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError):
        return None
    if not isinstance(version, str) or not version.startswith(("2.", "3.")):
        return None
    return Finding(version, by_session is True)


def keep(place: Place, finding: Finding, *, memory: str, now: float) -> None:
    """Remember it; `memory` is the file in the root without which it holds no longer."""
    draft = _file(place).with_name(f".found.{os.getpid()}")
    with suppress(OSError):
        kept = {
            "of": _identity(place),
            "version": finding.version,
            "by_session": finding.by_session,
            "memory": memory,
            "at": now,
        }
        draft.write_bytes(orjson.dumps(kept))
        draft.replace(_file(place))


def forget(place: Place) -> None:
    """Have the next probe look again."""
    with suppress(OSError):
        _file(place).unlink()


def _file(place: Place) -> Path:
    return place.folder / "found.json"


def _identity(place: Place) -> list[object]:
    """Return what an installation changes: npm gives all its files the same old date."""
    there = place.command.stat()
    return [
        str(place.command),
        there.st_ino,
        there.st_ctime_ns,
        str(place.root),
        place.namespace,
    ]
