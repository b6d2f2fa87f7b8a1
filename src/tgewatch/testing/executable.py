"""Commands of others, played by scripts, and whether what they began has ended."""

import os
import select
import sys
from pathlib import Path

PATIENCE = 10.0
"""Seconds for a process that was killed to be gone: on a busy machine that takes a moment."""


def executable(command: Path, script: Path, *arguments: object) -> Path:
    """Make a command that runs a script of the standard library with these arguments first."""
    first = " ".join(f'"{one}"' for one in (sys.executable, "-S", "-E", script, *arguments))
    command.parent.mkdir(parents=True, exist_ok=True)
    command.write_text(f'#!/bin/sh\nexec {first} "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    return command


def has_ended(pid: int) -> bool:
    """Return whether a process has ended, or does within PATIENCE. It need not be our child."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], PATIENCE)[0])
    finally:
        os.close(handle)
