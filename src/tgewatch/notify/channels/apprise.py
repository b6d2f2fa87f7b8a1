"""The many services that Apprise speaks to: mail, Telegram, Discord, Slack, ntfy and others."""

import asyncio
import logging
import re
import warnings
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Protocol

import apprise

from tgewatch.errors import ConfigError, TransientError
from tgewatch.model import Notice
from tgewatch.notify.render import PLAIN_LIMIT, brief, plain, title

NARROW = 300
"""Characters; a service that takes fewer gets the headline and one link."""

KEPT = 256
"""Attempts whose outcome is remembered."""

_RETRY_AFTER = re.compile(r"(?i)retry[\s_-]*after\D{0,5}(\d{1,6})")

_TELLTALES = ("apprise", "urllib3")
"""Loggers that write whole URLs, keys and all. Apprise's warnings still come with its results."""


class _Service(Protocol):
    """What of an Apprise plugin is used."""

    body_maxlen: int
    title_maxlen: int
    retry: int
    optional: bool


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What Apprise said of one attempt."""

    taken: bool
    retry_after: float | None = None


class AppriseChannel:
    """Sends through one Apprise URL.

    Apprise is synchronous, so each message runs in a thread of the channel's own. A thread cannot
    be stopped: when the deadline passes, its outcome is unknown, and a second attempt with the same
    key waits for the first instead of sending again. Nothing is retried, attached, followed
    (redirects) or read from disk on Apprise's own account. The URL is part of no message.
    """

    def __init__(self, name: str, *, url: str, zone: tzinfo = UTC, deadline: float = 20.0) -> None:
        self.name = name
        self._zone = zone
        self._deadline = deadline
        self._apprise = _opened(name, url)
        self._service: _Service = self._apprise[0]
        self._threads = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"channel-{name}")
        self._running: dict[str, Future[_Outcome]] = {}

    def __repr__(self) -> str:
        return f"<AppriseChannel {self.name}>"

    async def send(self, notice: Notice, *, key: str) -> None:
        """Send it. Raises TransientError whenever the service did not take it in time.

        Apprise does not say why a service refused, so that nothing is final.
        """
        running = self._running.get(key)
        if running is None:
            if any(not other.done() for other in self._running.values()):
                raise TransientError("an earlier message is still being sent", cause="busy")
            running = self._threads.submit(self._notify, notice)
            self._keep(key, running)
        try:
            async with asyncio.timeout(self._deadline):
                outcome = await asyncio.shield(asyncio.wrap_future(running))
        except TimeoutError as error:
            message = f"the service did not answer within {self._deadline:.0f} s"
            raise TransientError(message, cause="timeout") from error
        if not outcome.taken:
            self._running.pop(key, None)
            raise TransientError(
                "the service did not take the message",
                retry_after=outcome.retry_after,
                cause="not_taken",
            )

    def close(self) -> None:
        """Let the thread end; waits for nothing."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _notify(self, notice: Notice) -> _Outcome:
        """Send once, in the thread of the channel."""
        if self._service.body_maxlen < NARROW:
            head, body = "", brief(notice, limit=self._service.body_maxlen)
        else:
            head = title(notice)
            room = self._service.body_maxlen - (0 if self._service.title_maxlen else len(head) + 2)
            body = plain(notice, self._zone, limit=min(PLAIN_LIMIT, room))
        result = self._apprise.notify(
            body=body, title=head, body_format=apprise.NotifyFormat.TEXT, timeout=self._deadline
        )
        return _Outcome(bool(result), None if result else _asked(result))

    def _keep(self, key: str, running: Future[_Outcome]) -> None:
        self._running[key] = running
        for old in [k for k, one in self._running.items() if one.done()][:-KEPT]:
            del self._running[old]


def _opened(name: str, url: str) -> apprise.Apprise:
    for telltale in _TELLTALES:
        logging.getLogger(telltale).setLevel(logging.WARNING)
        logging.getLogger(telltale).propagate = False
    asset = apprise.AppriseAsset(
        app_id="tgewatch",
        app_desc="token generation events",
        app_url="",
        async_mode=False,
        default_service_retry=0,
        http_redirects=False,
        interpret_escapes=False,
        secure_logging=True,
        storage_mode=apprise.PersistentStoreMode.MEMORY,
    )
    opened = apprise.Apprise(asset=asset)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the libraries behind its 190 plugins
        known = opened.add(url)
    if not known or len(opened) != 1:
        raise ConfigError([f"channel {name}: Apprise knows no service at this URL"])
    service: _Service = opened[0]
    service.retry = 0  # ours, with the same key; the URL may ask for Apprise's own
    service.optional = False  # a failure is a failure
    return opened


def _asked(result: apprise.AppriseResult) -> float | None:
    """Return the wait that a service asks for (Telegram's `retry after 35`), or None."""
    for one in result:
        for entry in one.logs():
            found = _RETRY_AFTER.search(str(entry.message)[:2_000])
            if found:
                return float(found.group(1))
    return None
