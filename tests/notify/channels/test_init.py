import subprocess
import sys
from io import StringIO

import pytest
from rich.console import Console

from tgewatch.errors import ConfigError
from tgewatch.notify.channels import open_channels
from tgewatch.settings import ChannelSettings
from tgewatch.testing import ManualClock


def opened(poster, *channels):
    console = Console(file=StringIO())
    with open_channels(
        channels, poster=poster, console=console, clock=ManualClock()
    ) as channels_now:
        return channels_now


def test_each_kind_of_channel_is_opened_under_its_name(poster):
    channels = opened(
        poster,
        ChannelSettings(name="here", kind="console"),
        ChannelSettings(name="hook", kind="webhook", url="https://a.example/hook"),
        ChannelSettings(name="chat", kind="apprise", url="json://a.example/"),
    )

    assert [type(one).__name__ for one in channels] == [
        "ConsoleChannel",
        "WebhookChannel",
        "AppriseChannel",
    ]
    assert [one.name for one in channels] == ["here", "hook", "chat"]


def test_all_problems_are_told_at_once(poster):
    with pytest.raises(ConfigError) as caught:
        opened(
            poster,
            ChannelSettings(name="hook", kind="webhook", url="nonsense"),
            ChannelSettings(name="chat", kind="apprise", url="nonsense://"),
        )

    assert len(caught.value.problems) == 2


def test_apprise_is_not_imported_before_a_channel_needs_it():
    probe = (
        "import sys, tgewatch.notify.channels, tgewatch.notify.router, tgewatch.notify.render;"
        "sys.exit('apprise' in sys.modules)"
    )

    run = subprocess.run([sys.executable, "-c", probe], check=False)  # noqa: S603 - our own words

    assert run.returncode == 0


def test_the_thread_of_apprise_takes_nothing_more_once_the_channels_are_closed(poster):
    (channel,) = opened(
        poster, ChannelSettings(name="chat", kind="apprise", url="json://a.example/")
    )

    with pytest.raises(RuntimeError, match="shutdown"):
        channel._threads.submit(print)
