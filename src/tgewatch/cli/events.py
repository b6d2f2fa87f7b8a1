"""`tgewatch events`: what is known of which token, and the user's corrections of it."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tgewatch.cli.options import JsonOption, SettingsOption, StateOption
from tgewatch.cli.output import console, print_json, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tgewatch.model import Event

events = typer.Typer(
    help="What is known of which token, and your corrections of it.", invoke_without_command=True
)
WIDE = 10_000
"""Columns in a pipe, so that no address is broken."""
Id = Annotated[str, typer.Argument(metavar="ID", help="Id of an event, or its beginning.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.add_typer(events, name="events")


@events.callback()
def listing(
    context: typer.Context,
    *,
    settings: SettingsOption = None,
    state_folder: StateOption = None,
    state: Annotated[
        list[str] | None, typer.Option("--in-state", help="announced, dated, live … Repeatable.")
    ] = None,
    company: Annotated[str, typer.Option("--company", help="Only this company.")] = "",
    text: Annotated[str, typer.Option("--text", help="Part of a name or ticker.")] = "",
    since: Annotated[
        str | None, typer.Option("--since", metavar="TIME", help="Changed since then.")
    ] = None,
    upcoming: Annotated[
        bool, typer.Option("--upcoming", help="Dated ones that are still ahead, earliest first.")
    ] = False,
    dismissed: Annotated[bool, typer.Option("--dismissed", help="Also dismissed ones.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000)] = 100,
    json: JsonOption = False,
) -> None:
    """List events, most recently changed first; subcommands show and correct one."""
    from tgewatch.cli.archive import read  # noqa: PLC0415 - `--help` needs none of it

    context.obj = _with(context, settings, state_folder)
    if context.invoked_subcommand:
        return
    after = _moment(since)

    async def ask(store: Any, now: float) -> "Sequence[Event]":
        if upcoming:
            found: Sequence[Event] = await store.upcoming(now, limit=limit)
            return found
        asked: Sequence[Event] = await store.events(
            states=_states(state or []),
            company=company,
            text=text,
            since=after,
            dismissed=dismissed,
            limit=limit,
        )
        return asked

    _print(list(read(context, ask)), json=json)


@events.command()
def show(context: typer.Context, event: Id, *, json: JsonOption = False) -> None:
    """Show one event with its evidence and its history."""
    from tgewatch.cli.archive import read  # noqa: PLC0415 - `--help` needs none of it
    from tgewatch.errors import RefusedError  # noqa: PLC0415 - as above

    async def ask(store: Any, _now: float) -> tuple[Any, Any]:
        found = await store.event(event)
        if found is None:
            raise RefusedError(f"no event {event!r}; `tgewatch events` lists them")
        return found, await store.history(found.id)

    found, history = read(context, ask)
    _print_one(found, history, json=json)


@events.command()
def dismiss(context: typer.Context, event: Id) -> None:
    """Set an event aside: nothing more is told of it, and new evidence is kept silently."""
    from tgewatch.detect import correct  # noqa: PLC0415 - `--help` needs none of it

    def dismissed(found: "Sequence[Event]", now: float) -> list[Any]:
        if found[0].dismissed:
            raise typer.BadParameter(f"{found[0].id} is dismissed already")
        return [correct.dismiss(found[0], now)]

    _amend(context, [event], dismissed, "dismissed")


@events.command()
def restore(context: typer.Context, event: Id) -> None:
    """Take a dismissed event back."""
    from tgewatch.detect import correct  # noqa: PLC0415 - `--help` needs none of it

    def restored(found: "Sequence[Event]", now: float) -> list[Any]:
        if not found[0].dismissed:
            raise typer.BadParameter(f"{found[0].id} is not dismissed")
        return [correct.restore(found[0], now)]

    _amend(context, [event], restored, "restored")


@events.command()
def confirm(context: typer.Context, event: Id) -> None:
    """Say that an event is real; its score is 1 from now on."""
    from tgewatch.detect import correct  # noqa: PLC0415 - `--help` needs none of it

    _amend(context, [event], lambda found, now: [correct.confirm(found[0], now)], "confirmed")


@events.command()
def merge(
    context: typer.Context,
    kept: Id,
    other: Annotated[str, typer.Argument(metavar="OTHER", help="The event that goes into it.")],
) -> None:
    """Make one event of two that are the same; the second id leads to the first from now on."""
    from tgewatch.detect import correct  # noqa: PLC0415 - `--help` needs none of it

    def merged(found: "Sequence[Event]", now: float) -> list[Any]:
        if len(found) < 2:  # noqa: PLR2004 - it takes two
            raise typer.BadParameter(f"both are {found[0].id}: name two events")
        return [correct.merge_events(found[0], found[1], now)]

    _amend(context, [kept, other], merged, "merged")


@events.command()
def split(
    context: typer.Context,
    event: Id,
    evidence: Annotated[
        list[str],
        typer.Argument(
            metavar="NUMBER|URL…",
            help="Evidence that belongs to another event, as `events show` numbers it.",
        ),
    ],
) -> None:
    """Make a new event of some of the evidence of one; the two never grow together again."""
    from tgewatch.detect import correct  # noqa: PLC0415 - `--help` needs none of it

    def parted(found: "Sequence[Event]", now: float) -> list[Any]:
        try:
            return list(correct.split(found[0], _chosen(found[0], evidence), now))
        except ValueError as error:
            raise typer.BadParameter(
                f"{error}; `tgewatch events show {event}` lists the evidence"
            ) from error

    _amend(context, [event], parted, "split")


@events.command()
def edit(
    context: typer.Context,
    event: Id,
    *,
    project: Annotated[str | None, typer.Option("--project")] = None,
    company: Annotated[str | None, typer.Option("--company")] = None,
    name: Annotated[
        list[str] | None,
        typer.Option("--name", help="Another name that it goes by. Repeatable."),
    ] = None,
    ticker: Annotated[str | None, typer.Option("--ticker")] = None,
    state: Annotated[str | None, typer.Option("--in-state", help="announced, dated …")] = None,
    kind: Annotated[str | None, typer.Option("--kind", help="date_set, listing …")] = None,
    date: Annotated[
        str | None,
        typer.Option("--date", help="2026-05-12, 2026-05, 2026-Q2 or 2026-05-12T15:00:00Z."),
    ] = None,
    release: Annotated[
        list[str] | None,
        typer.Option("--release", help="Let the evidence decide this field again. Repeatable."),
    ] = None,
) -> None:
    """Set what you know better. No evidence overrides a field that you set."""
    from tgewatch.cli.times import date_claim_of  # noqa: PLC0415 - `--help` needs none of it
    from tgewatch.detect import correct  # noqa: PLC0415 - as above
    from tgewatch.detect.identity import name_of, ticker_of  # noqa: PLC0415 - as above
    from tgewatch.model import Kind, State  # noqa: PLC0415 - as above

    given = (project, company, ticker, state, kind, date, name, release)
    if all(one is None for one in given):
        raise typer.BadParameter("nothing to set: name a field, as --date 2026-05-12")
    for option, value in {"project": project, "ticker": ticker, "date": date}.items():
        if value is not None and not value.strip():
            raise typer.BadParameter(
                f"--{option} is empty; `--release {option}` lets the evidence decide it again"
            )
    if ticker is not None and not ticker_of(ticker):
        raise typer.BadParameter(f"{ticker!r} is what tokens are paid in, and no ticker of one")
    for field in release or ():
        if field not in correct.PINNABLE:
            raise typer.BadParameter(f"{field!r} is none of {', '.join(correct.PINNABLE)}")
    fields = correct.Edit(
        project=project,
        company=company,
        ticker=ticker,
        state=word_of(State, state),
        kind=word_of(Kind, kind),
        date=None if date is None else date_claim_of(date),
        names=tuple(name_of(one).full for one in name or ()),
        release=tuple(release or ()),
    )
    _amend(context, [event], lambda found, now: [correct.edit(found[0], fields, now)], "edited")


def _chosen(event: "Event", evidence: list[str]) -> set[str]:
    """Return the ids of the claims that are named by number, URL or id.

    Raises typer.BadParameter for what names none.
    """
    from tgewatch.rules.urls import canonical  # noqa: PLC0415 - `--help` needs none of it

    chosen: set[str] = set()
    for one in evidence:
        if one.isdigit() and 0 < int(one) <= len(event.claims):
            chosen.add(event.claims[int(one) - 1].id)
            continue
        page = canonical(one)
        found = {c.id for c in event.claims if c.id == one or page == canonical(c.url)}
        if not found:
            raise typer.BadParameter(
                f"{one!r} is no evidence of {event.id}; `tgewatch events show {event.id}` lists it"
            )
        chosen |= found
    return chosen


def _amend(context: typer.Context, ids: list[str], change: Any, word: str) -> None:
    from tgewatch.cli.archive import amend  # noqa: PLC0415 - `--help` needs none of it

    if not all(map(str.strip, ids)):
        raise typer.BadParameter("an id is empty; `tgewatch events` lists them")
    stored = amend(context, ids, change)
    for event in stored.events:
        say(f"{word}: {event.id} ({event.company or event.project}, {event.state})")


def _with(context: typer.Context, settings: Any, state: Any) -> Any:
    from dataclasses import replace  # noqa: PLC0415 - `--help` needs none of it

    shared = context.obj
    return replace(shared, settings=settings or shared.settings, state=state or shared.state)


def _moment(text: str | None) -> float | None:
    from tgewatch.cli.times import moment_of  # noqa: PLC0415 - `--help` needs none of it

    return None if text is None else moment_of(text)


def _states(words: list[str]) -> list[Any]:
    from tgewatch.model import State  # noqa: PLC0415 - `--help` needs none of it

    return [word_of(State, word) for word in words]


def word_of(kind: Any, text: str | None) -> Any:
    """Return one of the words of an enum. Raises typer.BadParameter that lists them."""
    if text is None:
        return None
    try:
        return kind(text)
    except ValueError:
        known = ", ".join(kind)
        raise typer.BadParameter(f"{text!r} is none of {known}") from None


def _print(found: "list[Event]", *, json: bool) -> None:
    from tgewatch.cli.show import event_row, print_events  # noqa: PLC0415 - as above

    if json:
        print_json([event_row(event) for event in found])
    elif found:
        print_events(found, title=f"{len(found)} events")
    else:
        say("No events yet. `tgewatch scan` looks for some.")


def _print_one(event: "Event", history: Any, *, json: bool) -> None:
    from tgewatch.cli.show import change_row, event_row, event_story  # noqa: PLC0415 - as above

    if json:
        print_json({**event_row(event), "history": [change_row(one) for one in history]})
    else:
        out = console()
        if not sys.stdout.isatty():
            out.width = WIDE
        out.print(event_story(event, history))
