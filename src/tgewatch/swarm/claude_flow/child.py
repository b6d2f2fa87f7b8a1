"""One run of somebody else's command, bounded in time, output and what it leaves behind."""

import os
import selectors
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tgewatch.clock import Clock

OUTPUT = 1_000_000
"""Bytes of output and of errors that are read; a command that says more is ended."""
TICK = 0.02
"""Seconds between two looks at whether a silent command has ended."""
PIECE = 65_536
NICE = 10
"""Below the program that it must not disturb."""

Enough = Callable[[bytes], bool]


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended."""

    code: int | None = None
    """None when the command was not there, or was ended by us."""
    out: str = ""
    err: str = ""
    cut: str = ""
    """Why we ended it, or could not begin: timeout, flood, stopped, or what the system said."""
    seconds: float = 0.0


class Children:
    """Runs commands one at a time, each in a process group of its own; may be told to stop."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._stopped = threading.Event()

    def __repr__(self) -> str:
        return f"<Children {'stopped' if self._stopped.is_set() else 'ready'}>"

    def stop(self) -> None:
        """End the run under way within a tick, from any thread; later ones do not begin."""
        self._stopped.set()

    def run(
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        deadline: float,
        said: bytes = b"",
        enough: Enough | None = None,
    ) -> Ended:
        """Run a command to its end, or until it has answered enough; raises nothing.

        `deadline` is in seconds. `said` goes to standard input, which then stays open while
        `enough` is asked about the output so far. Whatever is left of the process group is killed.
        """
        if self._stopped.is_set():
            return Ended(cut="stopped")
        begun = self._clock.monotonic()
        try:
            child = subprocess.Popen(  # noqa: S603 - the user's own tool, arguments never by a shell
                [*argv],
                cwd=cwd,
                env=dict(env),
                stdin=subprocess.PIPE if said else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:  # gone, not executable, arguments too long
            return Ended(cut=str(getattr(error, "strerror", None) or error))
        with suppress(OSError):
            os.setpriority(os.PRIO_PGRP, child.pid, NICE)
        talk = _Talk(child, said)
        try:
            cut = self._listen(child, talk, begun + deadline, enough)
        finally:
            _end(child)
            talk.close()
        seconds = self._clock.monotonic() - begun
        code = None if cut else child.returncode
        return Ended(code, _text(talk.heard[0]), _text(talk.heard[1]), cut, seconds)

    def _listen(
        self, child: "subprocess.Popen[bytes]", talk: "_Talk", until: float, enough: Enough | None
    ) -> str:
        """Return why it has to be ended, or nothing when it ended or said enough."""
        while True:
            left = until - self._clock.monotonic()
            if self._stopped.is_set():
                return "stopped"
            if left <= 0:
                return "timeout"
            gone = _has_ended(child)  # asked before reading, so that its last words are read
            talk.move(0.0 if gone else min(TICK, left))
            if max(map(len, talk.heard)) > OUTPUT:
                return "flood"
            if enough is not None and enough(bytes(talk.heard[0])):
                return ""
            if gone:
                return ""


class _Talk:
    """The three pipes of a child."""

    def __init__(self, child: "subprocess.Popen[bytes]", said: bytes) -> None:
        self.heard = (bytearray(), bytearray())
        self._unsaid = memoryview(said)
        self._pipes: list[IO[bytes]] = []
        self._selector = selectors.DefaultSelector()
        for number, pipe in enumerate((child.stdout, child.stderr, child.stdin)):
            if pipe is not None:
                os.set_blocking(pipe.fileno(), False)
                events = selectors.EVENT_WRITE if pipe is child.stdin else selectors.EVENT_READ
                self._selector.register(pipe, events, number)
                self._pipes.append(pipe)

    def move(self, seconds: float) -> None:
        """Say and hear what can be at once, or what can be first within `seconds`."""
        ready = self._selector.select(seconds)
        while ready:
            for key, events in ready:
                if events & selectors.EVENT_WRITE:
                    self._say(key)
                else:
                    self._hear(key)
            if max(map(len, self.heard)) > OUTPUT:
                return
            ready = self._selector.select(0)

    def _say(self, key: selectors.SelectorKey) -> None:
        try:
            self._unsaid = self._unsaid[os.write(key.fd, self._unsaid[:PIECE]) :]
        except BlockingIOError:
            return
        except OSError:  # it listens no longer
            self._unsaid = self._unsaid[:0]
        if not self._unsaid:
            self._selector.unregister(key.fileobj)

    def _hear(self, key: selectors.SelectorKey) -> None:
        try:
            piece = os.read(key.fd, PIECE)
        except BlockingIOError:
            return
        except OSError:
            piece = b""
        if piece:
            self.heard[key.data].extend(piece)
        else:
            self._selector.unregister(key.fileobj)

    def close(self) -> None:
        self._selector.close()
        for pipe in self._pipes:
            with suppress(OSError):
                pipe.close()


def _has_ended(child: "subprocess.Popen[bytes]") -> bool:
    """Look without taking the exit code: until then nobody else can get its number."""
    try:
        found = os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return True
    return found is not None


def _end(child: "subprocess.Popen[bytes]") -> None:
    """Kill the whole group, what the command left behind included, and take its exit code."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _text(heard: bytearray) -> str:
    return heard[:OUTPUT].decode("utf-8", "replace")
