"""`tgewatch replay`: history judged again, and how well detection does on labelled text."""

import codecs
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tgewatch.cli.options import JsonOption, SettingsOption, StateOption, load
from tgewatch.cli.output import print_json, say

if TYPE_CHECKING:
    from tgewatch.detect.marking import Marked
    from tgewatch.detect.truth import Truth
    from tgewatch.settings import Settings

LINE_LIMIT = 200_000
"""Bytes of one labelled line."""
FILE_LIMIT = 500_000
"""Lines that are read of a labelled file."""
WORST = 10_000


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(replay)


def replay(
    context: typer.Context,
    *,
    rules: Annotated[
        Path | None,
        typer.Option(
            "--rules",
            metavar="FILE.toml",
            help="Try these rules: what the file sets of [detection], companies, sources and"
            " channels; all else stays as it is.",
        ),
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="TIME", help="Only items read since then.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="TIME", help="Only items read before.")
    ] = None,
    labelled: Annotated[
        Path | None,
        typer.Option(
            "--labelled",
            metavar="FILE.jsonl",
            exists=True,
            dir_okay=False,
            readable=True,
            help="Judge this instead: lines with type, published, title, text, url and the labels.",
        ),
    ] = None,
    errors: Annotated[
        int, typer.Option(min=0, max=WORST, help="Show this many of the worst errors on labels.")
    ] = 0,
    limit: Annotated[
        int, typer.Option("--limit", min=0, max=WORST, help="Show this many of each list.")
    ] = 20,
    settings: SettingsOption = None,
    state: StateOption = None,
    json: JsonOption = False,
) -> None:
    """Judge history again, by the rules that are set or others, and say what would differ.

    Prints which alerts come in addition, which no longer, which say something else, and how much
    earlier or later they come; your own labels are scored before and after. Nothing is written, and
    a watch may run meanwhile. With --labelled it judges that file, in discover mode: no label is
    shown to the detection, unsure labels count in `all` only, and kind, project, ticker and date
    are scored on the positives that were found.
    """
    loaded = load(context, settings, state)
    if labelled is not None:
        if rules or since or until:
            raise typer.BadParameter(
                "--labelled judges a file: leave out --rules, --since and --until"
                " (--settings names the rules for it)"
            )
        _labelled(labelled, loaded, errors, json=json)
        return
    from tgewatch.cli.replay_history import replay_history  # noqa: PLC0415 - `--help` needs it not

    replay_history(
        context,
        loaded,
        rules=rules,
        since=since,
        until=until,
        limit=limit,
        errors=errors,
        json=json,
    )


def _labelled(path: Path, loaded: "Settings", errors: int, *, json: bool) -> None:
    from tgewatch.cli.scores import table, worst  # noqa: PLC0415 - `--help` needs none of it
    from tgewatch.detect.marking import by_type  # noqa: PLC0415 - as above
    from tgewatch.errors import MalformedError  # noqa: PLC0415 - as above

    rows = list(_judged(_truths(path), loaded))
    if not rows:
        raise MalformedError(f"{path}: holds no labelled line")
    figures = by_type(rows)
    if json:
        print_json(
            {name: {k: m.as_object() for k, m in sets.items()} for name, sets in figures.items()}
        )
    else:
        table(figures)
    for line in worst(rows, errors):
        say(line)


def _truths(path: Path) -> "Iterator[Truth]":
    """Yield the labelled lines of a file. Raises MalformedError naming the first bad line."""
    import orjson  # noqa: PLC0415 - `--help` needs none of it

    from tgewatch.detect.truth import truth_of  # noqa: PLC0415 - as above
    from tgewatch.errors import MalformedError  # noqa: PLC0415 - as above

    with path.open("rb") as lines:
        for number in range(1, FILE_LIMIT + 1):
            line = lines.readline(LINE_LIMIT + 1)
            if not line:
                return
            if len(line) > LINE_LIMIT:
                raise MalformedError(f"{path}: line {number} is longer than {LINE_LIMIT} bytes")
            if number == 1:
                line = line.removeprefix(codecs.BOM_UTF8)
            if not line.strip():
                continue
            try:
                row = orjson.loads(line)
            except orjson.JSONDecodeError as error:
                raise MalformedError(f"{path}: line {number} is not JSON: {error}") from error
            if not isinstance(row, dict):
                raise MalformedError(f"{path}: line {number} is not a JSON object")
            yield truth_of(row, number=number)


def _judged(truths: "Iterator[Truth]", settings: "Settings") -> "Iterator[Marked]":
    from tgewatch.clock import SystemClock  # noqa: PLC0415 - as above
    from tgewatch.detect.detector import Detector  # noqa: PLC0415 - as above
    from tgewatch.detect.marking import Marked  # noqa: PLC0415 - as above

    discover = settings.detection.model_copy(update={"mode": "discover"})
    detector = Detector(settings.companies, discover)
    clock = SystemClock()
    for truth in truths:
        start = clock.monotonic()
        matches = detector.scan(truth.item)
        verdict = detector.judge(truth.item, matches=matches) if matches else None
        yield Marked(truth, verdict, clock.monotonic() - start)
