"""Fetches that nobody waits for, from callers without an event loop."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

log = logging.getLogger(__name__)

_THREADS = 2
_MOST = 32


class Refresher:
    """Runs tasks on two threads of its own, started when first needed; drops what is too much."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None
        self._room = threading.BoundedSemaphore(_MOST)

    def submit(self, task: Callable[[], object]) -> bool:
        """Run the task soon; False when there are too many already. Its errors are logged."""
        if not self._room.acquire(blocking=False):
            return False
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="cache-refresh")
            self._pool.submit(self._run, task)
        return True

    def _run(self, task: Callable[[], object]) -> None:
        try:
            task()
        except Exception as error:  # noqa: BLE001 - the boundary of a task that nobody waits for
            log.info("refresh_failed", extra={"why": str(error)})
        finally:
            self._room.release()

    def close(self) -> None:
        """Wait for what runs, drop what waits."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=True, cancel_futures=True)
