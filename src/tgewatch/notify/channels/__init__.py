"""Channels: one module a way to reach the user."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from rich.console import Console

from tgewatch.clock import Clock
from tgewatch.errors import ConfigError
from tgewatch.notify.channels.console import ConsoleChannel
from tgewatch.notify.channels.webhook import WebhookChannel
from tgewatch.notify.quiet import zone_of
from tgewatch.ports import Channel, Poster
from tgewatch.settings import ChannelSettings

__all__ = ["ConsoleChannel", "WebhookChannel", "open_channels"]


@contextmanager
def open_channels(
    channels: Sequence[ChannelSettings], *, poster: Poster, console: Console, clock: Clock
) -> Iterator[tuple[Channel, ...]]:
    """Open a channel for each of the settings, whose secrets have been filled in.

    Raises ConfigError with every problem of every channel. Apprise, which is slow to import, is
    loaded only when a channel needs it.
    """
    opened: list[Channel] = []
    problems: list[str] = []
    with ExitStack() as stack:
        for settings in channels:
            try:
                channel = _open(settings, stack, poster=poster, console=console, clock=clock)
                opened.append(channel)
            except ConfigError as error:
                problems.extend(error.problems)
        if problems:
            raise ConfigError(problems)
        yield tuple(opened)


def _open(
    settings: ChannelSettings,
    stack: ExitStack,
    *,
    poster: Poster,
    console: Console,
    clock: Clock,
) -> Channel:
    zone = zone_of(settings.zone)
    if settings.kind == "console":
        return ConsoleChannel(settings.name, console=console, zone=zone)
    if settings.kind == "webhook":
        return WebhookChannel(
            settings.name,
            url=settings.url,
            secret=settings.secret,
            poster=poster,
            clock=clock,
            deadline=settings.timeout,
        )
    from tgewatch.notify.channels.apprise import AppriseChannel  # noqa: PLC0415 - slow to import

    channel = AppriseChannel(settings.name, url=settings.url, zone=zone, deadline=settings.timeout)
    stack.callback(channel.close)
    return channel
