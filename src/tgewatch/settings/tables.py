"""The tables that stand once in the settings file."""

from tgewatch.settings.caching import CacheSettings
from tgewatch.settings.claude_flow import ClaudeFlowSettings
from tgewatch.settings.detecting import DetectionSettings
from tgewatch.settings.fetching import FetchSettings
from tgewatch.settings.limiting import LimitSettings
from tgewatch.settings.measuring import MetricsSettings
from tgewatch.settings.open_sources import OpenSourceSettings
from tgewatch.settings.polling import CycleSettings, PollingSettings
from tgewatch.settings.second_opinion import SecondOpinionSettings
from tgewatch.settings.section import Section
from tgewatch.settings.storing import StoreSettings
from tgewatch.settings.swarm import SwarmSettings
from tgewatch.settings.x import XSettings


class Tables(Section):
    """Shared by the file as written and the settings as used."""

    fetch: FetchSettings = FetchSettings()
    """How the web is asked."""
    cache: CacheSettings = CacheSettings()
    """What is kept, and for how long."""
    limits: LimitSettings = LimitSettings()
    """How much may be asked of others."""
    polling: PollingSettings = PollingSettings()
    """When sources are asked again."""
    cycle: CycleSettings = CycleSettings()
    """How much one round may take."""
    store: StoreSettings = StoreSettings()
    """Where things are kept."""
    swarm: SwarmSettings = SwarmSettings()
    """What several instances have in common."""
    detection: DetectionSettings = DetectionSettings()
    """What counts, and how much."""
    second_opinion: SecondOpinionSettings = SecondOpinionSettings()
    """Whom to ask where the detection is unsure."""
    metrics: MetricsSettings = MetricsSettings()
    """What is measured of the program itself."""
    open_sources: OpenSourceSettings = OpenSourceSettings()
    """Who answers for networks with an open interface."""
    x: XSettings = XSettings()
    """How X is read, and what it may cost."""
    claude_flow: ClaudeFlowSettings = ClaudeFlowSettings()
    """What agents that share claude-flow are told."""
