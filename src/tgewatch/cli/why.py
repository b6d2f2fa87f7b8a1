"""`tgewatch why`: at which stage an item stopped, and for what reason."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from tgewatch.cli.exits import ExitCode
from tgewatch.cli.options import JsonOption, SettingsOption, StateOption, load
from tgewatch.cli.output import print_json, say, visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tgewatch.model import Judged, Verdict
    from tgewatch.model.record import Trace

STAGES = {
    "match": "no term or no company of the watchlist stands in title or summary",
    "score": "what speaks for it is too little",
    "event": "it made a claim about an event",
    "gone": "its source has removed it; what it claimed stays as evidence, with a note",
}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(why)


def why(
    context: typer.Context,
    url: Annotated[str, typer.Argument(metavar="[URL]", help="Of an article or post.")] = "",
    *,
    text: Annotated[
        str | None, typer.Option("--text", help="Judge this text instead; - reads standard input.")
    ] = None,
    published: Annotated[
        str | None,
        typer.Option("--published", metavar="TIME", help="When the text was; now without it."),
    ] = None,
    post: Annotated[bool, typer.Option("--post", help="The text is a post, no article.")] = False,
    settings: SettingsOption = None,
    state: StateOption = None,
    json: JsonOption = False,
) -> None:
    """Say where an item stopped on its way to an alert, and for what reason.

    Exit code 1 when nothing is known of the URL.
    """
    if bool(url) == (text is not None):
        raise typer.BadParameter("give a URL, or --text with the words to judge")
    if text is None and (published or post):
        raise typer.BadParameter("--published and --post go with --text only")
    loaded = load(context, settings, state)
    if text is not None:
        _judge_text(loaded, text, published=published, post=post, json=json)
        return
    from tgewatch.cli.archive import read  # noqa: PLC0415 - `--help` needs none of it

    async def ask(store: Any, _now: float) -> Any:
        return await store.why(url)

    traces = list(read(context, ask, settings=loaded))
    if json:
        print_json([_as_object(trace) for trace in traces])
    else:
        for trace in traces:
            print("\n".join(_story(trace)), end="\n\n")
    if not traces:
        say(
            f"Nothing is known of {url}: no source showed it, or it is older than the store keeps"
            " items. Judge its words with --text."
        )
        raise typer.Exit(ExitCode.PARTIAL)


def _judge_text(settings: Any, text: str, *, published: str | None, post: bool, json: bool) -> None:
    from tgewatch.cli.pasted import pasted  # noqa: PLC0415 - `--help` needs none of it
    from tgewatch.cli.show import moment_iso  # noqa: PLC0415 - as above
    from tgewatch.cli.times import moment_of  # noqa: PLC0415 - as above
    from tgewatch.clock import SystemClock  # noqa: PLC0415 - as above
    from tgewatch.detect.detector import Detector  # noqa: PLC0415 - as above
    from tgewatch.detect.explain import lines  # noqa: PLC0415 - as above
    from tgewatch.model import Item  # noqa: PLC0415 - as above

    title, _, summary = pasted(text, "judge").partition("\n")
    now = SystemClock().now() if published is None else moment_of(published)
    item = Item(
        source="", key="", url="", title=title, summary=summary, published=now,
        kind="post" if post else "entry",
    )  # fmt: skip
    detector = Detector(settings.companies, settings.detection)
    matches = detector.scan(item)
    verdict = detector.judge(item, matches=matches)
    if json:
        print_json({**_verdict_object(verdict), "matched": bool(matches), "now": moment_iso(now)})
        return
    if not matches:
        print(f"dropped at stage match: {STAGES['match']}; judged all the same:")
    elif not verdict.relevant and verdict.confidence >= settings.detection.threshold:
        print(f"dropped: {visible(_refusal(settings, verdict))}")
    print("\n".join(visible(line) if not line.startswith(" ") else line for line in lines(verdict)))


def _refusal(settings: Any, verdict: "Verdict") -> str:
    """Return which rule keeps back what is sure enough by the general threshold."""
    rules = next((r for r in settings.detection.company if r.name == verdict.company), None)
    if rules is None or not verdict.company:
        return "it names no company of the watchlist, and the mode is watch"
    if verdict.confidence < (rules.threshold or 0.0):
        return f"the threshold of {rules.name} is {rules.threshold:g} ([[detection.company]])"
    return f"events of this kind are muted for {rules.name} ([[detection.company]])"


def _story(trace: "Trace") -> "Iterator[str]":
    """Yield the way of one item, a line a step."""
    from tgewatch.cli.show import date_in_words, moment  # noqa: PLC0415 - as above
    from tgewatch.detect.explain import lines  # noqa: PLC0415 - as above

    record, judged = trace.record, trace.record.judged
    yield visible(judged.item.title or judged.item.url)
    yield f"  {visible(judged.item.url)}"
    yield (
        f"  published {moment(judged.item.published)}, seen {moment(record.seen_at)}"
        f" in {visible(record.source)}{', as history' if record.baseline else ''}"
        + (f", edited {moment(record.edited_at)}" if record.edited_at else "")
    )
    if judged.stage in {"match", "score"}:
        yield f"  dropped at stage {judged.stage} ({judged.reason}): {STAGES[judged.stage]}"
    else:
        yield f"  {STAGES.get(judged.stage, judged.stage)} ({judged.reason})"
    if judged.article and judged.article != "not_needed":
        yield f"  article: {_article(judged)}"
    if judged.verdict is not None:
        for line in lines(judged.verdict):
            yield f"  {visible(line) if not line.startswith(' ') else line}"
    if trace.event is not None:
        event = trace.event
        date = date_in_words(event.date)
        yield (
            f"  event {event.id}: {visible(event.company or event.project)} is {event.state}"
            + (f", {date}" if date else "")
            + f", score {event.score:.2f} from {event.sources} independent sources"
            + (f" ({visible(trace.joined)})" if trace.joined else "")
        )
    for change in trace.transitions:
        told = "told" if change.tell else "not told"
        yield f"  change {change.number}: {change.change}, {told}{_note(change.note)}"
    for delivery in trace.deliveries:
        state = delivery.state + (f" ({visible(delivery.error)})" if delivery.error else "")
        yield f"  message {delivery.notice.change} to {delivery.channel}: {state}"


def _note(note: str) -> str:
    return f" ({visible(note)})" if note else ""


def _article(judged: "Judged") -> str:
    from tgewatch.cli.show import moment  # noqa: PLC0415 - as above

    later = f", again at {moment(judged.article_retry_at)}" if judged.article_retry_at else ""
    return f"{judged.article}{later}"


def _verdict_object(verdict: "Verdict") -> dict[str, Any]:
    from tgewatch.cli.show import date_in_words  # noqa: PLC0415 - as above

    return {
        "relevant": verdict.relevant,
        "score": verdict.score,
        "confidence": verdict.confidence,
        "kind": verdict.kind,
        "project": verdict.project,
        "company": verdict.company,
        "ticker": verdict.ticker,
        "date": date_in_words(verdict.date) or None,
        "rumour": verdict.rumour,
        "flags": verdict.flags,
        "why": verdict.why,
    }


def _as_object(trace: "Trace") -> dict[str, Any]:
    from tgewatch.cli.show import change_row, event_row, moment_iso  # noqa: PLC0415 - as above

    record, judged = trace.record, trace.record.judged
    return {
        "url": judged.item.url,
        "title": judged.item.title,
        "source": record.source,
        "published": moment_iso(judged.item.published),
        "seen": moment_iso(record.seen_at),
        "baseline": record.baseline,
        "stage": judged.stage,
        "reason": judged.reason,
        "article": judged.article,
        "verdict": _verdict_object(judged.verdict) if judged.verdict else None,
        "event": event_row(trace.event) if trace.event else None,
        "joined": trace.joined or None,
        "changes": [change_row(one) for one in trace.transitions],
        "deliveries": [
            {
                "key": one.key,
                "channel": one.channel,
                "change": one.notice.change,
                "state": one.state,
                "attempts": one.attempts,
                "error": one.error or None,
            }
            for one in trace.deliveries
        ],
    }
