"""The filtered stream: one connection, our rules on it, watched for silence."""

import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from tgewatch.clock import Clock
from tgewatch.errors import MalformedError, RefusedError, TgewatchError, TransientError
from tgewatch.model.post import Post
from tgewatch.parse.x import Rule, read_line
from tgewatch.rules.x_plan import TAG, StreamRule
from tgewatch.rules.x_reconnect import SILENCE, Drop, Reconnect
from tgewatch.sources.x_client import XClient
from tgewatch.sources.x_ports import Held

log = logging.getLogger(__name__)

LINE = 1_000_000
"""Bytes of one line; a longer one breaks the connection."""
REFUSED = 3_600.0
"""Seconds until a stream that X refuses is tried again."""
CLEARED = 60.0
"""Seconds between two requests to end connections that should not stand."""
_LATER = frozenset({"x_rate_limited", "rate_limited"})
_SERVER = ("http_", "x_no_rules", "bad_json")


class Listener(Protocol):
    """Hears of the stream; every call returns at once."""

    def connected(self) -> None:
        """Say that posts come from now on."""

    def heard(self, post: Post) -> None:
        """Take a post."""

    def dropped(self, why: str, seconds: float) -> None:
        """Say that none come, and in how many seconds another connection is tried."""


class StreamReader:
    """Keeps one connection to the stream, with the rules that are wanted, until cancelled."""

    def __init__(self, client: XClient, *, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._cleared_at = -CLEARED
        self._synced: frozenset[StreamRule] | None = None

    def __repr__(self) -> str:
        return f"<StreamReader {len(self._synced or ())} rules>"

    async def run(self, rules: Callable[[], Sequence[StreamRule]], listener: Listener) -> None:
        """Connect, listen, connect again; `rules` is asked before each connection.

        Rules that change meanwhile are sent by `sync`. Never returns.
        """
        state = Reconnect()
        self._synced = None  # somebody else may have had the stream since a run that was ended
        while True:
            try:
                await self.sync(rules())
                async with self._client.stream(silence=SILENCE) as held:
                    listener.connected()
                    state = await self._listen(held, listener, state)
                why, kind, wait = "the stream ended", Drop.ENDED, None
            except RefusedError as error:
                why, kind, wait = str(error), Drop.HTTP, REFUSED
            except TgewatchError as error:
                why, kind = str(error), _kind(error)
                wait = getattr(error, "retry_after", None)
            self._synced = None
            state, pause = state.dropped(kind)
            pause = max(pause, wait or 0.0)
            log.info("x_stream_dropped", extra={"why": why, "kind": kind, "wait": pause})
            listener.dropped(why, pause)
            if kind is Drop.CROWDED:
                await self._clear()
            await self._clock.sleep(pause)

    async def sync(self, wanted: Sequence[StreamRule]) -> None:
        """Let the server hold the rules of `wanted`, and of ours no others.

        Rules that somebody else made (their tag is not ours) stay. Raises what the client raises.
        """
        rules = frozenset(wanted)
        if not rules:
            raise RefusedError("there is nothing to listen for", cause="x_no_rules")
        if rules == self._synced:
            return
        ours = [rule for rule in await self._client.rules() if rule.tag.startswith(TAG)]
        held = {StreamRule(rule.value, rule.tag) for rule in ours}
        gone = [rule.id for rule in ours if StreamRule(rule.value, rule.tag) not in rules]
        gone += [rule.id for rule in _doubles(ours)]
        new = sorted(rules - held, key=lambda rule: rule.tag)
        if gone:  # first: X refuses a value that is there under another tag
            await self._client.change_rules({"delete": {"ids": list(dict.fromkeys(gone))}})
        if new:
            await self._client.change_rules(
                {"add": [{"value": rule.value, "tag": rule.tag} for rule in new]}
            )
        self._synced = rules

    async def _listen(self, held: Held, listener: Listener, state: Reconnect) -> Reconnect:
        """Pass posts on until the connection ends. Raises TransientError when it breaks."""
        waiting = b""
        async for chunk in held.chunks():
            state = state.stood()
            *lines, waiting = (waiting + chunk).split(b"\n")
            if len(waiting) > LINE:
                raise TransientError("a line of the stream has no end", cause="x_stream")
            for raw in lines:
                if (line := raw.strip()) and (said := self._heard(line, listener)):
                    raise TransientError(f"X ended the stream: {said}", cause="x_stream")
        return state

    @staticmethod
    def _heard(line: bytes, listener: Listener) -> str:
        """Pass one line on; return why the stream ends, when it says so."""
        try:
            said = read_line(line)
        except MalformedError:
            log.warning("x_stream_line_unreadable", extra={"bytes": len(line)})
            return ""
        if said.post is not None and (
            not said.post.tags or any(tag.startswith(TAG) for tag in said.post.tags)
        ):
            listener.heard(said.post)
        return said.disconnect

    async def _clear(self) -> None:
        """Ask X to end a connection of ours that is dead but counted."""
        now = self._clock.monotonic()
        if now - self._cleared_at < CLEARED:
            return
        self._cleared_at = now
        try:
            await self._client.clear_connections()
        except TgewatchError as error:
            log.info("x_connections_not_cleared", extra={"why": str(error)})


def _kind(error: TgewatchError) -> Drop:
    cause = str(getattr(error, "cause", ""))
    if cause == "x_crowded":
        return Drop.CROWDED
    if cause in _LATER:
        return Drop.RATE
    if cause.startswith(_SERVER):
        return Drop.HTTP
    return Drop.ENDED if cause in {"x_stream", "stalled", "incomplete"} else Drop.NETWORK


def _doubles(rules: Sequence[Rule]) -> list[Rule]:
    seen: set[StreamRule] = set()
    doubles = []
    for rule in rules:
        same = StreamRule(rule.value, rule.tag)
        if same in seen:
            doubles.append(rule)
        seen.add(same)
    return doubles
