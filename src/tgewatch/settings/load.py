"""From a settings file to `Settings`, or to everything that is wrong with it."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tgewatch.errors import ConfigError
from tgewatch.settings import Section, Settings, Tables, detecting
from tgewatch.settings.agree import contradictions
from tgewatch.settings.file import SettingsFile
from tgewatch.settings.lines import KeyPath, key_lines, line_of
from tgewatch.settings.locate import SHIPPED, Folders, find, shipped_text, user_folders
from tgewatch.settings.merge import merged
from tgewatch.settings.overrides import (
    Override,
    OverrideError,
    from_credentials,
    from_environment,
    placed,
)
from tgewatch.settings.problems import Problem, invalid_values, told, unknown_keys
from tgewatch.settings.secret import Vault, filled, variables

FILE_LIMIT = 10_000_000
"""Bytes."""
STATE = "state"
"""Relative paths that begin with this folder are in the state folder, wherever it is."""


def load_settings(
    path: Path | None = None,
    *,
    environ: Mapping[str, str],
    cwd: Path,
    state: Path | None = None,
    folders: Folders | None = None,
) -> Settings:
    """Return the settings of the file at `path`, or of the one that is found, with overrides.

    `state` is the folder to write to; without it, TGEWATCH_STATE, systemd's, `state` beside the
    file, or the user's own for the shipped default. Raises ConfigError with all
    problems at once, each as `FILE:LINE: [path.to.key] what is wrong and what to change`.
    """
    folders = folders or user_folders()
    file = find(path, environ=environ, cwd=cwd, folders=folders)
    name = SHIPPED if file is None else str(path or _shown(file, cwd))
    draft = _Draft(
        text=shipped_text() if file is None else _read(file, name),
        name=name,
        root=cwd if file is None else file.absolute().parent,
        environ=environ,
    )
    written = draft.checked()
    told_state = state or _folder(environ, "TGEWATCH_STATE")
    writes = (
        cwd / told_state.expanduser()
        if told_state
        else _service_state(environ) or (folders.state if file is None else draft.root / STATE)
    )
    tables: dict[str, Any] = {
        name: _rooted(getattr(written, name), draft.root, writes) for name in Tables.model_fields
    }
    return Settings(
        file=file,
        root=draft.root,
        state=writes,
        companies=tuple(entry.value() for entry in written.companies),
        sources=tuple(entry.value() for entry in written.sources),
        channels=written.channels,
        **tables,
    )


def shipped_settings() -> Settings:
    """Return what the program knows without any file and whatever the environment says."""
    nowhere = Path("/nonexistent")
    return load_settings(environ={}, cwd=nowhere, folders=Folders(config=nowhere, state=nowhere))


class _Draft:
    """A file on its way to being valid: its raw values, and where each came from."""

    def __init__(self, *, text: str, name: str, root: Path, environ: Mapping[str, str]) -> None:
        self.root = root
        self.overridden: dict[KeyPath, str] = {}
        self._text = text
        self._name = name
        self._lines: Mapping[KeyPath, int] | None = None
        self._raw = _parsed(text, name)
        self._shipped = _parsed(shipped_text(), SHIPPED) if self._extends(environ) else {}
        self._problems = self._fill(environ)

    def checked(self) -> SettingsFile:
        """Return the file with its defaults. Raises ConfigError."""
        problems = [
            *self._problems,
            *told(unknown_keys(self._raw, SettingsFile, SettingsFile), self._where),
            *told(contradictions(self._raw, self._shipped), self._where),
        ]
        alone, invalid = _validated(self._raw)
        problems += told(invalid, self._where)
        whole = alone
        if self._shipped and not problems:
            whole, invalid = _validated(merged(self._shipped, self._raw))
            problems += told(invalid, self._where)
        if alone is not None:
            problems += told(_rule_problems(alone, whole), self._where)
        if problems or whole is None:
            raise ConfigError(sorted(dict.fromkeys(problems), key=_position))
        return whole

    def _extends(self, environ: Mapping[str, str]) -> bool:
        told = environ.get("TGEWATCH_EXTENDS_DEFAULT", self._raw.get("extends_default"))
        return str(told).strip().lower() in {"1", "on", "t", "true", "y", "yes"}

    def _fill(self, environ: Mapping[str, str]) -> list[str]:
        """Apply overrides and look up secrets; return what was wrong with them."""
        credentials = _folder(environ, "CREDENTIALS_DIRECTORY")
        overrides, problems = from_credentials(credentials)
        overrides += from_environment(environ, ignore=variables(self._raw))
        for override in overrides:
            problems += self._override(override)
        vault = Vault(environ, root=self.root, credentials=credentials)
        problems += told(filled(self._raw, SettingsFile, vault), self._where)
        return problems

    def _override(self, override: Override) -> list[str]:
        try:
            path = placed(override, SettingsFile, self._raw, self._shipped)
        except OverrideError as error:
            return [f"{override.origin}: {error}"]
        self.overridden[path] = override.origin
        return []

    def _where(self, path: KeyPath) -> str:
        for length in range(len(path), 0, -1):
            if path[:length] in self.overridden:
                return self.overridden[path[:length]]
        if self._lines is None:
            self._lines = key_lines(self._text)
        return f"{self._name}:{line_of(self._lines, path)}"


def _read(file: Path, name: str) -> str:
    try:
        with file.open("rb") as opened:
            content = opened.read(FILE_LIMIT + 1)
    except OSError as error:
        raise ConfigError(
            [f"{name}: the settings file cannot be read: {error.strerror}"]
        ) from error
    if len(content) > FILE_LIMIT:
        raise ConfigError([f"{name}: the settings file is larger than {FILE_LIMIT} bytes"])
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError([f"{name}:{line}: is not UTF-8 text: save the file as UTF-8"]) from error


def _parsed(text: str, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([f"{name}:{_syntax(str(error), text)}"]) from error
    except (RecursionError, ValueError) as error:  # nested or with digits beyond Python's limits
        raise ConfigError([f"{name}: holds something too deep or too long to be read"]) from error


def _syntax(said: str, text: str) -> str:
    """Return `LINE: what is wrong` from what tomllib says."""
    place = re.search(r" \(at (?:line (\d+), column (\d+)|end of document)\)", said)
    what = said[: place.start()] if place else said
    if place and place[1]:
        return f"{place[1]}: is not valid TOML: {what}, at column {place[2]}"
    return f"{text.rstrip().count(chr(10)) + 1}: is not valid TOML: {what}, at the end of the file"


def _validated(raw: Mapping[str, Any]) -> tuple[SettingsFile | None, list[Problem]]:
    try:
        return SettingsFile.model_validate(raw), []
    except ValidationError as error:
        return None, invalid_values(error, SettingsFile)


def _rooted(section: Section, root: Path, state: Path) -> Section:
    """Return the section with every relative path in it starting at `root`, or at `state`."""
    changes: dict[str, Any] = {}
    for name in type(section).model_fields:
        value = getattr(section, name)
        if isinstance(value, Path):
            changes[name] = _absolute(value.expanduser(), root, state)
        elif isinstance(value, Section):
            changes[name] = _rooted(value, root, state)
    return section.model_copy(update=changes)


def _absolute(path: Path, root: Path, state: Path) -> Path:
    if path.parts[:1] == (STATE,):
        return state.joinpath(*path.parts[1:])
    return root / path


def _folder(environ: Mapping[str, str], name: str) -> Path | None:
    return Path(environ[name]) if environ.get(name) else None


def _service_state(environ: Mapping[str, str]) -> Path | None:
    """Return the first of the folders that systemd made for the service's state."""
    first = environ.get("STATE_DIRECTORY", "").partition(":")[0]
    return Path(first) if first else None


def _shown(file: Path, cwd: Path) -> Path:
    return file.relative_to(cwd) if file.is_relative_to(cwd) else file


def _rule_problems(alone: SettingsFile, whole: SettingsFile | None) -> Iterator[Problem]:
    """Yield what is wrong with the rules of detection that the file itself holds."""
    companies = () if whole is None else tuple(entry.value() for entry in whole.companies)
    for path, text in detecting.problems(alone.detection, companies):
        yield Problem(("detection", *path), text)


def _position(problem: str) -> tuple[str, int]:
    match = re.match(r"(.*?):(\d+): ", problem)
    return (match[1], int(match[2])) if match else ("", 0)
