"""`tgewatch sources`: how every source does, and when it is polled next."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from tgewatch.cli.options import JsonOption, SettingsOption, StateOption, load
from tgewatch.cli.output import print_json, print_rows

if TYPE_CHECKING:
    from tgewatch.model import Source, SourceState

WORST_FIRST = ("broken", "gone", "silent", "slow", "new", "ok")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(sources)


def sources(
    context: typer.Context,
    *,
    settings: SettingsOption = None,
    state: StateOption = None,
    health: Annotated[
        list[str] | None,
        typer.Option("--health", help="broken, gone, silent, slow, new or ok. Repeatable."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Show how every source does and when it is polled next, the worst first."""
    import orjson  # noqa: PLC0415 - as above

    from tgewatch.cli.archive import read  # noqa: PLC0415 - `--help` needs none of it
    from tgewatch.cli.x_lines import print_status  # noqa: PLC0415 - as above
    from tgewatch.engine.x_desk import SOURCE as X  # noqa: PLC0415 - as above
    from tgewatch.engine.x_status import STATUS  # noqa: PLC0415 - as above
    from tgewatch.model import SourceState  # noqa: PLC0415 - as above

    unknown = set(health or ()) - set(WORST_FIRST)
    if unknown:
        raise typer.BadParameter(f"{', '.join(unknown)}: choose from {', '.join(WORST_FIRST)}")
    loaded = load(context, settings, state)

    listed = (*loaded.sources, X) if loaded.x.token else loaded.sources

    async def ask(store: Any, now: float) -> Any:
        states = await store.source_states([source.url for source in listed])
        return states, await store.note(STATUS) if loaded.x.token else None, now

    states, x, now = read(context, ask, settings=loaded)
    x = orjson.loads(x) if x else None
    known = [(s, states.get(s.url) or SourceState(url=s.url)) for s in listed]
    known = [pair for pair in known if not health or pair[1].health in health]
    known.sort(key=lambda pair: (WORST_FIRST.index(pair[1].health), pair[0].name.lower()))
    if json:
        objects = [_as_object(source, found) for source, found in known]
        print_json([{**o, "x": x} if o["kind"] == "x" else o for o in objects])
        return
    print_rows(
        ("source", "health", "next poll", "newest", "polls", "url"),
        [
            (
                source.name,
                found.health,
                next_poll(found, now),
                _ago(found.newest_at, now),
                found.polls,
                _where(source, found),
            )
            for source, found in known
        ],
        title=f"{len(known)} sources",
    )
    if x is not None and any(source.kind == "x" for source, _ in known):
        print_status(x, now)


def next_poll(state: "SourceState", now: float) -> str:
    """Return `in 3 m 10 s because …`, with the last error where there is one."""
    from tgewatch.rules.durations import spell  # noqa: PLC0415 - as above

    if state.polled_at is None:
        return "now because it was never polled"
    left = state.next_poll - now
    when = f"in {spell(left)}" if left > 0 else "now"
    error = f" ({state.error})" if state.error else ""
    return f"{when} because {state.because or 'it is due'}{error}"


def _ago(at: float | None, now: float) -> str:
    from tgewatch.rules.durations import spell  # noqa: PLC0415 - as above

    return "-" if at is None else f"{spell(now - at)} ago"


def _where(source: "Source", state: "SourceState") -> str:
    return source.url + (f" (moved to {state.location})" if state.location else "")


def _as_object(source: "Source", state: "SourceState") -> dict[str, Any]:
    from tgewatch.cli.show import moment_iso  # noqa: PLC0415 - as above

    return {
        "url": source.url,
        "name": source.name,
        "kind": source.kind,
        "company": source.company or None,
        "priority": source.priority,
        "health": state.health,
        "next_poll": moment_iso(state.next_poll) if state.polled_at is not None else None,
        "because": state.because or None,
        "polled": moment_iso(state.polled_at),
        "answered": moment_iso(state.answered_at),
        "newest": moment_iso(state.newest_at),
        "polls": state.polls,
        "errors": state.errors,
        "error": state.error or None,
        "error_cause": state.error_cause or None,
        "location": state.location or None,
    }
