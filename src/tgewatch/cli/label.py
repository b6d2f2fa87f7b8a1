"""`tgewatch label` and `tgewatch labels`: what the user says an item is."""

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tgewatch.cli.exits import ExitCode
from tgewatch.cli.options import JsonOption, SettingsOption, StateOption, load
from tgewatch.cli.output import print_json, print_rows, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tgewatch.model import Item, Label

ANSWERS = {"yes": True, "no": False}
REMOVE = "remove"
DATE = re.compile(r"\d{4}(?:-(?:Q[1-4]|\d{2}(?:-\d{2})?))?")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(label)
    app.command()(labels)


def label(
    context: typer.Context,
    words: Annotated[
        list[str], typer.Argument(metavar="[URL] yes|no|remove", help="What, and what it is.")
    ],
    *,
    text: Annotated[
        str | None,
        typer.Option("--text", help="Label this text instead of a URL; - reads standard input."),
    ] = None,
    kind: Annotated[
        str | None, typer.Option("--kind", help="tge_announced, date_set, live, listing …")
    ] = None,
    project: Annotated[str, typer.Option("--project", help="Whose token it is about.")] = "",
    ticker: Annotated[str, typer.Option("--ticker")] = "",
    date: Annotated[
        str,
        typer.Option("--date", help="2026-05-12, 2026-05, 2026-Q2 or 2026, as the text has it."),
    ] = "",
    note: Annotated[str, typer.Option("--note", help="For yourself.")] = "",
    published: Annotated[
        str | None, typer.Option("--published", metavar="TIME", help="When the text was.")
    ] = None,
    post: Annotated[bool, typer.Option("--post", help="The text is a post, no article.")] = False,
    settings: SettingsOption = None,
    state: StateOption = None,
) -> None:
    """Say whether an item reports an event of a token, and which; the last word counts.

    `tgewatch replay` scores your labels, and `tgewatch labels --export` writes them for the fitting
    of the detection. Without --published the text counts as published when its item was, or now.
    """
    from tgewatch.cli.events import word_of  # noqa: PLC0415 - `--help` needs none of it
    from tgewatch.cli.pasted import pasted  # noqa: PLC0415 - as above
    from tgewatch.cli.times import date_claim_of, moment_of  # noqa: PLC0415 - as above
    from tgewatch.model import Kind, Label  # noqa: PLC0415 - as above

    url, answer = _what(words, text)
    if date and not DATE.fullmatch(date):
        raise typer.BadParameter(f"{date!r} is no date; write 2026-05-12, 2026-05, 2026-Q2 or 2026")
    if date:
        date_claim_of(date)
    relevant = ANSWERS.get(answer, False)
    if not relevant and (kind or project or ticker or date):
        raise typer.BadParameter("--kind, --project, --ticker and --date go with yes only")
    given = Label(
        relevant=relevant,
        url=url,
        text="" if text is None else pasted(text, "label"),
        post=post,
        published=None if published is None else moment_of(published),
        kind=word_of(Kind, kind),
        project=project,
        ticker=ticker.lstrip("$").upper(),
        date=date,
        note=note,
    )
    kept = _keep(context, load(context, settings, state), given, remove=answer == REMOVE)
    about = url or given.text.partition("\n")[0][:80]
    if answer == REMOVE:
        if not kept:
            say(f"no label: {about}; `tgewatch labels` lists them")
            raise typer.Exit(ExitCode.PARTIAL)
        say(f"removed the label of {about}")
        return
    say(f"labelled {answer}: {about}")
    if url and not kept:
        say("No stored item has this URL, so the label has no text yet: give it with --text too.")


def _what(words: list[str], text: str | None) -> tuple[str, str]:
    """Return URL and answer. Raises typer.BadParameter."""
    answer = words[-1].lower()
    if answer not in {*ANSWERS, REMOVE} or len(words) > 2:  # noqa: PLR2004 - URL and answer
        raise typer.BadParameter("say `tgewatch label URL yes`, no or remove")
    url = words[0] if len(words) > 1 else ""
    if not url and text is None:
        raise typer.BadParameter("give a URL, or --text with the words to label")
    if url and "://" not in url:
        raise typer.BadParameter(f"{url!r} is no URL; it begins with https:// or http://")
    return url, answer


def _keep(context: typer.Context, loaded: Any, given: "Label", *, remove: bool) -> bool:
    """Store or remove the label; return whether there was something to remove or to read it on."""
    from dataclasses import replace  # noqa: PLC0415 - `--help` needs none of it

    from tgewatch.cli.archive import read  # noqa: PLC0415 - as above
    from tgewatch.cli.pasted import TEXT_LIMIT  # noqa: PLC0415 - as above
    from tgewatch.store import Access  # noqa: PLC0415 - as above

    async def amend(store: Any, now: float) -> bool:
        if remove:
            return bool(await store.unlabel(given))
        traces = await store.why(given.url) if given.url else ()
        item: Item | None = traces[0].record.judged.item if traces else None
        kept = replace(given, at=now)
        if item is not None:
            kept = replace(
                kept,
                text=kept.text or f"{item.title}\n{item.summary}".strip()[:TEXT_LIMIT],
                post=kept.post or item.kind == "post",
                published=item.published if kept.published is None else kept.published,
            )
        await store.label(kept)
        return bool(kept.text)

    return bool(read(context, amend, settings=loaded, access=Access.AMEND))


def labels(
    context: typer.Context,
    *,
    export: Annotated[
        Path | None,
        typer.Option(
            "--export",
            metavar="FILE.jsonl",
            help="Write them as `replay --labelled` and the fitting read them; - for standard output.",
        ),
    ] = None,
    settings: SettingsOption = None,
    state: StateOption = None,
    json: JsonOption = False,
) -> None:
    """List what you have said of items, oldest first."""
    from tgewatch.cli.archive import read  # noqa: PLC0415 - `--help` needs none of it

    async def ask(store: Any, _now: float) -> "Sequence[Label]":
        found: Sequence[Label] = await store.labels()
        return found

    found = read(context, ask, settings=load(context, settings, state))
    if export is not None:
        _export(found, export)
    elif json:
        print_json(found)
    elif found:
        print_rows(
            ("label", "kind", "project", "ticker", "date", "of", "note"),
            [
                (
                    "yes" if one.relevant else "no",
                    one.kind or "",
                    one.project,
                    one.ticker,
                    one.date,
                    one.url or one.text.partition("\n")[0][:100],
                    one.note,
                )
                for one in found
            ],
            title=f"{len(found)} labels",
        )
    else:
        say("No labels yet. `tgewatch label URL yes` makes one.")


def _export(found: "Sequence[Label]", path: Path) -> None:
    from tgewatch.cli.files import replacing  # noqa: PLC0415 - `--help` needs none of it
    from tgewatch.cli.output import as_json  # noqa: PLC0415 - as above
    from tgewatch.detect.truth import row_of_label  # noqa: PLC0415 - as above

    whole = [one for one in found if one.text]
    lines = b"".join(as_json(row_of_label(one)) + b"\n" for one in whole)
    if str(path) == "-":
        sys.stdout.buffer.write(lines)
    else:
        with replacing(path) as stream:
            stream.write(lines)
    if len(whole) < len(found):
        say(f"{len(found) - len(whole)} labels are left out: no text is known of their URLs")
