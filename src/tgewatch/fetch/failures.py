"""What goes wrong on the wire, in our words. The causes are listed in docs/fetching.md."""

import errno
import ssl

import aiohttp

from tgewatch.errors import MalformedError, RefusedError, TgewatchError, TransientError
from tgewatch.fetch.guard import BlockedAddressError
from tgewatch.rules import urls

FOREIGN = (aiohttp.ClientError, OSError)
"""All that an exchange may raise beside our own."""

_ERRNO = {
    errno.ECONNREFUSED: "refused",
    errno.ECONNRESET: "reset",
    errno.EPIPE: "reset",
    errno.ECONNABORTED: "reset",
    errno.ENETUNREACH: "unreachable",
    errno.EHOSTUNREACH: "unreachable",
    errno.EADDRNOTAVAIL: "unreachable",
    errno.ENETDOWN: "unreachable",
    errno.ETIMEDOUT: "connect_timeout",
    errno.EMFILE: "too_many_files",
    errno.ENFILE: "too_many_files",
}


class DroppedError(aiohttp.ClientError):
    """The connection ended before an answer began."""


_KINDS: tuple[tuple[type[Exception], str], ...] = (
    (aiohttp.ConnectionTimeoutError, "connect_timeout"),
    (aiohttp.SocketTimeoutError, "stalled"),
    (TimeoutError, "timeout"),
    (aiohttp.ClientConnectorDNSError, "dns"),
    (aiohttp.ClientSSLError, "tls"),
    (ssl.SSLError, "tls"),
    (aiohttp.ClientPayloadError, "incomplete"),
    (DroppedError, "reset"),
)
"""First match wins."""


def translated(error: Exception, url: str) -> TgewatchError:
    """Return our error for a foreign one. Its text names the host, never a secret."""
    shown = urls.redacted(url)
    match error:
        case aiohttp.ClientConnectorError(os_error=BlockedAddressError() as blocked):
            return RefusedError(
                f"{shown}: {blocked.address} is not a public address", cause="blocked_address"
            )
        case aiohttp.ClientResponseError():
            return MalformedError(f"{shown}: not HTTP: {_short(error.message)}", cause="bad_http")
        case aiohttp.InvalidURL():
            return RefusedError(f"{shown}: not a URL that can be asked", cause="bad_url")
        case _:
            return TransientError(f"{shown}: {_short(error)}", cause=_cause(error))


def _cause(error: Exception) -> str:
    for kind, cause in _KINDS:
        if isinstance(error, kind):
            return cause
    if isinstance(error, aiohttp.ClientConnectorError):
        return _ERRNO.get(error.os_error.errno or 0, "unreachable")
    if isinstance(error, OSError):
        return _ERRNO.get(error.errno or 0, "reset")
    return "error"


def _short(error: object) -> str:
    text = " ".join(str(error).split()) or "no answer in time"
    return "".join(c if c.isprintable() else "?" for c in text[:200])
