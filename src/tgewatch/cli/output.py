"""Printing: JSON for programs, tables for people, lines for pipes."""

import sys
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
"""Unicode categories that move the cursor, turn text round or show nothing."""


def as_json(value: Any, *, indent: bool = False) -> bytes:
    """Return JSON in UTF-8; dataclasses, enums, times, paths, sets and settings included.

    What JSON has no word for (NaN, infinity) becomes null.
    """
    import orjson  # noqa: PLC0415 - `--help` needs none of it

    options = orjson.OPT_NON_STR_KEYS | (orjson.OPT_INDENT_2 if indent else 0)
    return orjson.dumps(value, default=_plainer, option=options)


def print_json(value: Any) -> None:
    """Print one JSON value: indented on a terminal, on one line in a pipe."""
    sys.stdout.flush()
    sys.stdout.buffer.write(as_json(value, indent=sys.stdout.isatty()) + b"\n")
    sys.stdout.buffer.flush()


def visible(value: object) -> str:
    """Return text without characters that could drive a terminal, on one line."""
    text = " ".join(str(value).split())
    if text.isprintable():
        return text
    return "".join(c for c in text if unicodedata.category(c) not in _UNSEEN)


def console(*, stderr: bool = False) -> "Console":
    """Return a Rich console; colours obey NO_COLOR and whether it is a terminal."""
    from rich.console import Console  # noqa: PLC0415 - `--help` needs none of it

    return Console(stderr=stderr, highlight=False, soft_wrap=not sys.stdout.isatty())


def print_rows(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str = ""
) -> None:
    """Print a table on a terminal, and lines of tab-separated cells under a header in a pipe."""
    cells = [[visible(cell) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        for line in (columns, *cells):
            print("\t".join(line))
        return
    from rich.table import Table  # noqa: PLC0415 - `--help` needs none of it
    from rich.text import Text  # noqa: PLC0415 - `--help` needs none of it

    table = Table(title=title or None, title_justify="left", header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in cells:
        table.add_row(*(Text(cell) for cell in row))
    console().print(table)


def say(line: str) -> None:
    """Print a line for people on standard error, where it disturbs no pipe."""
    print(visible(line), file=sys.stderr, flush=True)


def _plainer(value: Any) -> Any:
    import msgspec  # noqa: PLC0415 - `--help` needs none of it

    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, tuple):  # of a class of its own, as an event's claims are
        return list(value)
    if isinstance(value, msgspec.Struct):
        return msgspec.structs.asdict(value)
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    raise TypeError(f"{type(value).__name__} has no JSON form")
