"""All instances of a swarm, as any of them or a command sees them."""

from collections.abc import Mapping, Sequence

from tgewatch.clock import Clock
from tgewatch.errors import ConfigError, TransientError
from tgewatch.metrics.metering import Metering
from tgewatch.settings import Settings
from tgewatch.swarm import Shared
from tgewatch.swarm.link import open_link
from tgewatch.swarm.presence import Presence, Present


def counted(metering: Metering, shared: Shared) -> tuple[Mapping[str, int], Mapping[str, float]]:
    """Return what an instance tells the others of itself; how the swarm stands is measured too."""
    for what, height in shared.levels().items():
        metering.recorder.gauge(what, height)
    return metering.counted()


async def read_instances(settings: Settings, *, clock: Clock) -> Sequence[Present]:
    """Return the instances that are there; who looks is none of them.

    Raises ConfigError where nothing is shared, TransientError when the server does not answer.
    """
    if not settings.swarm.redis_url:
        raise ConfigError(["swarm.redis_url: instances know of each other through Redis or Valkey"])
    async with open_link(settings.swarm, clock=clock) as link:
        if not link.up:
            raise TransientError(f"the shared server is gone: {link.why}", cause="swarm_down")
        return await Presence(link, clock=clock).present()
