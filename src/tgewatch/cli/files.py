"""Reading and writing whole files, bounded and all or nothing."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from tgewatch.errors import ConfigError, MalformedError

LIMIT = 10_000_000
"""Bytes of a file that is read."""


def read_bounded(path: Path) -> bytes:
    """Return what a file holds. Raises ConfigError when it cannot be read or is too large."""
    try:
        with path.open("rb") as opened:
            content = opened.read(LIMIT + 1)
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror}"]) from error
    if len(content) > LIMIT:
        raise ConfigError([f"{path}: is larger than {LIMIT} bytes"])
    return content


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that takes the place of `path` in one step, once the block has ended well.

    Keeps the permissions of a file that exists, and follows a link to it. Raises MalformedError where
    no file can be made, and OSError while it is written.
    """
    target = path.resolve()
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    except OSError as error:
        raise MalformedError(f"{path} cannot be written: {error.strerror}", cause="file") from error
    written = Path(name)
    try:
        with os.fdopen(handle, "wb") as opened:
            yield opened
            opened.flush()
            os.fsync(opened.fileno())
        written.chmod(target.stat().st_mode & 0o777 if target.exists() else 0o644)
        written.replace(target)
    except BaseException:
        written.unlink(missing_ok=True)
        raise


def write_whole(path: Path, content: bytes) -> None:
    """Replace a file in one step: after a crash it is the old one or the new one."""
    with replacing(path) as opened:
        opened.write(content)
