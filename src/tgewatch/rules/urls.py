"""Addresses as values: which may be asked, which are the same, what may be shown.

Strings go in and out. What is refused here is refused because two parsers could read it
differently (WHATWG URL standard and RFC 3986); where a name leads is the guard's business.
"""

import re
from ipaddress import IPv6Address
from urllib.parse import quote, urljoin

from yarl import URL

from tgewatch.errors import RefusedError

LONGEST = 4_096
"""Characters."""
LONGEST_LABEL = 63
LONGEST_NAME = 253
"""Characters (RFC 1035 section 2.3.4)."""
DEFAULT_PORTS = {"http": 80, "https": 443}

_SHAPE = re.compile(r"(?i)(https?)://([^/?#]*)([^#]*)")
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f\\]")
_HOST = re.compile(r"[^\s/?#@\\\[\]<>^`{|}%\"':]+|\[[0-9a-fA-F:.]+\]")
_BARE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_LEGAL = "%!$&'()*+,;=:@/?-._~[]|"
_PORT = re.compile(r"[0-9]{1,5}")
_HIGHEST_PORT = 65_535

_TRACKING = re.compile(
    r"(?i)utm_.*|mtm_.*|pk_(campaign|kwd|source|medium)|hsa_.*|_hsenc|_hsmi|mc_(cid|eid)"
    r"|fbclid|gclid|gclsrc|dclid|gbraid|wbraid|msclkid|yclid|ysclid|twclid|ttclid|igshid|li_fat_id"
    r"|_ga|_gl|vero_(id|conv)|oly_(anon|enc)_id|mkt_tok|at_(medium|campaign)|__s|s_cid|ncid|cmpid"
    r"|spm|scm|srsltid|rb_clickid|wickedid|ref_src|ref_url"
)
"""Names of query parameters that say how a reader came, never what is read."""

_SECRET = re.compile(
    r"(?i).*(token|secret|passw|pwd|api_?-?key|apikey|auth|signature|session|credential|bearer).*"
    r"|key|sig|sid|jwt|code|k|pw|hash"
)
_LONG_WORD = re.compile(r"[A-Za-z0-9_\-+=]{24,}")
"""In a path: long enough to be a key, as webhooks carry it."""
LONGEST_SLUG_WORD = 20
_DIGIT = re.compile(r"[0-9]")


def checked(url: str) -> str:
    """Return `url` as it goes on the wire: ASCII, lower-case host, no fragment.

    Raises RefusedError (`bad_url`) for anything that is not plain http or https: other schemes, user
    information, backslashes, blanks and control characters, impossible hosts and ports.
    """
    text = url.strip(" \t\r\n\f")
    if len(text) > LONGEST:
        raise _refused("longer than a URL may be", text)
    if _FORBIDDEN.search(text):
        raise _refused("blanks, backslashes or control characters", text)
    shape = _SHAPE.match(text)
    if shape is None:
        raise _refused("not http or https", text)
    authority = shape[2]
    if "@" in authority:
        raise _refused("user information (use headers instead)", text)
    host, port = _split(authority)
    if not _HOST.fullmatch(host) or not host.strip("."):
        raise _refused("no host that can be asked", text)
    if port and not (_PORT.fullmatch(port) and 0 < int(port) <= _HIGHEST_PORT):
        raise _refused("no such port", text)
    scheme = shape[1].lower()
    name = _ascii(host, text)
    if max(map(len, name.split("."))) > LONGEST_LABEL or len(name) > LONGEST_NAME:
        raise _refused("no host that can be asked", text)
    shown = f"[{name}]" if ":" in name else name
    tail = _BARE_PERCENT.sub("%25", quote(shape[3].removesuffix("?"), safe=_LEGAL))
    number = f":{int(port)}" if port and int(port) != DEFAULT_PORTS[scheme] else ""
    return f"{scheme}://{shown}{number}{'' if tail.startswith('/') else '/'}{tail}"


def _ascii(host: str, url: str) -> str:
    """Return the host as the resolver takes it: lower case, IDNA, literals without brackets."""
    try:
        if host.startswith("["):
            return str(IPv6Address(host.strip("[]")))
        return host.lower() if host.isascii() else URL(f"http://{host}").raw_host or ""
    except ValueError as error:
        raise _refused("no host that can be asked", url) from error


def _split(authority: str) -> tuple[str, str]:
    if authority.startswith("["):
        host, bracket, rest = authority.partition("]")
        return host + bracket, rest[1:] if rest.startswith(":") else rest and "?"
    host, _, port = authority.partition(":")
    return host, port


def _refused(why: str, url: str) -> RefusedError:
    return RefusedError(f"{redacted(url)[:200]}: {why}", cause="bad_url")


def resolved(base: str, location: str) -> str:
    """Return where a redirect from `base` to `location` leads, checked like any other URL."""
    target = location.strip(" \t\r\n\f")
    if _FORBIDDEN.search(target.replace(" ", "")):
        raise _refused("blanks, backslashes or control characters", target)
    try:
        joined = urljoin(base, target.replace(" ", "%20"))
    except ValueError as error:
        raise _refused("not a URL", target) from error
    return checked(joined)


def origin(url: str) -> tuple[str, str, int]:
    """Return scheme, host and port (RFC 6454) of a checked URL; equal ones may share credentials."""
    scheme, _, rest = url.partition("://")
    name, port = _split(rest.partition("/")[0])
    return scheme, _plain(name), int(port or DEFAULT_PORTS[scheme])


def same_origin(one: str, other: str) -> bool:
    return origin(one) == origin(other)


def host(url: str) -> str:
    """Return the host of a checked URL, without port, brackets and final dot."""
    return _plain(_split(url.partition("://")[2].partition("/")[0])[0])


def _plain(name: str) -> str:
    return name.strip("[]").rstrip(".")


def canonical(url: str) -> str:
    """Return the form in which two links to one page compare equal; for identity, not for asking.

    Drops the fragment, default ports, tracking parameters and an empty query, and evens out case
    and percent-encoding. Keeps what may matter to a server: scheme, `www.`, the order of the query,
    and a final slash. Text that is no http(s) URL comes back stripped and otherwise as it was.
    """
    try:
        parsed = URL(checked(url))
    except RefusedError:
        return url.strip()
    kept = "&".join(
        pair
        for pair in parsed.raw_query_string.split("&")
        if pair and not _TRACKING.fullmatch(pair.partition("=")[0])
    )
    port = "" if parsed.port is None or parsed.is_default_port() else f":{parsed.port}"
    name = (parsed.raw_host or "").rstrip(".").lower()
    shown = f"[{name}]" if ":" in name else name
    return f"{parsed.scheme}://{shown}{port}{parsed.raw_path or '/'}{'?' + kept if kept else ''}"


def redacted(url: str) -> str:
    """Return `url` for logs and messages: without user information, secrets in query or path."""
    head, mark, query = url.partition("?")
    scheme, slashes, rest = head.partition("//")
    authority, slash, path = rest.partition("/") if slashes else ("", "", scheme)
    if slashes and "@" in authority:
        authority = "***@" + authority.rpartition("@")[2]
    path = _LONG_WORD.sub(lambda m: "***" if _is_key(m[0]) else m[0], path)
    front = f"{scheme}{slashes}{authority}{slash}{path}" if slashes else path
    if not mark:
        return _printable(front)
    query = "&".join(_shown(pair) for pair in query.partition("#")[0].split("&"))
    return _printable(f"{front}?{query}")


def _is_key(word: str) -> bool:
    """Return whether a long word is random rather than a slug of short lower-case words."""
    if not _DIGIT.search(word):
        return False
    mixed = word.lower() != word and word.upper() != word
    return mixed or max(len(part) for part in re.split(r"[-_]", word)) >= LONGEST_SLUG_WORD


def _shown(pair: str) -> str:
    name, equals, value = pair.partition("=")
    if not value or not (_SECRET.fullmatch(name) or _LONG_WORD.search(value)):
        return pair
    return f"{name}{equals}***"


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)
