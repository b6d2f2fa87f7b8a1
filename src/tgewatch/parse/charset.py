"""Bytes in an encoding that nobody states reliably, made UTF-8."""

import codecs
import re

_DECLARED = re.compile(rb"<\?xml[^<>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9._:-]{2,40})[\"']")
_META = re.compile(
    rb"<meta[^<>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9._:-]{2,40})", re.IGNORECASE
)
_HEADER = re.compile(r"charset\s*=\s*[\"']?([A-Za-z0-9._:-]{2,40})", re.IGNORECASE)
_HEAD = 2_048
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_WIDE = (
    (b"<\x00\x00\x00", "utf-32-le"),
    (b"\x00\x00\x00<", "utf-32-be"),
    (b"<\x00", "utf-16-le"),
    (b"\x00<", "utf-16-be"),
    (b"{\x00", "utf-16-le"),
    (b"\x00{", "utf-16-be"),
)
# Escape sequences of seven-bit encodings look like ASCII, and so like UTF-8.
_SEVEN_BIT = frozenset({"iso2022_jp", "iso2022_jp_1", "iso2022_jp_2", "iso2022_kr", "hz"})
# What publishers call Latin-1 or ASCII is what Windows calls 1252 (WHATWG Encoding, section 4.2).
_WINDOWS = frozenset({"iso8859-1", "ascii"})
_CONTROL = bytes(code for code in range(27) if code not in b"\t\n\f\r")
_STRAY = re.compile("[\udc80-\udcff]")
_TOLERATED = 0.02
"""Share of characters beyond ASCII that may make no sense in an encoding that was stated."""
_NOT_TEXT = frozenset(
    {"base64", "bz2", "hex", "idna", "mbcs", "oem", "punycode", "quopri", "raw-unicode-escape",
     "rot13", "undefined", "unicode-escape", "uu", "zlib"}
)  # fmt: skip


def to_utf8(body: bytes, content_type: str = "") -> tuple[bytes, str]:
    """Return `body` in UTF-8 without a byte order mark, and the encoding it was read as.

    Believes, in this order: a byte order mark, the bytes themselves where they are UTF-8 or show
    the pattern of a wide encoding, the HTTP charset, the document's own declaration, UTF-8 with
    stray bytes of Windows-1252. Never fails: what fits nothing is replaced.
    """
    for mark, name in _MARKS:
        if body.startswith(mark):
            return _decoded(body[len(mark) :], name)
    head = body[:_HEAD]
    if b"\x00" in head[:8]:
        start = head.lstrip(b" \r\n\t")
        for pattern, name in _WIDE:
            if start.startswith(pattern):
                return _decoded(body, name)
    stated = [name for name in _stated(head, content_type) if not name.startswith("utf-")]
    if not (stated and stated[0] in _SEVEN_BIT) and _is_utf8(body):
        return body, "utf-8"
    for name in stated:
        text = body.decode(name, "replace")
        if text.count("\ufffd") <= max(1, _TOLERATED * _beyond_ascii(text)):
            return text.encode("utf-8", "replace"), name
    return _mixed(body), "utf-8 with windows-1252"


def _beyond_ascii(text: str) -> int:
    return len(text) - len(text.encode("ascii", "ignore"))


def _mixed(body: bytes) -> bytes:
    """Read UTF-8, and each byte that cannot be part of it as Windows-1252."""
    if body.decode("utf-8", "replace").count("\ufffd") > max(100, len(body) // 20):
        return body.decode("cp1252", "replace").encode()
    text = body.decode("utf-8", "surrogateescape")
    return _STRAY.sub(_from_windows, text).encode()


def _from_windows(match: re.Match[str]) -> str:
    return bytes([ord(match.group()) - 0xDC00]).decode("cp1252", "replace")


def is_binary(body: bytes) -> bool:
    """Tell whether the beginning of `body` is no text in any encoding that `to_utf8` reads."""
    head = body[:_HEAD]
    if any(head.startswith(mark) for mark, _ in _MARKS) or not head:
        return False
    start = head.lstrip(b" \r\n\t")
    if any(start.startswith(pattern) for pattern, _ in _WIDE):
        return False
    return len(head) - len(head.translate(None, _CONTROL)) > len(head) * _TOLERATED


def _stated(head: bytes, content_type: str) -> list[str]:
    found = []
    if (match := _HEADER.search(content_type[:500])) is not None:
        found.append(match.group(1))
    declared = (pattern.search(head) for pattern in (_DECLARED, _META))
    found.extend(match.group(1).decode("ascii") for match in declared if match is not None)
    names = []
    for label in found:
        try:
            name = codecs.lookup(label).name
        except (LookupError, ValueError):
            continue
        if name not in _NOT_TEXT:
            names.append("cp1252" if name in _WINDOWS else name)
    return names


def _is_utf8(body: bytes) -> bool:
    if body.isascii():
        return True
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _decoded(body: bytes, name: str) -> tuple[bytes, str]:
    if name == "utf-8":
        return (body, name) if _is_utf8(body) else (_mixed(body), "utf-8 with windows-1252")
    return body.decode(name, "replace").encode("utf-8", "replace"), name
