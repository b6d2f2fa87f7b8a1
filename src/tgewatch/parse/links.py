"""Addresses as publishers write them, made absolute and harmless."""

import re
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

MAX_URL = 2_048
"""Characters; a longer address is no address."""

_PLAIN = re.compile(r"[hH][tT][tT][pP][sS]?://[A-Za-z0-9][^\x00-\x20\x7f-\U0010ffff\\<>\"^`{|}]*")
_KEPT = "%/:=&?~#+!$,;'@()*[]"
_HOST = re.compile(r"[^\s<>\"'`]+")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


def web_link(text: str, base: str = "") -> str:
    """Return `text` as an absolute http(s) URL, resolved against `base`; empty when it is none.

    Addresses with another scheme (javascript, data, mailto …), without a host, or that different
    programs would read differently (backslashes, control characters) are none.
    """
    if len(text) > MAX_URL * 2:
        return ""
    link = "".join(text.split("\n")).replace("\r", "").replace("\t", "").strip()
    if len(link) <= MAX_URL and _PLAIN.fullmatch(link):
        return link
    foreign = _SCHEME.match(link) and link[:4].lower() != "http"
    if not link or "\\" in link or foreign:
        return ""
    try:
        parts = urlsplit(urljoin(base, link))
        host = parts.hostname or ""
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not _HOST.fullmatch(host):
        return ""
    tail = (quote(part, safe=_KEPT, errors="ignore") for part in parts[2:])
    link = urlunsplit((parts.scheme, parts.netloc, *tail))
    return link if len(link) <= MAX_URL and parts.netloc.isprintable() else ""
