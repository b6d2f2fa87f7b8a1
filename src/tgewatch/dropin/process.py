"""What a process has one of: the loop, the settings, and the managers that are shared.

The only global of the program. Made when first asked for; a fork begins with one of its own, and
the end of the process closes what is open.
"""

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

from tgewatch.dropin.bridge import Bridge
from tgewatch.settings import Settings
from tgewatch.settings.load import load_settings

T = TypeVar("T")


class Process:
    """The parts that are shared, by name."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self._lock = threading.RLock()
        self._bridge = Bridge()
        self._settings: tuple[object, Settings] | None = None
        self._parts: dict[str, Any] = {}
        self.closing: list[Callable[[], object]] = []
        """What is called at the end of the process, last first, before the loop ends."""

    def __repr__(self) -> str:
        return f"<Process {self.pid}: {', '.join(self._parts) or 'nothing yet'}>"

    @property
    def bridge(self) -> Bridge:
        """Return the loop; a new one after `shut`."""
        with self._lock:
            if self._bridge.closed:
                self._bridge = Bridge()
            return self._bridge

    def settings(self) -> Settings:
        """Return the settings of environment and files, read when first asked for.

        They are read anew after `shut`, and when TGEWATCH_… variables or the working folder are
        others than they were. Raises ConfigError.
        """
        with self._lock:
            around = _surroundings()
            if self._settings is None or self._settings[0] != around:
                found = load_settings(environ=os.environ, cwd=Path.cwd(), state=state_folder())
                self._settings = (around, found)
            return self._settings[1]

    def part(self, name: str, make: Callable[[], T]) -> T:
        """Return the part of that name, made when first asked for."""
        with self._lock:
            if name not in self._parts:
                self._parts[name] = make()
            part: T = self._parts[name]
            return part

    def shut(self) -> None:
        """Close whatever is open on the loop, and end it. Parts stay, and open again when used."""
        with self._lock:
            bridge, self._settings = self._bridge, None
        bridge.close()

    def end(self) -> None:
        """Close everything for good."""
        for close in reversed(self.closing):
            with suppress(Exception):  # the process ends; the others still have to close
                close()
        self.shut()


_lock = threading.Lock()
_process: Process | None = None
_watching = False


def process() -> Process:
    """Return what this process has, made when first asked for."""
    global _process, _watching  # noqa: PLW0603 - the only global
    found = _process
    if found is not None and found.pid == os.getpid():
        return found
    with _lock:
        if _process is None or _process.pid != os.getpid():
            _process = Process()
        if not _watching:
            _watching = True
            _watch_the_end()
        return _process


def end() -> None:
    """Close everything and forget it; the next use begins anew."""
    global _process
    with _lock:
        ending, _process = _process, None
    if ending is not None and ending.pid == os.getpid():
        ending.end()


def state_folder() -> Path:
    """Return where the drop-ins write: TGEWATCH_STATE, or ./state."""
    told = os.environ.get("TGEWATCH_STATE", "")
    return Path.cwd() / (Path(told).expanduser() if told else "state")


def _surroundings() -> object:
    """Return what the settings depend on, beside files."""
    told = [pair for pair in os.environ.items() if pair[0].startswith("TGEWATCH_")]
    return Path.cwd(), tuple(sorted(told))


def _watch_the_end() -> None:
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_begin_anew)
    # atexit is too late: threads can no longer be given work then, and closing needs some. What
    # runs last is registered first, so executors, which end there too, have to be known before.
    import_module("concurrent.futures.thread")
    before_threads = getattr(threading, "_register_atexit", None)
    if before_threads is not None:
        before_threads(end)
    else:
        import atexit  # noqa: PLC0415 - the second choice

        atexit.register(end)


def _begin_anew() -> None:
    global _lock, _process  # noqa: PLW0603 - as above
    _lock = threading.Lock()
    _process = None
