"""Values as bytes and back, for the file of the cache. Never pickle: a file is not trusted."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from tgewatch.ports import Response

KINDS: Mapping[str, type] = {"response": Response}
"""Dataclasses that may be kept besides plain data, by the name that stands in the file."""

_ATOMS = frozenset({type(None), bool, int, float, str, bytes})
_MOST_PARTS = 50_000


class Codec:
    """Encodes plain data (JSON's, bytes and aware datetimes) and a few known dataclasses."""

    def __init__(self, kinds: Mapping[str, type] = KINDS) -> None:
        self._kinds = dict(kinds)
        self._names = {kind: name for name, kind in kinds.items()}

    def encode(self, value: object) -> tuple[str, bytes] | None:
        """Return kind and bytes, or None for a value that would not come back equal."""
        name = self._names.get(type(value), "")
        if not name and not _plain(value):
            return None
        try:
            return name, msgspec.msgpack.encode(value)
        except (TypeError, ValueError, OverflowError, RecursionError):
            return None

    def decode(self, kind: str, data: bytes) -> object:
        """Return the value. Raises ValueError when the bytes are not one of that kind."""
        if kind and kind not in self._kinds:
            raise ValueError(f"unknown kind {kind!r}")
        value: object = msgspec.msgpack.decode(data, type=self._kinds[kind] if kind else object)
        return value


def _plain(value: object) -> bool:
    waiting = [value]
    for _ in range(_MOST_PARTS):
        if not waiting:
            return True
        part = waiting.pop()
        kind = type(part)
        if kind in _ATOMS:
            continue
        if isinstance(part, list) and kind is list:
            waiting.extend(part)
        elif isinstance(part, dict) and kind is dict:
            if not all(type(key) is str for key in part):
                return False
            waiting.extend(part.values())
        elif not (isinstance(part, datetime) and kind is datetime and part.tzinfo is not None):
            return False
    return False
