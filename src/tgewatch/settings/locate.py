"""Which settings file is meant, and where the program may write."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from tgewatch.errors import ConfigError

FILE_NAME = "tgewatch.toml"
SHIPPED = "shipped default"
"""How the file inside the package is called in messages."""


@dataclass(frozen=True, slots=True)
class Folders:
    """The user's own folders on this machine."""

    config: Path
    state: Path


def user_folders() -> Folders:
    """Return where this platform keeps settings and state."""
    import platformdirs  # noqa: PLC0415 - not needed when a file is named

    return Folders(
        config=platformdirs.user_config_path("tgewatch", appauthor=False),
        state=platformdirs.user_state_path("tgewatch", appauthor=False),
    )


def find(
    named: Path | None, *, environ: Mapping[str, str], cwd: Path, folders: Folders
) -> Path | None:
    """Return the settings file: named, TGEWATCH_SETTINGS, ./tgewatch.toml, the user's own.

    None means the shipped default. Raises ConfigError when a named file does not exist.
    """
    told = environ.get("TGEWATCH_SETTINGS", "")
    if named is not None:
        return _existing(cwd / named.expanduser(), named, "")
    if told:
        return _existing(cwd / Path(told).expanduser(), Path(told), " (from TGEWATCH_SETTINGS)")
    for folder in (cwd, folders.config):
        if (folder / FILE_NAME).is_file():
            return folder / FILE_NAME
    return None


def shipped_text() -> str:
    """Return the settings file that ships with the program."""
    return resources.files("tgewatch.settings").joinpath("data/default.toml").read_text("utf-8")


def _existing(path: Path, shown: Path, told_by: str) -> Path:
    if path.is_file():
        return path
    what = "is a folder, not a settings file" if path.is_dir() else "does not exist"
    raise ConfigError([f"{shown}: the settings file {what}{told_by}"])
