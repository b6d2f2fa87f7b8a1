"""The Offload port without threads or processes."""

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class InlineOffload:
    """Runs work at once, on the loop; knows no deadline."""

    def __init__(self) -> None:
        self.names: list[str] = []
        """What was run."""

    async def run(self, function: Callable[..., T], *args: object, deadline: float = 10.0) -> T:
        del deadline
        work = getattr(function, "func", function)
        self.names.append(getattr(work, "__name__", repr(work)))
        return function(*args)
