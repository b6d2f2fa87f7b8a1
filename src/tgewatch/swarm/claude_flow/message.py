"""What is told to claude-flow, as values."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class PreTask:
    """A task begins."""

    task_id: str
    description: str


@dataclass(frozen=True, slots=True)
class PostTask:
    """A task is over."""

    task_id: str
    success: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class PostEdit:
    """A file is other than it was."""

    file: Path
    key: str
    """Under which the tool shall remember that; claude-flow 3 takes none."""


@dataclass(frozen=True, slots=True)
class Notify:
    """Something worth the attention of others."""

    text: str
    level: str = "info"
    """info, warning or error."""


@dataclass(frozen=True, slots=True)
class Remember:
    """A value for the memory that agents share."""

    key: str
    value: Mapping[str, Any]
    ttl: float
    """Seconds."""
    replaces: bool = False
    """Whether it stands in for an earlier value of the key that was not told yet."""


@dataclass(frozen=True, slots=True)
class SessionEnd:
    """The end of everything."""


Message = PreTask | PostTask | PostEdit | Notify | Remember | SessionEnd


def slot_of(message: Message) -> str:
    """Return what of several untold messages only the last one matters for; empty for none."""
    match message:
        case PostEdit():
            return f"edit {message.file}"
        case Remember(replaces=True):
            return f"remember {message.key}"
        case _:
            return ""
