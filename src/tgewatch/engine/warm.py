"""Warming up: polls before their time, so that whoever reads next finds more of what is out.

Which sources is the delay index's word: those whose unseen items are expected to have built up the
most delay. What was predicted of them is compared with what came.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from tgewatch.engine.report import CycleReport, Warmed
from tgewatch.engine.schedule import Schedule


@dataclass(frozen=True, slots=True)
class WarmUp:
    """Sources taken out of the schedule, to be polled now and reported to it."""

    expected: Mapping[str, float]
    """URL → items predicted to be out and not seen, most at risk first."""

    def outcome(self, report: CycleReport) -> Warmed:
        """Compare what was predicted with what a round over these sources brought.

        A source that was never polled brings its history: nothing was predicted of that.
        """
        answered = [url for url in self.expected if url in report.news]
        predicted = [url for url in answered if self.expected[url] > 0]
        return Warmed(
            polls=len(answered),
            expected=sum(self.expected[url] for url in predicted),
            found=sum(report.news[url] for url in predicted),
        )


def choose(schedule: Schedule, *, polls: int, now: float) -> WarmUp:
    """Take out up to `polls` sources that may be polled now, the most at risk first."""
    chosen = schedule.most_at_risk(now, polls, take=True)
    return WarmUp({url: schedule.expected(url, now) for url in chosen})


async def warm(
    schedule: Schedule,
    poll: Callable[[Sequence[str]], Awaitable[CycleReport]],
    *,
    polls: int,
    now: float,
) -> CycleReport:
    """Poll up to `polls` sources before their time, in one round.

    `poll` takes their URLs, reports each to the schedule or puts it back, and bounds its own time.
    """
    chosen = choose(schedule, polls=polls, now=now)
    report = await poll(tuple(chosen.expected))
    report.warmed = chosen.outcome(report)
    return report
