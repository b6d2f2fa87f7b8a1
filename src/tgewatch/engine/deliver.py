"""From the outbox to the channels: at least once, in order, each channel on its own."""

import asyncio
import logging
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from random import Random

from tgewatch.clock import Clock
from tgewatch.errors import RefusedError, TransientError
from tgewatch.model import Delivery
from tgewatch.ports import Channel, Store
from tgewatch.settings import ChannelSettings

log = logging.getLogger(__name__)

BATCH = 50
"""Deliveries read from the outbox at once, per channel."""
REMEMBERED = 10_000
"""Keys of sent messages that are kept in mind, in case marking them failed."""
BASE = 30.0
"""Seconds before the second attempt; each further one waits three times as long."""
CEILING = 6 * 3_600.0
"""Seconds; no wait of our own choosing is longer."""
LONGEST = 7 * 86_400.0
"""Seconds; a service that asks for more is not believed."""
FAILURES = 3
"""Consecutive failures after which a channel is left alone until the next drain."""
SHORTEST = 1.0
"""Seconds; with less than this left, nothing is begun."""
ERROR_LIMIT = 300


@dataclass(slots=True)
class Drained:
    """What a drain did, by channel."""

    delivered: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    """To be tried again."""
    dead: Counter[str] = field(default_factory=Counter)
    pending: Counter[str] = field(default_factory=Counter)
    """Due, and not got to."""

    def total(self) -> dict[str, int]:
        """Return delivered, failed, dead and pending over all channels."""
        return {
            "delivered": self.delivered.total(),
            "failed": self.failed.total(),
            "dead": self.dead.total(),
            "pending": self.pending.total(),
        }


def retry_delay(attempts: int, *, jitter: float, retry_after: float | None = None) -> float:
    """Return the seconds to wait after `attempts` failed ones (1, 2, 3 …).

    `jitter` in [0, 1) takes off up to a fifth. A service that names a time is obeyed, however long
    up to `LONGEST`.
    """
    curve = min(CEILING, BASE * 3.0 ** min(max(0, attempts - 1), 30))
    asked = 0.0
    if retry_after is not None and not math.isnan(retry_after):
        asked = min(LONGEST, max(0.0, retry_after))
    return max(curve * (1.0 - 0.2 * jitter), asked)


class Deliverer:
    """Delivers what is due. One slow or failing channel delays no other."""

    def __init__(
        self,
        store: Store,
        channels: Iterable[Channel],
        *,
        clock: Clock,
        random: Random,
        settings: Sequence[ChannelSettings],
    ) -> None:
        self._store = store
        self._channels = {channel.name: channel for channel in channels}
        self._settings = {one.name: one for one in settings}
        self._clock = clock
        self._random = random
        self._sent: dict[str, None] = {}
        self._paused: dict[str, float] = {}
        self._draining = asyncio.Lock()

    def __repr__(self) -> str:
        return f"<Deliverer {', '.join(self._channels) or 'without channels'}>"

    async def drain(self, deadline: float) -> Drained:
        """Deliver what is due within `deadline` seconds; what is not done then stays due.

        Two drains never overlap. Raises what the store raises.
        """
        result = Drained()
        async with self._draining:
            until = asyncio.get_running_loop().time() + deadline
            try:
                async with asyncio.TaskGroup() as tasks:
                    for channel in self._channels.values():
                        tasks.create_task(self._drain(channel, until, result))
            except ExceptionGroup as group:
                raise group.exceptions[0] from group
        return result

    async def _drain(self, channel: Channel, until: float, result: Drained) -> None:
        """Deliver to one channel in the order of the outbox."""
        settings = self._settings.get(channel.name, _DEFAULTS)
        held: set[str] = set()  # events whose first pending message has just failed
        failures = 0
        while True:
            now = self._clock.now()
            due = await self._store.pending(now, limit=BATCH, channel=channel.name)
            ready = [d for d in due if d.channel == channel.name and _subject(d) not in held]
            if self._paused.get(channel.name, 0.0) > now or failures >= FAILURES:
                result.pending[channel.name] += len(ready)
                return
            moved = False
            for delivery in ready:
                if _subject(delivery) in held:
                    continue
                left = until - asyncio.get_running_loop().time()
                if (
                    left < min(SHORTEST, settings.timeout)
                    or failures >= FAILURES
                    or self._is_paused(channel.name)
                ):
                    break
                moved = True
                if await self._deliver(channel, delivery, settings, left, result):
                    failures = 0
                else:
                    failures += 1
                    held.add(_subject(delivery))
            if not moved:
                result.pending[channel.name] += len(ready)
                return

    def _is_paused(self, name: str) -> bool:
        return self._paused.get(name, 0.0) > self._clock.now()

    async def _deliver(
        self,
        channel: Channel,
        delivery: Delivery,
        settings: ChannelSettings,
        left: float,
        result: Drained,
    ) -> bool:
        """Send one message and record what became of it; return whether it is done with."""
        error = None
        if delivery.key not in self._sent:
            error = await self._send(channel, delivery, min(settings.timeout, left))
        if error is None:
            self._remember(delivery.key)
            await self._store.delivered(delivery.key, self._clock.now())
            result.delivered[channel.name] += 1
            return True
        attempts = delivery.attempts + 1
        words = f"{error.cause}: {error}"[:ERROR_LIMIT]
        if isinstance(error, RefusedError) or attempts >= settings.attempts:
            await self._store.buried(delivery.key, attempts=attempts, error=words)
            result.dead[channel.name] += 1
            return True
        wait = retry_delay(attempts, jitter=self._random.random(), retry_after=error.retry_after)
        next_at = self._clock.now() + wait
        if error.retry_after is not None:  # it is the service that asks, not this message
            self._paused[channel.name] = next_at
        await self._store.postponed(delivery.key, attempts=attempts, next_at=next_at, error=words)
        result.failed[channel.name] += 1
        return False

    async def _send(
        self, channel: Channel, delivery: Delivery, seconds: float
    ) -> TransientError | RefusedError | None:
        """Return None once the other side has the message, or what went wrong."""
        try:
            async with asyncio.timeout(seconds):
                await channel.send(delivery.notice, key=delivery.key)
        except (TransientError, RefusedError) as error:
            return error
        except TimeoutError:
            # It may have arrived; the key is the same when it is sent again.
            return TransientError(f"no answer within {seconds:.0f} s", cause="timeout")
        except Exception:  # one broken adapter must not stop the others
            log.exception("channel failed", extra={"channel": channel.name})
            return TransientError("the channel failed in an unforeseen way", cause="bug")
        return None

    def _remember(self, key: str) -> None:
        self._sent[key] = None
        while len(self._sent) > REMEMBERED:
            del self._sent[next(iter(self._sent))]


_DEFAULTS = ChannelSettings(name="default")


def _subject(delivery: Delivery) -> str:
    """Return what must be told in order: the event, or each source's messages."""
    return delivery.notice.event or f"source {delivery.notice.project}"
