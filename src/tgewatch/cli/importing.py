"""`tgewatch import`: sources and companies from a list into the settings file."""

import os
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Annotated

import typer

from tgewatch.cli.exits import ExitCode
from tgewatch.cli.files import read_bounded, write_whole
from tgewatch.cli.options import JsonOption, SettingsOption, settings_file
from tgewatch.cli.output import print_json, print_rows, say
from tgewatch.errors import ConfigError

if TYPE_CHECKING:
    from tgewatch.cli.listing import Listed
    from tgewatch.settings import Settings

_NEW_FILE = "# Settings of tgewatch; `tgewatch check` says whether they are right.\nextends_default = true\n"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one line of the list."""

    done: str
    """added, known or refused."""
    what: str
    """source or company."""
    name: str
    detail: str = ""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("import")(import_list)


def import_list(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="OPML, CSV or JSON list of sources or companies.")],
    *,
    settings: SettingsOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be added, and change nothing.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Add the sources or companies of a list to the settings file, without repeats."""
    from tgewatch.cli.listing import read_list  # noqa: PLC0415 - `--help` needs none of it
    from tgewatch.settings.load import load_settings, shipped_settings  # noqa: PLC0415 - see above

    listed = read_list(read_bounded(file), file.name)
    target = settings_file(context, settings)
    exists = target.exists()
    known = (
        load_settings(target, environ=os.environ, cwd=Path.cwd()) if exists else shipped_settings()
    )
    text = read_bounded(target).decode() if exists else _NEW_FILE
    outcomes, added = sorted_out(listed, known)
    if added and not dry_run:
        _write(target, extended(text, added))
    _tell(outcomes, target, dry_run=dry_run, json=json)
    if any(o.done == "refused" for o in outcomes):
        raise typer.Exit(ExitCode.PARTIAL)


def sorted_out(listed: "list[Listed]", known: "Settings") -> "tuple[list[Outcome], list[Listed]]":
    """Return what becomes of each entry, and those that are new and right."""
    from tgewatch.settings.watchlist import same_name, same_source  # noqa: PLC0415 - see above

    names = {same_name(c.name) for c in known.companies}
    urls = {same_source(s.url) for s in known.sources}
    outcomes, added = [], []
    for entry in sorted(listed, key=lambda e: e.what):  # companies first: sources may name them
        seen = names if entry.what == "company" else urls
        owner = entry.value("company")
        if entry.problem:
            outcomes.append(Outcome("refused", entry.what, entry.name, entry.problem))
        elif entry.identity in seen:
            outcomes.append(Outcome("known", entry.what, entry.name))
        elif entry.what == "source" and owner and same_name(owner) not in names:
            said = f'the company "{owner}" is not on the watchlist'
            outcomes.append(Outcome("refused", entry.what, entry.name, said))
        else:
            seen.add(entry.identity)
            added.append(entry)
            outcomes.append(Outcome("added", entry.what, entry.name))
    return outcomes, added


def extended(text: str, added: "list[Listed]") -> str:
    """Return the settings file with tables for the new entries at its end; the rest stays as it is.

    Raises ConfigError for a file that lists its sources or companies in an inline array, which
    TOML does not let grow.
    """
    from tgewatch.settings.lines import key_lines  # noqa: PLC0415 - see above

    lines = key_lines(text.removeprefix("\ufeff"))
    for what in dict.fromkeys(entry.what for entry in added):
        if (what,) in lines and f"[[{what}]]" not in text.replace(" ", ""):
            raise ConfigError(
                [f"[{what}]: write each as a [[{what}]] table, so that more can follow"]
            )
    end = "\r\n" if "\r\n" in text else "\n"
    tables = "".join(f"\n{entry.toml()}" for entry in added).replace("\n", end)
    return text + ("" if not text or text.endswith("\n") else end) + tables


def _write(target: Path, text: str) -> None:
    """Replace the settings file by one that loads. Raises ConfigError when it does not."""
    from tgewatch.settings.load import load_settings  # noqa: PLC0415 - see above

    target.parent.mkdir(parents=True, exist_ok=True)
    # Beside the file, so that relative paths mean the same; for the owner's eyes only.
    with NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.") as draft:
        draft.write(text.encode())
        draft.flush()
        try:
            load_settings(Path(draft.name), environ=os.environ, cwd=Path.cwd())
        except ConfigError as error:
            said = [p.replace(draft.name, str(target)) for p in error.problems]
            raise ConfigError(said) from error
    write_whole(target, text.encode())


def _tell(outcomes: list[Outcome], target: Path, *, dry_run: bool, json: bool) -> None:
    count = {done: sum(o.done == done for o in outcomes) for done in ("added", "known", "refused")}
    if json:
        print_json({"settings": target, "written": not dry_run, **count, "entries": outcomes})
        return
    print_rows(
        ("done", "what", "name", "detail"),
        [(o.done, o.what, o.name, o.detail) for o in outcomes if o.done != "known"],
    )
    would = "would be " if dry_run else ""
    say(
        f"{count['added']} {would}added to {target}, {count['known']} known already,"
        f" {count['refused']} refused"
    )
