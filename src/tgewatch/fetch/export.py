"""The cache as a JSON file, for people and other programs."""

import base64
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import fields, is_dataclass
from pathlib import Path

import msgspec

from tgewatch.fetch.memory import Entry


def export_entries(
    path: Path,
    tiers: Mapping[str, Sequence[tuple[str, Entry]]],
    *,
    now: float,
    monotonic: float,
) -> int:
    """Write entries with their times as Unix seconds; return how many.

    The file is replaced at once or not at all. Values that JSON cannot say are left out.
    """
    shift = now - monotonic
    written = 0
    tables: dict[str, list[msgspec.Raw]] = {}
    for tier, entries in tiers.items():
        rows = tables[tier] = []
        for key, entry in entries:
            if entry.refusal or entry.keep_until <= monotonic:
                continue
            with suppress(TypeError, ValueError, OverflowError, RecursionError):
                row = {
                    "key": _text(key),
                    "stored": entry.stored + shift,
                    "fresh_until": entry.fresh_until + shift,
                    "value": _plain(entry.value),
                }
                rows.append(msgspec.Raw(msgspec.json.encode(row)))
                written += 1
    write_atomically(path, msgspec.json.encode({"version": 1, "exported": now, "tiers": tables}))
    return written


def write_atomically(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Replace the file by one with this content; a reader sees the old or the new one.

    `durable` also survives the machine's going down, at the price of a wait for the disk.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        with draft.open("wb") as file:
            file.write(data)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise


def _plain(value: object) -> object:
    match value:
        case str():
            plain: object = _text(value)
        case bytes():
            plain = _text_or_base64(value)
        case dict():
            plain = {_text(str(key)): _plain(part) for key, part in value.items()}
        case list() | tuple() | set() | frozenset():
            plain = [_plain(part) for part in value]
        case _ if is_dataclass(value) and not isinstance(value, type):
            plain = {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
        case _:
            plain = msgspec.to_builtins(value)
    return plain


def _text_or_base64(value: bytes) -> object:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(value).decode()}


def _text(value: str) -> str:
    return value.encode(errors="replace").decode()
