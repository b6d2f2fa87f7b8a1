"""Channels: one module a way to reach the user."""

from collections.abc import Sequence

from rich.console import Console

from tgewatch.clock import Clock
from tgewatch.errors import ConfigError
from tgewatch.notify.channels.console import ConsoleChannel
from tgewatch.notify.channels.webhook import WebhookChannel
from tgewatch.notify.quiet import zone_of
from tgewatch.ports import Channel, Poster
from tgewatch.settings import ChannelSettings

__all__ = ["ConsoleChannel", "WebhookChannel", "open_channels"]


def open_channels(
    channels: Sequence[ChannelSettings], *, poster: Poster, console: Console, clock: Clock
) -> tuple[Channel, ...]:
    """Return a channel for each of the settings, whose secrets have been filled in.

    Raises ConfigError with every problem of every channel. Apprise, which is slow to import, is
    loaded only when a channel needs it.
    """
    opened: list[Channel] = []
    problems: list[str] = []
    for settings in channels:
        try:
            opened.append(_open(settings, poster=poster, console=console, clock=clock))
        except ConfigError as error:
            problems.extend(error.problems)
    if problems:
        raise ConfigError(problems)
    return tuple(opened)


def _open(settings: ChannelSettings, *, poster: Poster, console: Console, clock: Clock) -> Channel:
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

    return AppriseChannel(settings.name, url=settings.url, zone=zone, deadline=settings.timeout)
