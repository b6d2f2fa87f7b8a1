"""Logging, configured in this one place: an event and its fields on standard error."""

import logging

PLAIN = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


class Fields(logging.Formatter):
    """`time level logger: event key=value …`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; values are quoted where they hold blanks."""
        line = super().format(record)
        fields = [
            f"{name}={value!r}" if " " in str(value) else f"{name}={value}"
            for name, value in record.__dict__.items()
            if name not in PLAIN
        ]
        return " ".join([line, *fields])


def configure(*, debug: bool = False, level: int = logging.WARNING) -> None:
    """Log warnings and worse of the program, and everything with `debug`."""
    handler = logging.StreamHandler()
    handler.setFormatter(Fields("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    ours = logging.getLogger("tgewatch")
    ours.handlers = [handler]
    ours.setLevel(logging.DEBUG if debug else level)
    ours.propagate = False
