"""How the program ends, and what it says when it cannot go on."""

from collections.abc import Iterator
from enum import IntEnum

from tgewatch.errors import (
    ConfigError,
    MalformedError,
    RefusedError,
    StoreBusyError,
    TransientError,
)


class ExitCode(IntEnum):
    """What the shell is told."""

    DONE = 0
    PARTIAL = 1
    """Done, with failed sources."""
    WRONG = 2
    """Wrong usage, settings or input."""
    UNREACHABLE = 3
    """Nothing could be reached."""
    BUSY = 4
    """Another instance holds the store."""
    FAULT = 70
    """A fault of the program (EX_SOFTWARE of sysexits.h), kept apart from the answers above."""
    INTERRUPTED = 130
    """By Ctrl-C (128 + SIGINT)."""
    PIPE_CLOSED = 141
    """Whoever read the output stopped reading (128 + SIGPIPE)."""


def explained(error: BaseException) -> tuple[ExitCode, tuple[str, ...]]:
    """Return the code for an error that reached the top, and what to print, a line each."""
    known = next((e for e in _leaves(error) if not isinstance(e, Exception)), None)
    known = known or next((e for e in _leaves(error) if _code(e) is not ExitCode.FAULT), error)
    code = _code(known)
    if code is ExitCode.INTERRUPTED:
        return code, ("interrupted",)
    if isinstance(known, ConfigError):
        count = len(known.problems)
        heading = f"error: {count} problem{'s' if count > 1 else ''} in the settings"
        return code, (heading, *known.problems)
    if code is not ExitCode.FAULT:
        return code, (f"error: {known}",)
    if isinstance(known, OSError) and known.strerror:
        about = f"{known.filename}: " if known.filename else ""
        return code, (f"error: {about}{known.strerror}",)
    return code, (
        f"error: unexpected {type(known).__name__}: {known}",
        "This is a fault of tgewatch. Run the command again with --debug for the details.",
    )


def _code(error: BaseException) -> ExitCode:
    match error:
        case KeyboardInterrupt():
            return ExitCode.INTERRUPTED
        case ConfigError() | MalformedError():
            return ExitCode.WRONG
        case StoreBusyError():
            return ExitCode.BUSY
        case TransientError() | RefusedError():
            return ExitCode.UNREACHABLE
        case _:
            return ExitCode.FAULT


def _leaves(error: BaseException) -> Iterator[BaseException]:
    """Yield what a task group raised, or the error itself."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error
