"""A few bytes that outlive the process."""

import logging
from pathlib import Path
from typing import Protocol

from tgewatch.fetch.export import write_atomically

log = logging.getLogger(__name__)

_MOST = 1_000_000


class Blob(Protocol):
    """Keeps one piece of bytes; a new one replaces it."""

    def read(self) -> bytes:
        """Return what was written last, or nothing."""

    def write(self, data: bytes) -> None:
        """Keep these bytes in place of the others."""


class FileBlob:
    """Keeps them in a file. What cannot be read counts as nothing, with a warning."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> bytes:
        try:
            with self._path.open("rb") as file:
                return file.read(_MOST)
        except FileNotFoundError:
            return b""
        except OSError as error:
            log.warning("blob_unreadable", extra={"path": str(self._path), "why": str(error)})
            return b""

    def write(self, data: bytes) -> None:
        try:
            write_atomically(self._path, data, durable=False)
        except OSError as error:
            log.warning("blob_unwritable", extra={"path": str(self._path), "why": str(error)})
