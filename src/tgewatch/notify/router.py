"""What goes to which channel, and not before when."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from hashlib import sha256

from tgewatch.detect.identity import name_of
from tgewatch.model import Claim, Event, Notice, Outgoing, Source, SourceState, Transition
from tgewatch.notify.notice import notice_of, source_notice
from tgewatch.notify.quiet import quiet_until, zone_of
from tgewatch.settings import ChannelSettings


@dataclass(frozen=True, slots=True)
class _Rule:
    """A channel's wishes, prepared."""

    settings: ChannelSettings
    zone: tzinfo
    companies: frozenset[str]


class Router:
    """Decides by the channels' filters. Sends nothing, and never holds back an evaluation."""

    def __init__(self, channels: Sequence[ChannelSettings]) -> None:
        self._rules = tuple(
            _Rule(
                settings=channel,
                zone=zone_of(channel.zone),
                companies=_spellings(channel.companies),
            )
            for channel in channels
        )

    def __repr__(self) -> str:
        return f"<Router {', '.join(rule.settings.name for rule in self._rules)}>"

    def route(
        self, event: Event, transition: Transition, claim: Claim | None, now: float
    ) -> tuple[Outgoing, ...]:
        """Return one message for each channel that wants to hear of `transition`.

        The key is made of event, number of the transition and channel: the same again, whenever
        and wherever the same transition is routed.
        """
        if not transition.tell or event.dismissed:
            return ()
        return tuple(
            self._outgoing(
                rule,
                notice_of(event, transition, claim, now, zone=rule.zone),
                f"{event.id}|{transition.number}",
                now,
            )
            for rule in self._rules
            if _wants(rule, event, transition)
        )

    def source_notices(
        self, source: Source, before: SourceState, after: SourceState, now: float
    ) -> tuple[Outgoing, ...]:
        """Return one message for each channel that wants to hear how its sources do."""
        notice = source_notice(source, before, after, now)
        if notice is None:
            return ()
        at = after.polled_at if after.polled_at is not None else now
        return tuple(
            self._outgoing(rule, notice, f"source|{source.url}|{notice.change}|{at:.3f}", now)
            for rule in self._rules
            if rule.settings.sources and _watches(rule, source.company)
        )

    @staticmethod
    def _outgoing(rule: _Rule, notice: Notice, subject: str, now: float) -> Outgoing:
        name = rule.settings.name
        return Outgoing(
            key=sha256(f"{subject}|{name}".encode()).hexdigest(),
            channel=name,
            notice=notice,
            not_before=quiet_until(rule.settings.quiet, rule.zone, now),
        )


def _wants(rule: _Rule, event: Event, transition: Transition) -> bool:
    if event.score < rule.settings.min_score:
        return False
    wanted = rule.settings.changes
    arrives = transition.state is not transition.before and str(transition.state) in wanted
    if wanted and transition.change not in wanted and not arrives:
        return False
    if not rule.companies:
        return True
    return not rule.companies.isdisjoint(_spellings((event.company, event.project)))


def _watches(rule: _Rule, company: str) -> bool:
    """Return whether a source's health matters: outlets speak of every company."""
    return not rule.companies or not company or bool(rule.companies & _spellings((company,)))


def _spellings(names: Iterable[str]) -> frozenset[str]:
    """Return the forms by which these names are compared."""
    found = [name_of(name) for name in names if name]
    return frozenset(form for name in found for form in (name.compact, name.core) if form)
