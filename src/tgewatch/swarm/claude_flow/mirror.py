"""Messages on their way to claude-flow, which is never waited for."""

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from tgewatch.clock import Clock
from tgewatch.errors import TransientError
from tgewatch.swarm.claude_flow.child import Children
from tgewatch.swarm.claude_flow.message import Message, slot_of
from tgewatch.swarm.claude_flow.tool import Tool

log = logging.getLogger(__name__)

FAILURES = 3
"""In a row, after which the tool is left alone."""
REST = 300.0
"""Seconds for which it is."""
LAST = 2.0
"""Seconds for the worker to end once its command was killed."""

Connect = Callable[[Children], Tool]


@dataclass(slots=True)
class Counts:
    """What became of the messages."""

    told: int = 0
    failed: int = 0
    replaced: int = 0
    """By a later one for the same slot, before they were told."""
    left_out: int = 0
    """For want of room, of a tool that works, or of time at the end."""


class Mirror:
    """A bounded queue, and one thread that tells the tool.

    No method raises, and none waits for the tool but `flush` and `close`, as long as they are told.
    The tool is looked for with the first message. After three failures in a row, or when it is not
    there, nothing is told for five minutes; then it is looked for anew.
    """

    def __init__(self, connect: Connect, *, clock: Clock, queue: int = 64) -> None:
        """`connect` returns a tool that was probed, and raises TransientError without one."""
        self._connect = connect
        self._clock = clock
        self._size = queue
        self._children = Children(clock=clock)
        self._changed = threading.Condition()
        self._waiting: OrderedDict[str | int, Message] = OrderedDict()
        self._number = 0
        self._busy = False
        self._closed = False
        self._thread: threading.Thread | None = None
        self._tool: Tool | None = None
        self._failures = 0
        self._rests_until: float | None = None
        self._warned: set[str] = set()
        self.counts = Counts()

    def __repr__(self) -> str:
        state = "closed" if self._closed else "resting" if self.rests else "open"
        return f"<Mirror {state}, {len(self._waiting)} waiting, {self._tool or 'no tool yet'}>"

    @property
    def rests(self) -> bool:
        """Whether the tool is left alone for now."""
        until = self._rests_until
        return until is not None and self._clock.monotonic() < until

    def tell(self, message: Message) -> bool:
        """Put a message into the queue; return whether it may be heard.

        It takes the place of an untold one for the same slot. When the queue is full, the oldest is
        left out.
        """
        with self._changed:
            if self._closed or self.rests:
                self.counts.left_out += 1
                return False
            self._number += 1
            place: str | int = slot_of(message) or self._number
            if place in self._waiting:
                self.counts.replaced += 1
            elif len(self._waiting) >= self._size:
                self._waiting.popitem(last=False)
                self.counts.left_out += 1
            self._waiting[place] = message
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._work, name="tgewatch-claude-flow", daemon=True
                )
                self._thread.start()
            self._changed.notify_all()
            return True

    def flush(self, seconds: float) -> bool:
        """Wait until everything is told, or `seconds` have passed; return whether it is."""
        with self._changed:
            return self._changed.wait_for(self._is_idle, seconds)

    def close(self, seconds: float) -> None:
        """Give the queue `seconds` to be told, then kill what runs and end the thread.

        An interrupt ends the waiting, and leaves no command behind either.
        """
        try:
            with self._changed:
                self._closed = True
                self._changed.notify_all()
                self._changed.wait_for(self._is_idle, seconds)
        finally:
            with self._changed:
                left = len(self._waiting) + self._busy
                self.counts.left_out += len(self._waiting)
                self._waiting.clear()
            self._children.stop()
            if self._thread is not None and self._thread is not threading.current_thread():
                self._thread.join(LAST)
        if left:
            log.warning("claude_flow_not_told", extra={"messages": left, "seconds": seconds})

    def _is_idle(self) -> bool:
        return not self._waiting and not self._busy

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if not self._waiting:
                    return
                _, message = self._waiting.popitem(last=False)
                self._busy = True
            try:
                self._pass_on(message)
            except Exception:  # the boundary of the thread: a bug of ours ends no other message
                log.warning("claude_flow_crashed", exc_info=True)
                self._rest("a bug of ours")
            finally:
                with self._changed:
                    self._busy = False
                    self._changed.notify_all()

    def _pass_on(self, message: Message) -> None:
        if self.rests:
            self.counts.left_out += 1
            return
        if self._tool is None:
            try:
                self._tool = self._connect(self._children)
            except TransientError as error:
                self.counts.left_out += 1
                self._rest(str(error), silent=error.cause == "absent")
                return
        answer = self._tool.tell(message)
        if answer.done:
            self._failures = 0
            self.counts.told += 1
            return
        self._failures += 1
        self.counts.failed += 1
        log.debug("claude_flow_failed", extra={"what": type(message).__name__, "why": answer.why})
        if self._failures >= FAILURES:
            self._rest(answer.why)

    def _rest(self, why: str, *, silent: bool = False) -> None:
        """Leave the tool alone for a while; say so once a reason."""
        self._tool, self._failures = None, 0
        self._rests_until = self._clock.monotonic() + REST
        if (
            not silent
            and not self._closed
            and why not in self._warned
            and len(self._warned) < FAILURES
        ):
            self._warned.add(why)
            log.warning("claude_flow_rests", extra={"seconds": REST, "why": why})
