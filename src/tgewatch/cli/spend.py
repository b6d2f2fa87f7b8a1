"""`tgewatch spend`: what X costs, day by day, by company and by event found."""

import shutil
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import typer

from tgewatch.cli.options import JsonOption, SettingsOption, StateOption, load
from tgewatch.cli.output import print_json, print_rows, say

if TYPE_CHECKING:
    from tgewatch.model import Event
    from tgewatch.rules.spending import Bill
    from tgewatch.settings import XSettings

WIDTH = 40
"""Characters of the longest bar."""
NARROWEST = 8
BESIDE = 46
"""Columns of a terminal that the rest of the table takes."""
BLOCKS = " ▏▎▍▌▋▊▉█"
EVENTS = 10_000


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(spend)


def spend(
    context: typer.Context,
    *,
    settings: SettingsOption = None,
    state: StateOption = None,
    json: JsonOption = False,
) -> None:
    """Show what X has cost this month, what it will cost, and for whom."""
    from tgewatch.cli.archive import read  # noqa: PLC0415 - `--help` needs none of it
    from tgewatch.engine.x_desk import SOURCE  # noqa: PLC0415 - as above
    from tgewatch.rules.spending import Bill  # noqa: PLC0415 - as above
    from tgewatch.sources.x_purse import NOTE, load_days  # noqa: PLC0415 - as above

    loaded = load(context, settings, state)

    async def ask(store: Any, now: float) -> Any:
        saved = await store.note(NOTE)
        events = await store.events(since=_month_begin(now), dismissed=True, limit=EVENTS)
        return saved, [e for e in events if any(c.source == SOURCE.url for c in e.claims)], now

    saved, events, now = read(context, ask, settings=loaded)
    bill = Bill()
    load_days(bill, saved)
    found = summary(bill, events, loaded.x, now)
    if json:
        print_json(found)
    else:
        _print(found, off=not loaded.x.token)


def summary(
    bill: "Bill", events: "Sequence[Event]", settings: "XSettings", now: float
) -> dict[str, Any]:
    """Return what there is to say, ready for JSON; all of it in US dollars and UTC days."""
    from tgewatch.engine.x_status import LEVELS  # noqa: PLC0415 - as above
    from tgewatch.rules.spending import Caps  # noqa: PLC0415 - as above

    month, today = bill.month(now), bill.on(now)
    caps = Caps(settings.budget, settings.budget_day, settings.soft, settings.late)
    by_company: dict[str, int] = {}
    for event in events:
        by_company[event.company] = by_company.get(event.company, 0) + 1
    return {
        "month": round(month, 4),
        "today": round(today, 4),
        "forecast": round(bill.forecast(now), 2),
        "budget": settings.budget,
        "budget_day": settings.budget_day or None,
        "saving": LEVELS[caps.level(month=month, day=today)],
        "events": len(events),
        "dollars_per_event": round(month / len(events), 4) if events else None,
        "companies": [
            {
                "company": company,
                "dollars": round(dollars, 4),
                "events": by_company.get(company, 0),
                "dollars_per_event": round(dollars / by_company[company], 4)
                if by_company.get(company)
                else None,
            }
            for company, dollars in bill.companies(now).items()
        ],
        "days": [
            {
                "day": name,
                "posts": day.posts,
                "users": day.users,
                "counts": day.counts,
                "dollars": round(day.dollars, 4),
            }
            for name, day in bill.month_days(now)
        ],
    }


def bar(value: float, most: float, width: int = WIDTH) -> str:
    """Return a bar for a value, an eighth of a character exact; what is more than nothing shows."""
    if most <= 0 or value <= 0:
        return ""
    eighths = max(1, round(8 * width * value / most))
    whole, rest = divmod(eighths, 8)
    return "█" * whole + BLOCKS[rest].strip()


def _print(found: dict[str, Any], *, off: bool) -> None:
    if not found["days"]:
        say("Nothing was spent on X this month." + (" X is off: see [x] token." if off else ""))
        return
    most = max(day["dollars"] for day in found["days"])
    width = max(NARROWEST, min(WIDTH, shutil.get_terminal_size((10 * WIDTH, 1)).columns - BESIDE))
    print_rows(
        ("day", "posts", "users", "dollars", ""),
        [
            (
                d["day"],
                d["posts"],
                d["users"],
                f"{d['dollars']:.3f}",
                bar(d["dollars"], most, width),
            )
            for d in found["days"]
        ],
        title="X by day",
    )
    print_rows(
        ("company", "dollars", "events", "dollars per event"),
        [
            (
                each["company"],
                f"{each['dollars']:.3f}",
                each["events"],
                "-" if each["dollars_per_event"] is None else f"{each['dollars_per_event']:.3f}",
            )
            for each in found["companies"]
        ],
        title="X by company",
    )
    say(
        f"{found['month']:.2f} dollars this month, {found['forecast']:.2f} by its end as it goes on,"
        f" of a budget of {found['budget']:.2f}; {found['saving']}."
    )


def _month_begin(now: float) -> float:
    from datetime import UTC, datetime  # noqa: PLC0415 - as above

    day = datetime.fromtimestamp(now, UTC)
    return day.replace(day=1, hour=0, minute=0, second=0, microsecond=0).timestamp()
