"""Secrets that stand elsewhere: `x_env` and `x_file` fill `x`."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tgewatch.settings.lines import KeyPath
from tgewatch.settings.overrides import CREDENTIAL_LIMIT
from tgewatch.settings.problems import Problem
from tgewatch.settings.section import Section
from tgewatch.settings.shape import Setting, settings_of


class Vault:
    """Where secrets may be looked up. Keeps nothing."""

    def __init__(self, environ: Mapping[str, str], *, root: Path, credentials: Path | None) -> None:
        self._environ = environ
        self._root = root
        self._credentials = credentials

    def variable(self, name: str) -> str:
        """Return what an environment variable holds. Raises ValueError when it is not set."""
        text = self._environ.get(name, "")
        if not text:
            raise ValueError(f"the environment variable {name} is not set")
        return text

    def file(self, name: str) -> str:
        """Return what a file holds, without the line end. Raises ValueError.

        A relative name is looked up beside the settings file, then among systemd's credentials.
        """
        path = self._root / Path(name).expanduser()
        if self._credentials and not path.exists() and Path(name).name == name:
            path = self._credentials / name
        try:
            with path.open("rb") as opened:
                content = opened.read(CREDENTIAL_LIMIT + 1)
            text = content.decode().rstrip("\r\n")
        except OSError as error:
            raise ValueError(f"the file {path} cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise ValueError(f"the file {path} is not UTF-8 text") from error
        if not text or len(content) > CREDENTIAL_LIMIT:
            raise ValueError(f"the file {path} must hold 1 to {CREDENTIAL_LIMIT} bytes")
        return text


def filled(raw: Mapping[str, Any], section: type[Section], vault: Vault) -> list[Problem]:
    """Fill the secrets in `raw`, in place, at any depth; return what could not be found."""
    return list(_filled(raw, section, vault, ()))


def variables(raw: Any) -> set[str]:
    """Return the environment variables that `…_env` keys name anywhere in `raw`."""
    if isinstance(raw, list):
        return set().union(*map(variables, raw))
    if not isinstance(raw, dict):
        return set()
    names = set().union(*map(variables, raw.values()))
    for key, value in raw.items():
        if key.endswith("_env"):
            names |= {value} if isinstance(value, str) else set()
            names |= (
                {v for v in value.values() if isinstance(v, str)}
                if isinstance(value, dict)
                else set()
            )
    return names


def _filled(raw: Any, section: type[Section], vault: Vault, path: KeyPath) -> Iterable[Problem]:
    if isinstance(raw, list):
        for position, entry in enumerate(raw):
            yield from _filled(entry, section, vault, (*path, position))
    if not isinstance(raw, dict):
        return
    known = settings_of(section)
    for key, setting in known.items():
        if setting.section is not None and key in raw:
            yield from _filled(raw[key], setting.section, vault, (*path, key))
        elif setting.secret:
            yield from _fill(raw, setting, vault, path)


def _fill(raw: dict[str, Any], setting: Setting, vault: Vault, path: KeyPath) -> Iterable[Problem]:
    key = setting.key
    for companion, look_up in ((f"{key}_env", vault.variable), (f"{key}_file", vault.file)):
        wanted = raw.get(companion)
        if not wanted:
            continue
        where = (*path, companion)
        if setting.table and isinstance(wanted, dict):
            values = raw.setdefault(key, {})
            pairs = [(values, name, name_of, (*where, name)) for name, name_of in wanted.items()]
        else:
            pairs = [(raw, key, wanted, where)]
        for target, name, name_of, at in pairs:
            if not isinstance(name_of, str) or not isinstance(target, dict):
                continue
            if target.get(name):
                yield Problem(
                    at, f"sets what is set already: keep one of {key}, {key}_env, {key}_file"
                )
                continue
            try:
                target[name] = look_up(name_of)
            except ValueError as error:
                yield Problem(at, str(error))
