"""Settings from outside the file: environment variables and systemd credentials."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tgewatch.settings.lines import KeyPath
from tgewatch.settings.problems import did_you_mean
from tgewatch.settings.section import Section
from tgewatch.settings.shape import Setting, settings_of

PREFIX = "TGEWATCH_"
SHORT_FORMS: Mapping[str, tuple[str, ...]] = {
    "ALLOW_PRIVATE": ("fetch", "allow_private"),
    "DATABASE_URL": ("store", "database_url"),
    "REDIS_URL": ("swarm", "redis_url"),
}
"""Settings that are set from outside so often that they have a short name too."""
NOT_SETTINGS = frozenset({"SETTINGS", "STATE", "DEBUG"})
"""Names that speak to the command line."""
FREE = ("TEST_",)
"""Beginnings of names that test suites and deployments may use as they like."""
CREDENTIAL_LIMIT = 65_536
"""Bytes of a secret."""
_IDENTITY = ("name", "url", "host", "tier")


class OverrideError(ValueError):
    """A variable or credential that sets nothing. Becomes one problem among the others."""


@dataclass(frozen=True, slots=True)
class Override:
    """One value from outside."""

    origin: str
    """For a problem: the variable or credential, never the value."""
    keys: tuple[str, ...]
    value: str


def from_environment(environ: Mapping[str, str], *, ignore: Iterable[str] = ()) -> list[Override]:
    """Return what `TGEWATCH_…` variables set; those in `ignore` belong to somebody else."""
    ignored = {*ignore}
    found = []
    for variable in sorted(environ):
        name = variable.removeprefix(PREFIX)
        if name == variable or name in NOT_SETTINGS or variable in ignored:
            continue
        if name.startswith(FREE):
            continue
        keys = SHORT_FORMS.get(name, tuple(name.lower().split("__")))
        found.append(Override(variable, keys, environ[variable]))
    # The long form is the more exact one, so it comes last and wins.
    return sorted(found, key=lambda o: "__" in o.origin)


def from_credentials(folder: Path | None) -> tuple[list[Override], list[str]]:
    """Return what files named `tgewatch.table.key` in systemd's credentials folder set.

    Also returns what is wrong with those that cannot be read.
    """
    found, problems = [], []
    for file in sorted(folder.glob("tgewatch.*")) if folder else ():
        try:
            with file.open("rb") as opened:
                text = opened.read(CREDENTIAL_LIMIT).decode().rstrip("\r\n")
        except (OSError, UnicodeDecodeError):
            problems.append(f"credential {file.name}: must be a readable file of UTF-8 text")
        else:
            keys = tuple(file.name.removeprefix("tgewatch.").split("."))
            found.append(Override(f"credential {file.name}", keys, text))
    return found, problems


def placed(
    override: Override, section: type[Section], raw: dict[str, Any], shipped: Mapping[str, Any]
) -> KeyPath:
    """Put an override into `raw` and return where it went.

    An entry of an array of tables is named by its name, in which anything but letters and digits
    is an underscore; one that only `shipped` has is begun in `raw`. Raises OverrideError.
    """
    path: list[str | int] = []
    here: Any = raw
    there: Any = shipped
    keys = list(override.keys)
    while True:
        key = keys.pop(0)
        setting = settings_of(section).get(key)
        if setting is None:
            near = did_you_mean(key, settings_of(section))
            raise OverrideError(f"there is no setting [{'.'.join(override.keys)}].{near}")
        if not isinstance(here, dict):
            raise OverrideError(f"[{'.'.join(map(str, path))}] is not a table")
        path.append(key)
        if not keys:
            here[key] = _read(override.value, setting)
            if setting.secret:
                here.pop(f"{key}_env", None)
                here.pop(f"{key}_file", None)
            return tuple(path)
        if setting.section is None:
            raise OverrideError(f"[{'.'.join(map(str, path))}] holds no further settings")
        section = setting.section
        if setting.many:
            entries = here.setdefault(key, [])
            if not isinstance(entries, list):
                raise OverrideError(f"[{key}] is not an array of tables")
            position = _entry(entries, there.get(key, ()), keys.pop(0))
            if not keys:
                raise OverrideError("name the key to set, after the name of the entry")
            path.append(position)
            here, there = entries[position], {}
        else:
            here, there = here.setdefault(key, {}), there.get(key, {})


def _entry(entries: list[Any], shipped: Iterable[Mapping[str, Any]], name: str) -> int:
    names = []
    for position, entry in enumerate(entries):
        if not isinstance(entry, dict):
            continue
        names.append(_slug(_identity(entry)[1]))
        if names[-1] == _slug(name):
            return position
    for entry in shipped:
        key, value = _identity(entry)
        names.append(_slug(value))
        if names[-1] == _slug(name):
            entries.append({key: value})
            return len(entries) - 1
    raise OverrideError(f'there is no entry "{name}".{did_you_mean(name, names)}')


def _identity(entry: Mapping[str, Any]) -> tuple[str, str]:
    return next(((k, str(entry[k])) for k in _IDENTITY if k in entry), ("name", ""))


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.casefold()).strip("_")


def _read(text: str, setting: Setting) -> Any:
    """Return text as the file would hold it; the model still judges it."""
    structured = setting.table or setting.section is not None
    if setting.many and not structured and not text.lstrip().startswith("["):
        return [part.strip() for part in text.split(",") if part.strip()]
    if setting.many or structured:
        return _toml(text)
    return text


def _toml(text: str) -> Any:
    try:
        document = tomllib.loads(f"value = {text.strip()}")
    except (RecursionError, ValueError):  # TOMLDecodeError is one of the latter
        document = {}
    if set(document) != {"value"}:
        raise OverrideError("must be a TOML array or inline table on one line")
    return document["value"]
