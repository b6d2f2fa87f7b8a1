"""Any program with a URL: a signed JSON body by POST."""

import base64
import binascii
import hmac
from hashlib import sha256
from urllib.parse import urlsplit

from tgewatch.clock import Clock
from tgewatch.errors import ConfigError, RefusedError, TransientError
from tgewatch.model import Notice
from tgewatch.notify.payload import payload
from tgewatch.ports import Poster, PostResponse
from tgewatch.rules.retry_after import retry_after

AGAIN = frozenset({408, 409, 421, 423, 425, 429})
"""Statuses below 500 that are worth another try (RFC 9110, RFC 6585, RFC 8470)."""

_OK, _REDIRECT, _ERROR = 200, 300, 500
_PREFIX = "whsec_"
_SHORTEST_SECRET = 16


class WebhookChannel:
    """Posts each notice as JSON, with the headers of the Standard Webhooks specification.

    `Idempotency-Key` and `webhook-id` hold the key, `webhook-timestamp` the time of this attempt;
    with a secret, `webhook-signature` is `v1,` and the base64 of HMAC-SHA256 over
    `id.timestamp.body` (https://www.standardwebhooks.com). The URL is part of no message, as its
    path may hold a secret.
    """

    def __init__(
        self,
        name: str,
        *,
        url: str,
        secret: str = "",
        poster: Poster,
        clock: Clock,
        deadline: float,
    ) -> None:
        self.name = name
        self._url = _checked(name, url)
        self._secret = _key_of(name, secret)
        self._poster = poster
        self._clock = clock
        self._deadline = deadline

    def __repr__(self) -> str:
        return f"<WebhookChannel {self.name}{' signed' if self._secret else ''}>"

    async def send(self, notice: Notice, *, key: str) -> None:
        """Post it once. Raises TransientError for what may pass, RefusedError for what will not."""
        body = payload(notice, key=key)
        stamp = str(int(self._clock.now()))
        headers = {
            "content-type": "application/json; charset=utf-8",
            "idempotency-key": key,
            "webhook-id": key,
            "webhook-timestamp": stamp,
        }
        if self._secret:
            headers["webhook-signature"] = signature(self._secret, key, stamp, body)
        answer = await self._poster.post(
            self._url, body=body, headers=headers, deadline=self._deadline
        )
        self._judge(answer)

    def _judge(self, answer: PostResponse) -> None:
        status = answer.status
        if _OK <= status < _REDIRECT:
            return
        cause = f"http_{status}"
        if status >= _ERROR or status in AGAIN:
            wait = retry_after(answer.headers, now=self._clock.now())
            raise TransientError(f"the webhook answered {status}", retry_after=wait, cause=cause)
        raise RefusedError(f"the webhook answered {status}", cause=cause)


def signature(secret: bytes, key: str, stamp: str, body: bytes) -> str:
    """Return the value of `webhook-signature`."""
    signed = hmac.new(secret, f"{key}.{stamp}.".encode() + body, sha256).digest()
    return f"v1,{base64.b64encode(signed).decode()}"


def _checked(name: str, url: str) -> str:
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        valid = False
    if not valid:
        raise ConfigError([f"channel {name}: a webhook needs an http or https URL"])
    return url


def _key_of(name: str, secret: str) -> bytes:
    """Return the key: decoded when it is in the form of the specification, else as it is."""
    if not secret:
        return b""
    if secret.startswith(_PREFIX):
        try:
            return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
        except (binascii.Error, ValueError):
            raise ConfigError([f"channel {name}: the secret after whsec_ is not base64"]) from None
    if len(secret) < _SHORTEST_SECRET:
        raise ConfigError(
            [f"channel {name}: the secret needs at least {_SHORTEST_SECRET} characters"]
        )
    return secret.encode()
