"""A process that lets its children commit, and die by their own hand at the n-th step of it.

Reads one JSON object a line: where the store is, what to do, and at which step to die. Answers with
the step at which the child died, or how many steps it survived. Steps are the boundaries
between statements, and the moments before and after a commit.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

import alembic.command  # noqa: F401 - once, for all children
import msgspec
import sqlalchemy as sa
from sqlalchemy.engine.default import DefaultDialect

from tgewatch.model import Poll
from tgewatch.settings import StoreSettings
from tgewatch.store import open_store
from tgewatch.testing import ManualClock
from tgewatch.testing.polls import NOW, simple_merge, simple_route


class Order(msgspec.Struct):
    root: str
    url: str
    step: int
    polls: tuple[Poll, ...] = ()
    delivered: str = ""
    opening: bool = False
    """Count the steps of opening the store, too."""


class Countdown:
    def __init__(self, step: int, answer: int) -> None:
        self.deadly = step
        self.answer = answer
        self.step = 0
        self.armed = False

    def here(self, name: str) -> None:
        self.step += self.armed
        if self.armed and self.step == self.deadly:
            self.say(name)
            os.kill(os.getpid(), signal.SIGKILL)

    def say(self, what: str) -> None:
        os.write(self.answer, what.encode())


def set_up(countdown: Countdown) -> None:
    commit = DefaultDialect.do_commit

    def watched(dialect, connection):
        countdown.here("before commit")
        commit(dialect, connection)
        countdown.here("after commit")

    DefaultDialect.do_commit = watched

    @sa.event.listens_for(sa.Engine, "before_cursor_execute")
    def before(_connection, _cursor, statement, *_):
        countdown.here(f"before {statement[:60]!r}")


async def obey(order: Order, countdown: Countdown) -> None:
    countdown.armed = order.opening
    async with open_store(
        StoreSettings(database_url=order.url),
        root=Path(order.root),
        clock=ManualClock(),
        merge=simple_merge,
        route=simple_route,
    ) as store:
        countdown.armed = True
        await asyncio.gather(*(store.commit_poll(poll) for poll in order.polls))
        if order.delivered:
            await store.delivered(order.delivered, NOW + 5)
        countdown.armed = False
    countdown.say(f"survived {countdown.step}")


def main() -> None:
    for line in sys.stdin:
        order = msgspec.json.decode(line, type=Order)
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            countdown = Countdown(order.step, writing)
            set_up(countdown)
            asyncio.run(obey(order, countdown))
            os._exit(0)
        os.close(writing)
        os.waitpid(child, 0)
        with open(reading, "rb") as answer:  # noqa: PTH123 - a pipe has no path
            print(answer.read().decode(), flush=True)  # noqa: T201 - our answer


if __name__ == "__main__":
    main()
