"""The settings file as values. Shapes only; `settings.load` reads files."""

from pathlib import Path

from tgewatch.model import Company, Source
from tgewatch.settings.caching import CacheSettings, Tier
from tgewatch.settings.claude_flow import ClaudeFlowSettings
from tgewatch.settings.detecting import DetectionSettings, Terms
from tgewatch.settings.fetching import FetchSettings, HostPolicy, Pool
from tgewatch.settings.limiting import LimitSettings
from tgewatch.settings.measuring import MetricsSettings, TargetSettings
from tgewatch.settings.open_sources import OpenSourceSettings
from tgewatch.settings.polling import CycleSettings, PollingSettings
from tgewatch.settings.second_opinion import SecondOpinionSettings
from tgewatch.settings.section import Section
from tgewatch.settings.storing import StoreSettings
from tgewatch.settings.swarm import SwarmSettings
from tgewatch.settings.tables import Tables
from tgewatch.settings.telling import ChannelSettings
from tgewatch.settings.x import PriceSettings, XSettings

__all__ = [
    "CacheSettings",
    "ChannelSettings",
    "ClaudeFlowSettings",
    "CycleSettings",
    "DetectionSettings",
    "FetchSettings",
    "HostPolicy",
    "LimitSettings",
    "MetricsSettings",
    "OpenSourceSettings",
    "PollingSettings",
    "Pool",
    "PriceSettings",
    "SecondOpinionSettings",
    "Section",
    "Settings",
    "StoreSettings",
    "SwarmSettings",
    "Tables",
    "TargetSettings",
    "Terms",
    "Tier",
    "XSettings",
]


class Settings(Tables):
    """Everything a run is told."""

    file: Path | None = None
    """Where it was read from; None for the defaults that ship with the program."""
    root: Path = Path()
    """Folder that relative paths start at."""
    state: Path = Path("state")
    """Folder for what the program writes."""
    companies: tuple[Company, ...] = ()
    sources: tuple[Source, ...] = ()
    channels: tuple[ChannelSettings, ...] = ()
