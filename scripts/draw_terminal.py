"""Run a command in a terminal and draw what it printed as SVG.

python scripts/draw_terminal.py docs/images/demo.svg --lines 60 -- tgewatch demo
"""

import argparse
import os
import pty
import re
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

CHUNK = 65_536
LIMIT = 4_000_000
"""Bytes of output."""


def recorded(command: list[str], *, columns: int) -> str:
    """Return what the command prints on a terminal of so many columns. Raises SystemExit."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm-256color", COLUMNS=str(columns), LINES="50")
        os.execvp(command[0], command)  # noqa: S606 - the operator's own command
    printed = b""
    while len(printed) < LIMIT:
        try:
            chunk = os.read(terminal, CHUNK)
        except OSError:  # Linux says so at the end of a terminal
            break
        if not chunk:
            break
        printed += chunk
    _, status = os.waitpid(pid, 0)
    if status:
        raise SystemExit(f"{command[0]} ended with status {os.waitstatus_to_exitcode(status)}")
    return printed.decode(errors="replace").replace("\r\n", "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", type=Path)
    parser.add_argument("--columns", type=int, default=100)
    parser.add_argument("--lines", type=int, default=0, help="Keep only so many lines, the last.")
    parser.add_argument("--title", default="")
    parser.add_argument("command", nargs="+")
    given = parser.parse_args()
    lines = recorded(given.command, columns=given.columns).rstrip().split("\n")
    kept = lines[-given.lines :] if given.lines else lines
    console = Console(record=True, width=given.columns, file=Path(os.devnull).open("w"))  # noqa: SIM115
    console.print(f"$ {' '.join(given.command)}", style="bold", highlight=False)
    console.print(Text.from_ansi("\n".join(kept)))
    given.target.parent.mkdir(parents=True, exist_ok=True)
    title = given.title or given.command[0]
    drawn = console.export_svg(title=title)
    drawn = re.sub(r"@font-face \{.*?\}", "", drawn, flags=re.DOTALL)  # a picture loads nothing
    given.target.write_text(drawn)
    print(f"{given.target}: {len(kept)} of {len(lines)} lines", file=sys.stderr)


if __name__ == "__main__":
    main()
