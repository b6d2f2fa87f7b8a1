"""Options that several commands share, and the settings they lead to."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

if TYPE_CHECKING:
    from tgewatch.settings import Settings

SettingsOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--settings",
        "-s",
        metavar="FILE",
        help="Settings file; without it TGEWATCH_SETTINGS, ./tgewatch.toml, your own, or built in.",
    ),
]
StateOption: TypeAlias = Annotated[
    Path | None,
    typer.Option("--state", metavar="DIR", help="Folder to keep everything in that is written."),
]
JsonOption: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Print JSON for programs instead of text for people.")
]


@dataclass(frozen=True, slots=True)
class Shared:
    """Options that were given before the command."""

    settings: Path | None = None
    state: Path | None = None
    debug: bool = False


def settings_file(context: typer.Context, settings: Path | None = None) -> Path:
    """Return the settings file that is meant, or ./tgewatch.toml, which may be about to begin."""
    from tgewatch.settings.locate import FILE_NAME, find, user_folders  # noqa: PLC0415 - see below

    shared = context.obj if isinstance(context.obj, Shared) else Shared()
    named = settings or shared.settings
    if named is not None:
        return Path.cwd() / named.expanduser()
    found = find(None, environ=os.environ, cwd=Path.cwd(), folders=user_folders())
    return found or Path.cwd() / FILE_NAME


def load(
    context: typer.Context, settings: Path | None = None, state: Path | None = None
) -> "Settings":
    """Return the settings that the options of a command, or those before it, lead to.

    Raises ConfigError.
    """
    from tgewatch.settings.load import load_settings  # noqa: PLC0415 - `--help` needs none of it

    shared = context.obj if isinstance(context.obj, Shared) else Shared()
    return load_settings(
        settings or shared.settings,
        environ=os.environ,
        cwd=Path.cwd(),
        state=state or shared.state,
    )
