"""The record that claude-flow 3 keeps of its own calls, cut where only we work.

Each hook reads, checks and writes it whole, and nothing ever cuts it. At 4,000 calls it is 6 MB, and
makes a hook a quarter of a second slower. The lock is the tool's own: a file that only one can create, stale after 30 s.
"""

import os
from contextlib import suppress
from pathlib import Path

import orjson

LARGEST = 1_000_000
"""Bytes above which the record is set aside."""
_READ = 50_000_000


def rotate(root: Path) -> bool:
    """Set the record aside as `state.json.old` when it is large; return whether that was done.

    Only a record in the mode that allows everything; others hold approvals. Not while the tool
    has it locked.
    """
    folder = root / ".claude-flow" / "policy"
    state = folder / "state.json"
    try:
        if not LARGEST < state.stat().st_size < _READ:
            return False
        with (folder / "state.lock").open("x", encoding="ascii") as lock:
            lock.write(f'{{"pid":{os.getpid()}}}')
    except OSError:
        return False
    try:
        written = orjson.loads(state.read_bytes())
        if not isinstance(written, dict) or written.get("mode") != "legacy":
            return False
        state.replace(folder / "state.json.old")
    except (OSError, orjson.JSONDecodeError):
        return False
    finally:
        with suppress(OSError):
            (folder / "state.lock").unlink()
    return True


def unlock(root: Path) -> bool:
    """Remove the lock of a command that was killed, which would stop every hook for 30 s."""
    lock = root / ".claude-flow" / "policy" / "state.lock"
    try:
        with lock.open("rb") as file:
            holder = orjson.loads(file.read(1_000))
        pid = holder.get("pid") if isinstance(holder, dict) else None
        if not isinstance(pid, int) or pid <= 0 or _is_alive(pid):
            return False
        lock.unlink()
    except (OSError, orjson.JSONDecodeError):
        return False
    return True


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
