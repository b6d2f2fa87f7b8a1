"""The settings file as values. Shapes only; `settings.load` reads files."""

from pathlib import Path

from tgewatch.model import Company, Source
from tgewatch.settings.caching import CacheSettings, Tier
from tgewatch.settings.detecting import DetectionSettings, Terms
from tgewatch.settings.fetching import FetchSettings, HostPolicy, Pool
from tgewatch.settings.polling import CycleSettings, PollingSettings
from tgewatch.settings.section import Section
from tgewatch.settings.storing import StoreSettings
from tgewatch.settings.telling import ChannelSettings

__all__ = [
    "CacheSettings",
    "ChannelSettings",
    "CycleSettings",
    "DetectionSettings",
    "FetchSettings",
    "HostPolicy",
    "PollingSettings",
    "Pool",
    "Section",
    "Settings",
    "StoreSettings",
    "Terms",
    "Tier",
]


class Settings(Section):
    """Everything a run is told."""

    root: Path = Path()
    """Folder that relative paths start at."""
    companies: tuple[Company, ...] = ()
    sources: tuple[Source, ...] = ()
    fetch: FetchSettings = FetchSettings()
    cache: CacheSettings = CacheSettings()
    polling: PollingSettings = PollingSettings()
    cycle: CycleSettings = CycleSettings()
    store: StoreSettings = StoreSettings()
    detection: DetectionSettings = DetectionSettings()
    channels: tuple[ChannelSettings, ...] = ()
