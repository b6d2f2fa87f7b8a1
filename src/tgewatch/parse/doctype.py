"""What stands before the root of an XML document: declarations, comments, and entities to refuse."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from tgewatch.errors import MalformedError

MAX_PROLOG = 65_536
"""Bytes before the root element."""
_MAX_ENTITIES = 300
_MAX_VALUE = 2_000
_MAX_DEPTH = 3
_MAX_EXPANDED = 10_000

_ENTITY = re.compile(
    rb"<!ENTITY\s+(?P<parameter>%\s+)?(?P<name>[\w.:-]{1,64})\s+"
    rb"(?:(?P<external>SYSTEM|PUBLIC)\s|\"(?P<double>[^\"]*)\"|'(?P<single>[^']*)')"
)
_W3C_ENTITIES = re.compile(rb"PUBLIC\s+[\"']-//W3C//ENTITIES ")
_REFERENCE = re.compile(rb"&([A-Za-z_:][\w.:-]{0,63});")
_PREDEFINED = frozenset({b"amp", b"lt", b"gt", b"quot", b"apos"})


@dataclass(frozen=True, slots=True)
class Prolog:
    """Where the root element starts, and what was declared before it."""

    root: int
    """Offset of the root's `<`; -1 when there is none."""
    entities: Mapping[bytes, bytes] = field(default_factory=dict)
    """Declared entities, fully expanded."""


def read_prolog(text: bytes) -> Prolog:
    """Step over all that may stand before the root element of `text`, in UTF-8.

    Keeps the internal entities of a DOCTYPE. Raises MalformedError (entity_bomb) for entities
    that are external, that are parameters, or that nest or grow beyond what a publisher needs.
    Character sets of the W3C (`-//W3C//ENTITIES …`) are known by name and not fetched.
    """
    entities: dict[bytes, bytes] = {}
    position = 0
    while position < MAX_PROLOG:
        start = text.find(b"<", position, MAX_PROLOG)
        if start == -1:
            return Prolog(-1, entities)
        following = text[start + 1 : start + 4]
        if following.startswith(b"?"):
            position = _after(text, b"?>", start)
        elif following == b"!--":
            position = _after(text, b"-->", start + 4)
        elif text[start : start + 9].upper() == b"<!DOCTYPE":
            subset, position = _subset(text, start + 9)
            entities.update(_declared(subset))
        elif following[:1].isalpha() or following[:1] in (b"_", b":") or following[:1] > b"\x7f":
            return Prolog(start, _expanded(entities))
        else:
            position = start + 1
    return Prolog(-1, entities)


def _after(text: bytes, mark: bytes, start: int) -> int:
    end = text.find(mark, start, start + MAX_PROLOG)
    return MAX_PROLOG if end == -1 else end + len(mark)


def _subset(text: bytes, start: int) -> tuple[bytes, int]:
    """Return the internal subset of the DOCTYPE at `start`, and where the DOCTYPE ends."""
    opening = text.find(b"[", start, start + 1_000)
    end = text.find(b">", start, start + 1_000)
    if end != -1 and (opening == -1 or end < opening):
        return b"", end + 1
    if opening == -1:
        raise MalformedError("a DOCTYPE that does not end", cause="malformed")
    closing = _closing(text, opening + 1)
    end = text.find(b">", closing, closing + 100)
    return text[opening + 1 : closing], (closing if end == -1 else end) + 1


def _closing(text: bytes, start: int) -> int:
    """Return where the `]` of a subset stands, outside quotes and comments."""
    position, limit = start, start + MAX_PROLOG
    while position < min(limit, len(text)):
        byte = text[position : position + 1]
        if byte == b"]":
            return position
        if byte in (b'"', b"'"):
            position = text.find(byte, position + 1, limit)
            if position == -1:
                break
        elif byte == b"<" and text.startswith(b"<!--", position):
            position = _after(text, b"-->", position + 4) - 1
        position += 1
    raise MalformedError("a DOCTYPE too long for a feed", cause="entity_bomb")


def _declared(subset: bytes) -> dict[bytes, bytes]:
    entities: dict[bytes, bytes] = {}
    subset = _without_comments(subset)
    if subset.count(b"<!ENTITY") > _MAX_ENTITIES:
        raise MalformedError("more entities than a feed needs", cause="entity_bomb")
    for start in re.finditer(rb"<!ENTITY", subset):
        match = _ENTITY.match(subset, start.start())
        if match is None:
            continue
        if match["external"] or match["parameter"]:
            if _W3C_ENTITIES.match(subset, match.start("external")):
                continue
            raise MalformedError("declares an external or parameter entity", cause="entity_bomb")
        value = match["double"] if match["double"] is not None else match["single"]
        if len(value) > _MAX_VALUE:
            raise MalformedError("declares an entity of great length", cause="entity_bomb")
        if match["name"] not in _PREDEFINED:
            entities.setdefault(match["name"], value)
    return entities


def _without_comments(subset: bytes) -> bytes:
    kept = []
    position = 0
    while (start := subset.find(b"<!--", position)) != -1:
        kept.append(subset[position:start])
        end = subset.find(b"-->", start + 4)
        if end == -1:
            return b"".join(kept)
        position = end + 3
    return b"".join((*kept, subset[position:]))


def _expanded(entities: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
    """Replace the references between entities, level by level."""
    current = dict(entities)
    for _ in range(_MAX_DEPTH):
        if not any(_nested(value, entities) for value in current.values()):
            return current
        for name, value in current.items():
            current[name] = _REFERENCE.sub(lambda m: entities.get(m[1], m[0]), value)
            if len(current[name]) > _MAX_EXPANDED:
                raise MalformedError("declares entities that grow", cause="entity_bomb")
    if any(_nested(value, entities) for value in current.values()):
        raise MalformedError("declares entities nested too deeply", cause="entity_bomb")
    return current


def _nested(value: bytes, entities: Mapping[bytes, bytes]) -> bool:
    return b"&" in value and any(m[1] in entities for m in _REFERENCE.finditer(value))
