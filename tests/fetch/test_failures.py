"""Foreign errors in our words."""

import errno
import ssl

import aiohttp
import pytest

from tgewatch.errors import MalformedError, RefusedError, TransientError
from tgewatch.fetch.failures import DroppedError, translated
from tgewatch.fetch.guard import BlockedAddressError

KEY = aiohttp.client_reqrep.ConnectionKey(
    host="h", port=80, is_ssl=False, ssl=True, proxy=None, proxy_auth=None, proxy_headers_hash=None
)
URL = "http://host/feed?token=hunter2"


def connecting(number):
    return aiohttp.ClientConnectorError(KEY, OSError(number, "said the system"))


@pytest.mark.parametrize(
    ("error", "kind", "cause"),
    [
        (connecting(errno.ECONNREFUSED), TransientError, "refused"),
        (connecting(errno.ENETUNREACH), TransientError, "unreachable"),
        (connecting(errno.EHOSTUNREACH), TransientError, "unreachable"),
        (connecting(errno.ETIMEDOUT), TransientError, "connect_timeout"),
        (connecting(errno.EMFILE), TransientError, "too_many_files"),
        (connecting(errno.EINVAL), TransientError, "unreachable"),
        (
            aiohttp.ClientConnectorDNSError(KEY, OSError("Name or service not known")),
            TransientError,
            "dns",
        ),
        (
            aiohttp.ClientConnectorError(KEY, BlockedAddressError("10.0.0.1")),
            RefusedError,
            "blocked_address",
        ),
        (ssl.SSLError("bad record"), TransientError, "tls"),
        (TimeoutError(), TransientError, "timeout"),
        (aiohttp.ConnectionTimeoutError(), TransientError, "connect_timeout"),
        (aiohttp.SocketTimeoutError(), TransientError, "stalled"),
        (DroppedError(), TransientError, "reset"),
        (OSError(errno.EPIPE, "broken"), TransientError, "reset"),
        (OSError("odd"), TransientError, "reset"),
        (aiohttp.ClientPayloadError("short"), TransientError, "incomplete"),
        (aiohttp.ClientError("odd"), TransientError, "error"),
        (aiohttp.InvalidURL("x"), RefusedError, "bad_url"),
        (
            aiohttp.ClientResponseError(None, (), status=400, message="Bad\x1b[31m status\nline"),
            MalformedError,
            "bad_http",
        ),
    ],
)
def test_each_becomes_what_the_caller_does_next(error, kind, cause):
    ours = translated(error, URL)

    assert type(ours) is kind
    assert ours.cause == cause
    assert "host" in str(ours)
    assert "hunter2" not in str(ours)
    assert str(ours).isprintable()
