"""`tgewatch deliveries`: what was told to whom, and what could not be."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from tgewatch.cli.options import JsonOption, SettingsOption, StateOption, load
from tgewatch.cli.output import print_json, print_rows, say

if TYPE_CHECKING:
    from tgewatch.model import Delivery


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(deliveries)


def deliveries(
    context: typer.Context,
    keys: Annotated[
        list[str] | None,
        typer.Argument(metavar="[KEY]…", help="With --replay: only these dead letters."),
    ] = None,
    *,
    dead: Annotated[bool, typer.Option("--dead", help="Only dead letters.")] = False,
    replay: Annotated[
        bool, typer.Option("--replay", help="Make dead letters due again, all or those named.")
    ] = False,
    days: Annotated[float, typer.Option("--days", min=0.0, help="How far back to look.")] = 7.0,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000)] = 100,
    settings: SettingsOption = None,
    state: StateOption = None,
    json: JsonOption = False,
) -> None:
    """List messages and what became of them; dead letters can be sent again."""
    from tgewatch.cli.archive import read  # noqa: PLC0415 - `--help` needs none of it
    from tgewatch.store import Access  # noqa: PLC0415 - as above

    if keys and not replay:
        raise typer.BadParameter("keys go with --replay")
    loaded = load(context, settings, state)

    async def revive(store: Any, now: float) -> Any:
        return await store.replay_dead(keys or None, now)

    async def ask(store: Any, now: float) -> Any:
        if dead:
            return await store.dead_letters(limit=limit)
        return await store.deliveries(now - days * 86_400.0, limit=limit)

    if replay:
        count = read(context, revive, settings=loaded, access=Access.AMEND)
        if json:
            print_json({"replayed": count})
        else:
            say(f"{count} dead letters are due again; the next scan or run sends them")
        return
    found = list(read(context, ask, settings=loaded))
    if json:
        print_json([_as_object(one) for one in found])
        return
    _print(found)


def _print(found: "list[Delivery]") -> None:
    from tgewatch.cli.show import moment  # noqa: PLC0415 - as above

    print_rows(
        ("made", "channel", "state", "attempts", "message", "error", "key"),
        [
            (
                moment(one.created),
                one.channel,
                one.state,
                one.attempts,
                one.notice.headline,
                one.error,
                one.key[:12],
            )
            for one in found
        ],
        title=f"{len(found)} messages",
    )


def _as_object(delivery: "Delivery") -> dict[str, Any]:
    from tgewatch.cli.show import moment_iso  # noqa: PLC0415 - as above

    return {
        "key": delivery.key,
        "channel": delivery.channel,
        "state": delivery.state,
        "attempts": delivery.attempts,
        "created": moment_iso(delivery.created),
        "next": moment_iso(delivery.next_at),
        "delivered": moment_iso(delivery.delivered_at),
        "event": delivery.notice.event or None,
        "change": delivery.notice.change,
        "headline": delivery.notice.headline,
        "error": delivery.error or None,
    }
