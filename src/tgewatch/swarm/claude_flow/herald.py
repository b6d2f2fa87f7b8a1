"""What a round says to claude-flow from its beginning to its end."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

from tgewatch.clock import Clock
from tgewatch.swarm.claude_flow.message import (
    Notify,
    PostEdit,
    PostTask,
    PreTask,
    Remember,
    SessionEnd,
)
from tgewatch.swarm.claude_flow.mirror import Mirror

METRICS = "performance/optimization"
REPORT = "performance/final_report"
NOTES = "notifications"
LATEST = "latest"
_numbers = count(1)


class Herald:
    """Puts messages together. Every method returns whether the tool may hear of it."""

    def __init__(self, mirror: Mirror | None, *, keep: float, clock: Clock) -> None:
        """Take None for a tool that is not there; `keep` is in seconds."""
        self._mirror = mirror
        self._keep = keep
        self._clock = clock

    def __repr__(self) -> str:
        return f"<Herald {self._mirror or 'without a tool'}>"

    @property
    def is_heard(self) -> bool:
        """Whether it is worth putting a message together."""
        return self._mirror is not None and not self._mirror.rests

    def pre_task(self, description: str) -> str | None:
        """Announce a task; return its id, or None when nobody hears of it."""
        moment = datetime.fromtimestamp(self._clock.now(), UTC).strftime("%Y%m%dT%H%M%S")
        task_id = f"tge-{moment}-{os.getpid()}-{next(_numbers)}"
        return task_id if self._tell(PreTask(task_id, description)) else None

    def post_task(
        self,
        task_id: str | None,
        metrics: Mapping[str, Any],
        *,
        success: bool = True,
        seconds: float = 0.0,
    ) -> bool:
        """End a task, and store its metrics."""
        if task_id is not None:
            self._tell(PostTask(task_id, success, seconds))
        return self.store(METRICS, metrics)

    def store(self, place: str, value: Mapping[str, Any]) -> bool:
        """Store a value under `place/{timestamp}`, which stays, and `place/latest`."""
        kept = self._tell(Remember(f"{place}/{stamp(self._clock)}", value, self._keep))
        latest = Remember(f"{place}/{LATEST}", value, self._keep, replaces=True)
        return self._tell(latest) and kept

    def post_edit(self, file: Path, key: str) -> bool:
        """Say that a file is other than it was."""
        return self._tell(PostEdit(file, key))

    def notify(
        self, message: str, data: Mapping[str, Any] | None = None, *, level: str = "info"
    ) -> bool:
        """Pass words on, and store data that belongs to them."""
        heard = self._tell(Notify(message, level))
        if data is None:
            return heard
        key = f"{NOTES}/{stamp(self._clock)}"
        return self._tell(Remember(key, data, self._keep)) and heard

    def session_end(self, report: Mapping[str, Any] | None) -> bool:
        """End the session of the tool, and store the report."""
        stored = report is None or self.store(REPORT, report)
        return self._tell(SessionEnd()) and stored

    def flush(self, seconds: float) -> bool:
        """Wait until all is told, or `seconds` have passed."""
        return self._mirror is None or self._mirror.flush(seconds)

    def _tell(
        self, message: PreTask | PostTask | PostEdit | Notify | Remember | SessionEnd
    ) -> bool:
        return self._mirror is not None and self._mirror.tell(message)


def stamp(clock: Clock) -> str:
    """Return the time as it stands in keys."""
    now = datetime.fromtimestamp(clock.now(), UTC)
    return now.isoformat(timespec="microseconds").replace("+00:00", "Z")
