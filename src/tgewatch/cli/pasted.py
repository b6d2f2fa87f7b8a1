"""Text that a user pastes: given as an option or through standard input."""

import sys

import typer

from tgewatch.parse.text import clean

TEXT_LIMIT = 50_000
"""Characters that are looked at."""
_BYTES = 4
"""Of one character at most, in UTF-8."""


def pasted(given: str, what: str) -> str:
    """Return `given`, or standard input for “-”, as a source's text would be read.

    The first line that holds anything is the title; all that follows is one more line. Bytes that
    are no UTF-8 are shown as such. Raises typer.BadParameter, which says `what` the words are
    for, where none are left.
    """
    text = _standard_input() if given == "-" else given
    title, _, rest = text.strip()[:TEXT_LIMIT].partition("\n")
    kept = "\n".join(filter(None, (clean(title, TEXT_LIMIT), clean(rest, TEXT_LIMIT))))
    if not kept:
        raise typer.BadParameter(f"the text is empty; --text wants the words to {what}")
    return kept


def _standard_input() -> str:
    return sys.stdin.buffer.read(TEXT_LIMIT * _BYTES).decode("utf-8-sig", "replace")
