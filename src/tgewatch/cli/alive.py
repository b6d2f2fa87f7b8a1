"""Whether the instance of these settings is alive, for a health check of a container or a script."""

import http.client
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tgewatch.settings import Settings

SECONDS = 3.0
"""For the metrics to be answered."""
OLDEST = 180.0
"""Seconds since a watch wrote its metrics, which it does every minute."""
_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "*": "127.0.0.1"}  # noqa: S104 - read, not bound


@dataclass(frozen=True, slots=True)
class Sign:
    """Of life, or of none."""

    alive: bool
    how: str
    """How one knows, in one clause."""


def sign(settings: "Settings", now: float) -> Sign:
    """Ask the address of the metrics, where the settings have one; else look at their file.

    Both say that the loop turns, not that the outside world can be reached: an instance that waits
    for its database is alive, and starting it anew would not help.
    """
    if settings.metrics.listen:
        return _asked(settings.metrics.listen)
    if not settings.metrics.enabled:
        return Sign(
            alive=False, how="nothing tells: set [metrics] listen, or enabled = true and no listen"
        )
    return _read(settings, now)


def _asked(listen: str) -> Sign:
    from tgewatch.metrics.endpoint import Address  # noqa: PLC0415 - `--help` needs none of it

    address = Address.parse(listen)
    host = _ANYWHERE.get(address.host, address.host)
    connection = http.client.HTTPConnection(host, address.port, timeout=SECONDS)
    try:
        connection.request("HEAD", "/metrics")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return Sign(alive=False, how=f"{address.url} does not answer: {why}")
    finally:
        connection.close()
    return Sign(alive=status == http.client.OK, how=f"{address.url} answers {status}")


def _read(settings: "Settings", now: float) -> Sign:
    from tgewatch.metrics.archive import read_metrics  # noqa: PLC0415 - as above

    path = settings.metrics.path
    written = read_metrics(path)
    if written is None:
        return Sign(alive=False, how=f"{path} was not written: no watch has run a minute yet")
    age = now - written.at
    if not written.running:
        return Sign(alive=False, how=f"{path} says that the watch has stopped")
    if abs(age) > OLDEST:
        return Sign(
            alive=False, how=f"{path} was written {age:.0f} s ago, at least every minute is due"
        )
    return Sign(alive=True, how=f"{path} was written {age:.0f} s ago")
