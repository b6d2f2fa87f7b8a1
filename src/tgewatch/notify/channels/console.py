"""The terminal, or whatever file stands for it."""

from datetime import UTC, tzinfo

from rich.console import Console

from tgewatch.errors import RefusedError
from tgewatch.model import Notice
from tgewatch.notify.render import plain, terminal


class ConsoleChannel:
    """Prints each notice: coloured on a terminal, as plain lines in a pipe."""

    def __init__(self, name: str, *, console: Console, zone: tzinfo = UTC) -> None:
        self.name = name
        self._console = console
        self._zone = zone

    def __repr__(self) -> str:
        return f"<ConsoleChannel {self.name}>"

    async def send(self, notice: Notice, *, key: str) -> None:  # noqa: ARG002 - a terminal has no headers
        """Print it. Raises RefusedError when the reader of the pipe is gone."""
        try:
            if self._console.is_terminal:
                self._console.print(terminal(notice, self._zone))
            else:
                self._console.print(
                    plain(notice, self._zone),
                    markup=False,
                    highlight=False,
                    emoji=False,
                    soft_wrap=True,
                )
        except (BrokenPipeError, SystemExit) as error:  # Rich ends the program on the first
            raise RefusedError("nobody reads the console any more", cause="pipe") from error
