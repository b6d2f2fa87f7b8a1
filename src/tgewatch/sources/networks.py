"""All kinds of source with an open interface."""

from collections.abc import Mapping

from tgewatch.clock import Clock
from tgewatch.ports import Fetcher, Offload, SourceReader
from tgewatch.settings.open_sources import OpenSourceSettings
from tgewatch.sources.bluesky import BlueskyReader
from tgewatch.sources.discourse import DiscourseReader
from tgewatch.sources.farcaster import FarcasterReader
from tgewatch.sources.github import GithubReader
from tgewatch.sources.mastodon import MastodonReader
from tgewatch.sources.snapshot import Caller, SnapshotReader
from tgewatch.sources.telegram import TelegramReader


def network_readers(
    settings: OpenSourceSettings,
    *,
    fetcher: Fetcher,
    caller: Caller,
    clock: Clock,
    offload: Offload,
) -> Mapping[str, SourceReader]:
    """Return kind → reader."""
    return {
        "bluesky": BlueskyReader(fetcher, offload=offload, base=settings.bluesky),
        "telegram": TelegramReader(fetcher, offload=offload, base=settings.telegram),
        "mastodon": MastodonReader(fetcher, offload=offload),
        "farcaster": FarcasterReader(fetcher, offload=offload, hub=settings.farcaster_hub),
        "snapshot": SnapshotReader(caller, clock=clock, offload=offload, base=settings.snapshot),
        "discourse": DiscourseReader(fetcher, offload=offload),
        "github": GithubReader(fetcher, offload=offload, base=settings.github),
    }
