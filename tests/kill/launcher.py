"""Starts the real program again and again, cheaply, and kills it at a named point.

A script of its own, which imports the program once. Each line on standard input is a JSON object:
`arguments` of the command line, the `folder` to run in, the point to be killed `at` (the whole
name or its first word; empty: none), and the file in which to `note` every point that is reached
(empty: nowhere). The answer is the process id on one line and, in the end, the exit code on
another, negative for a signal; what was printed is in `out` and `err` in `folder`.

The points live here alone. They wrap methods of the rooms and watch the engine's statements:

    fetch.before, fetch.after              the body of the feed has come, and nothing is stored
    text.before, text.after                the same of an article
    KIND.begin                             before the transaction is begun
    KIND.N VERB TABLE                      before its Nth statement
    KIND.commit                            all is written, nothing committed
    KIND.done                              committed, and nobody has been told so
    send.before, send.after                around the delivery of one message

KIND is `open` (migrations), `poll`, `article` (judged again with its text), `mark` (delivered), or
`other`.
"""

import importlib
import json
import os
import re
import signal
import sys
import threading
from pathlib import Path

import sqlalchemy as sa

import tgewatch.cli
from tgewatch.engine.articles import Articles
from tgewatch.model import Poll
from tgewatch.notify.channels.webhook import WebhookChannel
from tgewatch.sources.feed import FeedReader
from tgewatch.store.writer import Writer

EARLY = (
    "platformdirs",
    "tgewatch.app",
    "tgewatch.cli.logs",
    "tgewatch.cli.progress",
    "tgewatch.cli.show",
    "tgewatch.cli.times",
    "tgewatch.settings.load",
    "trafilatura",
    "uvloop",
)
"""Imported once, so that no child has to."""
DEADLINE = 60
"""Seconds after which a child that hangs is ended."""
KINDS = {"rejudge": "article", "delivered": "mark"}
TABLE = re.compile(r"(?:FROM|INTO|UPDATE|TABLE|INDEX)\s+\"?(\w+)", re.IGNORECASE)


class Points:
    """Knows where the program is, and ends it where it shall be ended."""

    def __init__(self, at: str, note: str) -> None:
        self._at = at
        self._note = Path(note) if note else None
        self._kind = "open"
        self._statements = 0

    def reached(self, name: str) -> None:
        if self._note is not None:
            with self._note.open("a") as opened:
                opened.write(f"{name}\n")
        if self._at and f"{name} ".startswith(f"{self._at} "):
            os.kill(os.getpid(), signal.SIGKILL)

    def install(self) -> None:
        self._around(FeedReader, "read", "fetch")
        self._around(Articles, "text", "text")
        self._around(WebhookChannel, "send", "send")
        self._transactions()
        sa.event.listen(sa.Engine, "before_cursor_execute", self._statement)

    def _around(self, owner: type, method: str, name: str) -> None:
        real = getattr(owner, method)

        async def watched(*args, **named):
            self.reached(f"{name}.before")
            result = await real(*args, **named)
            self.reached(f"{name}.after")
            return result

        setattr(owner, method, watched)

    def _transactions(self) -> None:
        together, run, report = Writer._together, Writer._run, Writer._report

        def watched_together(writer, jobs):
            self._kind, self._statements = kind_of(jobs[0].work), 0
            self.reached(f"{self._kind}.begin")
            return together(writer, jobs)

        def watched_run(writer, connection, jobs):
            results = run(writer, connection, jobs)
            self.reached(f"{self._kind}.commit")
            return results

        def watched_report(writer, done):
            self.reached(f"{self._kind}.done")
            return report(writer, done)

        Writer._together, Writer._run, Writer._report = (
            watched_together,
            watched_run,
            watched_report,
        )

    def _statement(self, _connection, _cursor, statement, _values, _context, _many) -> None:
        thread = threading.current_thread()
        if thread is not threading.main_thread() and thread.name != "tgewatch-writer":
            return
        verb = statement.split(None, 1)[0].upper()
        if verb in {"SELECT", "INSERT", "UPDATE", "DELETE", "CREATE"}:
            self._statements += 1
            table = TABLE.search(statement)
            self.reached(f"{self._kind}.{self._statements} {verb} {table[1] if table else ''}")


def kind_of(work) -> str:
    if isinstance(work, Poll):
        return "poll"
    return KINDS.get(getattr(getattr(work, "func", None), "__name__", ""), "other")


def child(start) -> int:
    """Be the program, once."""
    signal.alarm(DEADLINE)
    os.chdir(start["folder"])
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    if start["at"] or start["note"]:
        Points(start["at"], start["note"]).install()
    try:
        tgewatch.cli.main(start["arguments"])
    except SystemExit as ended:
        sys.stdout.flush()
        return int(ended.code or 0)
    return 0


def main() -> None:
    for name in EARLY:
        importlib.import_module(name)
    for line in sys.stdin:
        number = os.fork()
        if number == 0:
            code = 70
            try:
                code = child(json.loads(line))
            finally:
                os._exit(code)
        print(number, flush=True)  # noqa: T201 - the answer
        _, status = os.waitpid(number, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201 - as above


if __name__ == "__main__":
    main()
