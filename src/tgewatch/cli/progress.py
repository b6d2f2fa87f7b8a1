"""Show a cycle as it goes: a bar on a terminal, lines in a pipe, nothing with `--json`."""

import sys
from typing import Self
from urllib.parse import urlsplit

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


class Silent:
    """Shows nothing."""

    def started(self, sources: int) -> None:
        """Ignore it."""

    def polled(self, source: str, outcome: str, new: int, found: int, seconds: float) -> None:
        """Ignore it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None


class Lines(Silent):
    """A line on standard error for every source that brought news or failed, and every tenth."""

    def __init__(self) -> None:
        self._total = 0
        self._done = 0

    def started(self, sources: int) -> None:
        self._total, self._done = sources, 0
        self._say(f"polling {sources} sources")

    def polled(self, source: str, outcome: str, new: int, found: int, seconds: float) -> None:
        self._done += 1
        if outcome == "failed" or found or self._done == self._total or self._done % 100 == 0:
            self._say(
                f"{self._done}/{self._total} {_host(source)}: {outcome}, {new} new,"
                f" {found} changes, {seconds:.1f} s"
            )

    @staticmethod
    def _say(line: str) -> None:
        print(line, file=sys.stderr, flush=True)


class Bar(Silent):
    """A bar with counts on a terminal."""

    def __init__(self, console: Console) -> None:
        self._bar = Progress(
            TextColumn("[bold]polling"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn(
                "{task.fields[new]} new, {task.fields[found]} changes, {task.fields[failed]} failed"
            ),
            TextColumn("[dim]{task.fields[last]}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )
        self._task = self._bar.add_task("poll", total=None, new=0, found=0, failed=0, last="")
        self._new = self._found = self._failed = 0

    def started(self, sources: int) -> None:
        self._bar.reset(self._task, total=sources)
        self._new = self._found = self._failed = 0

    def polled(self, source: str, outcome: str, new: int, found: int, seconds: float) -> None:  # noqa: ARG002 - the port's
        self._new += new
        self._found += found
        self._failed += outcome == "failed"
        self._bar.update(
            self._task,
            advance=1,
            new=self._new,
            found=self._found,
            failed=self._failed,
            last=_host(source),
        )

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()


def progress_for(console: Console, *, quiet: bool) -> Silent:
    """Choose what fits where standard error goes."""
    if quiet:
        return Silent()
    return Bar(console) if console.is_terminal else Lines()


def _host(url: str) -> str:
    return urlsplit(url).hostname or url
