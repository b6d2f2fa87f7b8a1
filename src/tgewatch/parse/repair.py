"""XML that is nearly well-formed, made so: entities, stray signs, characters XML forbids."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from html.entities import html5

from tgewatch.errors import MalformedError

MAX_GROWTH = 200_000
"""Bytes that the entities of a DOCTYPE may add to a document."""

MAX_SIGNS = 200_000
"""Ampersands of a document that is worth repairing."""

_CONTROL = bytes(code for code in range(32) if code not in (9, 10, 13)) + b"\x7f"
_TERMINAL = re.compile(rb"\x1b\][^\x07\x1b]*\x07?|\x1b\[[0-?]*[ -/]*[@-~]")
_SURROGATES = re.compile(rb"&#(5[56]\d{3});&#(5[67]\d{3});")
_AMPERSAND = re.compile(rb"&(?:#(\d{1,7}|[xX][0-9a-fA-F]{1,6});|([A-Za-z_:][\w.:-]{0,63});)?")
_STRAY_LESS = re.compile(rb"<(?![A-Za-z_:/!?\x80-\xff])")
_FORBIDDEN = re.compile(rb"\xef\xbf[\xbe\xbf]")
_PREDEFINED = frozenset({b"amp", b"lt", b"gt", b"quot", b"apos"})
_ALLOWED = (range(0x20, 0xD800), range(0xE000, 0xFFFE), range(0x10000, 0x110000))
_ESCAPED = {"<": "&lt;", "&": "&amp;"}


def repair(text: bytes, entities: Mapping[bytes, bytes]) -> bytes:
    """Return the UTF-8 document `text` without what only a strict parser stumbles over.

    Replaces the entities of its own DOCTYPE and of HTML, escapes signs that stand alone, and
    drops characters that XML forbids. Leaves CDATA sections as they are. Raises MalformedError
    (entity_bomb) when entities would make it grow by more than `MAX_GROWTH`, and (too_complex)
    when there are more than `MAX_SIGNS` places to look at.
    """
    if text.count(b"&") > MAX_SIGNS:
        raise MalformedError(f"not well-formed, with {MAX_SIGNS:,} ampersands", cause="too_complex")
    if b"\x1b" in text:
        text = _TERMINAL.sub(b"", text)
    text = _FORBIDDEN.sub(b"", text.translate(None, _CONTROL))
    mender = _Mender(entities)
    parts = []
    position = 0
    while (start := text.find(b"<![CDATA[", position)) != -1:
        end = text.find(b"]]>", start)
        if end == -1:
            break
        parts += [mender.mend(text[position:start]), text[start : end + 3]]
        position = end + 3
    parts.append(mender.mend(text[position:]))
    return b"".join(parts)


@dataclass(slots=True)
class _Mender:
    entities: Mapping[bytes, bytes]
    growth: int = 0

    def mend(self, text: bytes) -> bytes:
        if b"&" in text:
            text = _SURROGATES.sub(_joined, text)
            text = _AMPERSAND.sub(self._reference, text)
        return _STRAY_LESS.sub(b"&lt;", text)

    def _reference(self, match: re.Match[bytes]) -> bytes:
        number, name = match.groups()
        if number is not None:
            code = int(number[1:], 16) if number[:1] in b"xX" else int(number)
            return match.group() if _allowed(code) else b""
        if name is None:
            return b"&amp;"
        if name in _PREDEFINED:
            return match.group()
        own = self.entities.get(name)
        if own is not None:
            self.growth += len(own)
            if self.growth > MAX_GROWTH:
                raise MalformedError("entities that make it grow", cause="entity_bomb")
            return own
        character = html5.get(name.decode("ascii", "replace") + ";")
        if character is None:
            return b"&amp;" + match.group()[1:]
        return "".join(_ESCAPED.get(sign, sign) for sign in character).encode()


def _joined(match: re.Match[bytes]) -> bytes:
    """Write a character that was split into two surrogates as the one it is."""
    high, low = int(match.group(1)), int(match.group(2))
    if not (0xD800 <= high < 0xDC00 <= low < 0xE000):  # noqa: PLR2004 - the surrogate ranges
        return match.group()
    return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)).encode()


def _allowed(code: int) -> bool:
    """Tell whether XML 1.0 (section 2.2) allows the character."""
    return code in (9, 10, 13) or any(code in allowed for allowed in _ALLOWED)
