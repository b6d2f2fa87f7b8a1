"""What `tgewatch replay` says of stored history."""

import tomllib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from tgewatch.cli.archive import read
from tgewatch.cli.options import load
from tgewatch.cli.output import print_json, print_rows, say
from tgewatch.cli.scores import table, worst
from tgewatch.cli.show import date_in_words, moment_iso
from tgewatch.cli.times import moment_of
from tgewatch.cli.traces import progress
from tgewatch.detect.detector import Detector
from tgewatch.detect.marking import Marks, marks
from tgewatch.engine.articles import Articles
from tgewatch.engine.pipeline import Pipeline
from tgewatch.engine.replay import Replay
from tgewatch.engine.replay_outcome import Alert, Outcome, Pair
from tgewatch.errors import ConfigError, RefusedError
from tgewatch.notify.router import Router
from tgewatch.ports import Request, Response
from tgewatch.rules import x_plan
from tgewatch.settings import Settings
from tgewatch.settings.detecting import problems

if TYPE_CHECKING:
    from tgewatch.model import Record

DAY = 86_400.0


def replay_history(
    context: typer.Context,
    present: Settings,
    *,
    rules: Path | None,
    since: str | None,
    until: str | None,
    limit: int,
    errors: int,
    json: bool,
) -> None:
    """Judge what is stored again and print what would differ. Raises ConfigError."""
    tried = present if rules is None else with_rules(context, present, rules)
    begin, end = _moment(since), _moment(until)
    if begin is not None and end is not None and begin >= end:
        raise typer.BadParameter(f"--since {since} lies after --until {until}")
    with progress(quiet=json) as watch:
        tell = watch("history")

        async def ask(store: Any, now: float) -> Outcome:
            replay = Replay(
                _pipeline(tried),
                sources={source.url: source for source in tried.sources},
                before=_route(present),
                after=_route(tried),
                labels=await store.labels(),
                present=_pipeline(present),
            )
            records = store.records(begin or 0.0, until=end)
            return await replay.run(records, done=_share(tell, end or now))

        outcome = read(context, ask, settings=present)
    if json:
        print_json(as_object(outcome))
    else:
        _print(outcome, limit)
    for line in worst(outcome.labels_after, errors):
        say(line)


def with_rules(context: typer.Context, present: Settings, rules: Path) -> Settings:
    """Return the settings with what a file sets of rules, and all else as it is.

    Raises ConfigError when the file cannot be read, is not valid, or sets no rules.
    """
    if not rules.is_file():
        raise ConfigError([f"{rules}: no such file; --rules wants a settings file"])
    loaded = load(context, rules)
    said = tomllib.loads(rules.read_text(encoding="utf-8-sig"))
    every = bool(said.get("extends_default"))
    places = {
        "detection": "detection",
        "company": "companies",
        "source": "sources",
        "channel": "channels",
    }
    found = {
        name: getattr(loaded, name)
        for key, name in places.items()
        if key in said or (every and name in {"companies", "sources"})
    }
    if not found:
        raise ConfigError(
            [
                f"{rules}: sets no rules: it needs [detection], [[company]], [[source]] or [[channel]]"
            ]
        )
    if "detection" in found:
        told = {key: getattr(loaded.detection, key) for key in said["detection"]}
        found["detection"] = present.detection.model_copy(update=told)
    tried = present.model_copy(update=found)
    wrong = [
        f"{rules}: [detection.{_key(path)}] {text}"
        for path, text in problems(tried.detection, tried.companies)
    ]
    if wrong and "detection" in said:
        raise ConfigError(wrong)
    return tried


def _key(path: Sequence[str | int]) -> str:
    """Return the place of a setting as problems name it: `company[1].name`."""
    parts = (f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in path)
    return "".join(parts).lstrip(".")


class _Offline:
    """Fetches nothing: history is judged on what is stored."""

    async def fetch(self, request: Request) -> Response:
        raise RefusedError(f"{request.url}: nothing is fetched in a replay", cause="offline")


async def _unread(_body: bytes, _url: str, _type: str) -> str:
    return ""


def _pipeline(settings: Settings) -> Pipeline:
    return Pipeline(
        Detector(settings.companies, settings.detection),
        Articles(_Offline(), _unread),
        voices={h: c.name for h, c in x_plan.accounts(settings.companies).items()},
    )


def _route(settings: Settings) -> Any:
    """Return who hears of what; with no channel everything that is worth telling counts."""
    return Router(settings.channels).route if settings.channels else None


def _moment(text: str | None) -> float | None:
    return None if text is None else moment_of(text)


def _share(tell: Callable[[float], None], end: float) -> "Callable[[Record], None]":
    """Return what tells how far a replay has come, by the time at which its items were read."""
    first: list[float] = []
    last = [0.0]

    def done(record: "Record") -> None:
        if not first:
            first.append(record.seen_at)
        share = (record.seen_at - first[0]) / max(end - first[0], 1.0)
        if share - last[0] >= 0.01:  # noqa: PLR2004 - a hundredth
            last[0] = share
            tell(min(share, 1.0))

    return done


def as_object(outcome: Outcome) -> dict[str, Any]:
    """Return everything as values that JSON has words for."""
    leads = outcome.leads
    return {
        "items": outcome.items,
        "items_edited": outcome.edited,
        "articles_missing": outcome.articles_missing,
        "items_changed": dict(sorted(outcome.changes.items())),
        "alerts": {
            "before": len(outcome.pairs) + len(outcome.lost),
            "after": len(outcome.pairs) + len(outcome.gained),
            "gained": len(outcome.gained),
            "lost": len(outcome.lost),
            "changed": sum(pair.moved for pair in outcome.pairs),
        },
        "gained": [_alert(alert) for alert in outcome.gained],
        "lost": [_alert(alert) for alert in outcome.lost],
        "changed": [_pair(pair) for pair in outcome.pairs if pair.moved],
        "lead_time": {
            "earlier": sum(lead > 0 for lead in leads),
            "later": sum(lead < 0 for lead in leads),
            "same": len(outcome.pairs) - len(leads),
            "median_seconds": outcome.median_lead,
        },
        "moved": [_pair(pair) for pair in outcome.pairs if pair.lead],
        "reread": [
            {
                "title": one.title,
                "url": one.url,
                "what": one.what,
                "score_before": _rounded(one.score_before),
                "score_after": _rounded(one.score_after),
                "reason": one.reason,
            }
            for one in outcome.reread
        ],
        "labels": {
            "before": marks(outcome.labels_before).as_object(),
            "after": marks(outcome.labels_after).as_object(),
            "projects": [
                {
                    "project": one.project,
                    "published": moment_iso(one.published),
                    "told_before": moment_iso(one.before),
                    "told_after": moment_iso(one.after),
                }
                for one in outcome.delays
            ],
        },
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _alert(alert: Alert) -> dict[str, Any]:
    return {
        "project": alert.project,
        "ticker": alert.ticker,
        "change": alert.change,
        "detail": alert.detail or None,
        "date": date_in_words(alert.date) or None,
        "at": moment_iso(alert.at),
        "title": alert.title,
        "url": alert.url,
        "source": alert.source,
        "score_before": _rounded(alert.score_before),
        "score_after": _rounded(alert.score_after),
        "reason": alert.reason,
    }


def _pair(pair: Pair) -> dict[str, Any]:
    return {
        **_alert(pair.after),
        "change_before": pair.before.change,
        "date_before": date_in_words(pair.before.date) or None,
        "at_before": moment_iso(pair.before.at),
        "lead_seconds": round(pair.lead, 3),
    }


def _print(outcome: Outcome, limit: int) -> None:
    """Print the lists that a person reads, and the figures around them on standard error."""
    if not outcome.items:
        say("No items are stored for that time. `tgewatch scan` reads some.")
        return
    rows = [
        *(_row("gained", a) for a in outcome.gained[:limit]),
        *(_row("lost", a) for a in outcome.lost[:limit]),
        *(_changed(p) for p in outcome.pairs if p.moved),
        *(_moved(p) for p in outcome.pairs if p.lead and not p.moved),
    ]
    shown = [*rows[: 4 * limit]]
    if shown:
        print_rows(
            ("alert", "project", "change", "date", "score", "by", "title", "reason"),
            shown,
            title="What would be told otherwise",
        )
    for line in _lines(outcome, limit):
        say(line)
    if outcome.labels_after:
        _print_labels(outcome)


def _row(
    word: str, alert: Alert, *, change: str = "", date: str = "", by: str = ""
) -> Sequence[str]:
    name = alert.project + (f" ({alert.ticker})" if alert.ticker else "")
    score = f"{_score(alert.score_before)} → {_score(alert.score_after)}"
    change = change or f"{alert.change} {alert.detail}".strip()
    when = date or date_in_words(alert.date)
    return (word, name, change, when, score, by, alert.title[:140], alert.reason)


def _changed(pair: Pair) -> Sequence[str]:
    one, other = pair.before, pair.after
    change = other.change if one.change == other.change else f"{one.change} → {other.change}"
    days = [date_in_words(one.date) or "no date", date_in_words(other.date) or "no date"]
    date = days[1] if days[0] == days[1] else " → ".join(days)
    return _row("changed", other, change=change, date=date, by=duration(pair.lead))


def _moved(pair: Pair) -> Sequence[str]:
    return _row("earlier" if pair.lead > 0 else "later", pair.after, by=duration(pair.lead))


def duration(seconds: float) -> str:
    """Return a span as `+3.0 h` for earlier, `-2.0 d` for later, nothing for none."""
    if not seconds:
        return ""
    for unit, size in (("d", DAY), ("h", 3_600.0), ("min", 60.0)):
        if abs(seconds) >= size:
            return f"{seconds / size:+.1f} {unit}"
    return f"{seconds:+.0f} s"


def _score(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _lines(outcome: Outcome, limit: int) -> Iterable[str]:
    before = len(outcome.pairs) + len(outcome.lost)
    yield (
        f"{outcome.items} items: {before} alerts before, {len(outcome.pairs) + len(outcome.gained)}"
        f" now; {len(outcome.gained)} gained, {len(outcome.lost)} lost,"
        f" {sum(p.moved for p in outcome.pairs)} say something else"
    )
    leads = outcome.leads
    yield (
        f"lead time: {sum(v > 0 for v in leads)} earlier, {sum(v < 0 for v in leads)} later,"
        f" {len(outcome.pairs) - len(leads)} at the same time"
        + (f"; median {duration(outcome.median_lead)} (+ is earlier)" if leads else "")
    )
    if outcome.changes:
        counts = ", ".join(f"{n} {name}" for name, n in sorted(outcome.changes.items()))
        yield f"judged otherwise: {counts}"
    for one in outcome.reread[:limit]:
        score = f"{_score(one.score_before)} → {_score(one.score_after)}"
        yield f"  {score}  {one.title[:100]}: {one.reason}"
    if outcome.articles_missing:
        yield f"{outcome.articles_missing} items were judged without an article that is not stored"
    if outcome.edited:
        yield f"{outcome.edited} items were edited; only their last text is known"


def _print_labels(outcome: Outcome) -> None:
    figures: dict[str, dict[str, Marks]] = {
        "your labels": {
            "before": marks(outcome.labels_before),
            "now": marks(outcome.labels_after),
        }
    }
    table(figures)
    for one in outcome.delays:
        before, after = (_delay(at, one.published) for at in (one.before, one.after))
        say(f"{one.project}, after its first labelled text: told {before} before, {after} now")


def _delay(at: float | None, published: float) -> str:
    if at is None:
        return "never"
    return "at once" if at == published else duration(at - published).replace("+", "after ")
