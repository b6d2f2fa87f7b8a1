"""A round of polls on demand: one at a time, within a deadline, and only where it is allowed."""

from tgewatch.app import open_program
from tgewatch.clock import Clock
from tgewatch.engine.report import CycleReport
from tgewatch.errors import StoreBusyError, TransientError
from tgewatch.mcp.answers import ScanReport
from tgewatch.mcp.rows import event_row, time_of
from tgewatch.settings import Settings

EVENTS = 20


class Scanner:
    """Opens the program for one round and closes it again, as `tgewatch scan` does.

    Polls only what is due, so that asking often costs nobody anything; tells what changes on the
    channels of the settings.
    """

    def __init__(self, settings: Settings, *, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._scanning = False

    def __repr__(self) -> str:
        return f"<Scanner {'scanning' if self._scanning else 'idle'}>"

    async def scan(self, *, deadline: float) -> ScanReport:
        """Poll what is due for at most `deadline` seconds.

        Raises TransientError while another round is under way, here or in another instance.
        """
        if self._scanning:
            raise TransientError("a scan is under way; ask again when it has answered")
        self._scanning = True
        try:
            async with open_program(
                self._settings, clock=self._clock, progress=_Unseen(), console_to_stderr=True
            ) as program:
                report = await program.scan(deadline=deadline)
        except StoreBusyError as error:
            raise TransientError(f"{error}, which polls already: ask for its events") from error
        finally:
            self._scanning = False
        return scan_report(report, self._clock.now())


def scan_report(report: CycleReport, now: float) -> ScanReport:
    """Return what a round brought."""
    events = list(report.events.values())
    return ScanReport(
        now=time_of(now),
        seconds=round(report.seconds, 3),
        polled=report.polled,
        changed=report.changed,
        unchanged=report.unchanged,
        failed=dict(report.failed),
        unfinished=report.unfinished,
        not_due=report.not_due,
        new_items=report.new,
        changes=len(report.transitions),
        deliveries={name: count for name, count in report.deliveries.items() if count},
        events=tuple(event_row(event) for event in events[:EVENTS]),
        events_in_all=len(events),
    )


class _Unseen:
    """Progress that nobody watches."""

    def started(self, sources: int) -> None:
        """Ignore it."""

    def polled(self, source: str, outcome: str, new: int, found: int, seconds: float) -> None:
        """Ignore it."""
