"""The store as commands use it: open it, ask or amend, close it."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from tgewatch.app import open_archive, run_loop
from tgewatch.cli.logs import configure
from tgewatch.cli.options import load
from tgewatch.clock import SystemClock
from tgewatch.errors import RefusedError
from tgewatch.model import Event, Stored
from tgewatch.store import Access, SqlStore

if TYPE_CHECKING:
    from tgewatch.settings import Settings

T = TypeVar("T")

Question = Callable[[SqlStore, float], Awaitable[T]]
"""Store and the time now → answer."""


def read(
    context: typer.Context,
    question: "Question[T]",
    *,
    settings: "Settings | None" = None,
    access: Access = Access.READ,
) -> T:
    """Answer a question from the store, also while a watch runs.

    Raises typer.BadParameter for a name that fits nothing or several things.
    """
    configure(debug=context.obj.debug)
    loaded = settings or load(context)
    clock = SystemClock()

    async def ask() -> T:
        async with open_archive(loaded, clock=clock, access=access) as store:
            return await question(store, clock.now())

    try:
        return run_loop(ask())
    except RefusedError as error:  # the only thing a store refuses is a name that fits nothing
        raise typer.BadParameter(str(error)) from error


def amend(
    context: typer.Context,
    ids: Sequence[str],
    change: Callable[[Sequence[Event], float], Any],
) -> Stored:
    """Let the user's hand change events. Raises typer.BadParameter for ids that are none."""

    async def apply(store: SqlStore, now: float) -> Stored:
        whole = []
        for prefix in ids:
            event = await store.event(prefix)
            if event is None:
                raise RefusedError(f"no event {prefix!r}; `tgewatch events` lists them")
            whole.append(event.id)
        return await store.correct(whole, change, at=now)

    return read(context, apply, access=Access.AMEND)
