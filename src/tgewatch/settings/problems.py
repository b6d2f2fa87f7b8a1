"""What is wrong with a settings file, said so that it can be put right."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from rapidfuzz import fuzz, process

from tgewatch.settings.lines import KeyPath
from tgewatch.settings.section import Section
from tgewatch.settings.shape import Setting, every_setting, settings_of

_CLOSE = 70.0
"""Similarity in per cent from which a guess is offered."""
_SHOWN = 60
"""Characters of a wrong value."""
_CHOICES = re.compile(r"\^\(([\w|-]+)\)\$")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to change."""

    path: KeyPath
    text: str


Where: TypeAlias = Callable[[KeyPath], str]
"""Path → `FILE:LINE`, or the variable that set it."""


def told(problems: Iterable[Problem], where: Where) -> tuple[str, ...]:
    """Return each as `FILE:LINE: [path.to.key] what is wrong`, without repeats."""
    lines = (f"{where(p.path)}: {_bracketed(p.path)}{p.text}" for p in problems)
    return tuple(dict.fromkeys(lines))


def dotted(path: KeyPath) -> str:
    """Return `source[3].url` for ("source", 2, "url"): people count from 1."""
    shown = ""
    for part in path:
        if isinstance(part, int):
            shown += f"[{part + 1}]"
        else:
            shown += f".{part}" if shown else part
    return shown


def did_you_mean(wrong: str, known: Iterable[str]) -> str:
    """Return ` Did you mean "x"?` for the nearest of `known`, or nothing when none is near."""
    best = process.extractOne(
        wrong, list(known), scorer=fuzz.ratio, processor=str.casefold, score_cutoff=_CLOSE
    )
    return f' Did you mean "{best[0]}"?' if best else ""


def unknown_keys(
    raw: Mapping[str, Any], section: type[Section], root: type[Section], path: KeyPath = ()
) -> list[Problem]:
    """Return every key in `raw` that `section` does not have, at any depth."""
    known = settings_of(section)
    problems = []
    for key, value in raw.items():
        setting = known.get(key)
        if setting is None:
            parent = ".".join(part for part in path if isinstance(part, str))
            problems.append(Problem((*path, key), _unknown(key, parent, known, root)))
        elif setting.section is not None:
            for below, table in _tables(value, (*path, key)):
                problems += unknown_keys(table, setting.section, root, below)
    return problems


def invalid_values(error: ValidationError, section: type[Section]) -> list[Problem]:
    """Return what pydantic found, in our words; unknown keys are left to `unknown_keys`."""
    found = error.errors(include_url=False, include_context=True)
    return [
        Problem(e["loc"], _sentence(e, _setting_at(section, e["loc"])))
        for e in found
        if e["type"] != "extra_forbidden"
    ]


def _bracketed(path: KeyPath) -> str:
    return f"[{dotted(path)}] " if path else ""


def _tables(value: Any, path: KeyPath) -> list[tuple[KeyPath, Mapping[str, Any]]]:
    if isinstance(value, dict):
        return [(path, value)]
    if isinstance(value, list):
        return [((*path, i), table) for i, table in enumerate(value) if isinstance(table, dict)]
    return []


def _unknown(key: str, parent: str, known: Mapping[str, Setting], root: type[Section]) -> str:
    for setting in known.values():
        if key == setting.name:
            name = f"{parent}.{setting.key}" if parent else setting.key
            return f"is not a setting: write [[{name}]]"
    if near := did_you_mean(key, known):
        return f"is not a setting.{near}"
    elsewhere = {
        path[-1]: ".".join(path) for path, _ in every_setting(root) if path[-1] not in known
    }
    best = process.extractOne(key, list(elsewhere), scorer=fuzz.ratio, score_cutoff=_CLOSE)
    if best:
        return f"is not a setting here. Did you mean [{elsewhere[best[0]]}]?"
    return "is not a setting: remove it"


def _setting_at(section: type[Section] | None, path: KeyPath) -> Setting | None:
    setting = None
    for part in path:
        if isinstance(part, int) or section is None:
            continue
        setting = settings_of(section).get(part)
        section = setting.section if setting else None
    return setting


def _sentence(error: ErrorDetails, setting: Setting | None) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    if kind == "missing":
        return "is missing: add it"
    if kind == "string_pattern_mismatch":
        return _pattern(str(context["pattern"]), error["input"], setting)
    if kind in {"enum", "literal_error"}:
        wanted = f"must be one of {context['expected']}"
    elif kind in _WANTED:
        wanted = _WANTED[kind].format(**context)
    else:
        wanted = error["msg"]
    return wanted + _shown(error["input"], setting)


def _pattern(pattern: str, value: Any, setting: Setting | None) -> str:
    match = _CHOICES.fullmatch(pattern)
    if match is None:
        return f"must look like {pattern}{_shown(value, setting)}"
    names = match[1].split("|")
    wanted = f"must be one of {', '.join(names)}" if len(names) > 1 else f"must be {names[0]}"
    near = did_you_mean(str(value), names) if len(names) > 1 else ""
    return wanted + _shown(value, setting) + (f".{near}" if near else "")


def _shown(value: Any, setting: Setting | None) -> str:
    if setting is None or setting.secret or not isinstance(value, str | int | float):
        return ""
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return f"; it is {text if len(text) <= _SHOWN else text[: _SHOWN - 1] + '…'}"


_WANTED: Mapping[str, str] = {
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "date_from_datetime_parsing": "must be a date such as 2026-01-31",
    "dict_type": "must be a table of keys and values",
    "finite_number": "must be a finite number",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "int_from_float": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "model_type": "must be a table",
    "path_type": "must be a path in quotes",
    "string_too_long": "must have at most {max_length} characters",
    "string_too_short": "must have at least {min_length} characters",
    "string_type": "must be text in quotes",
    "too_long": "must have at most {max_length} elements",
    "too_short": "must have at least {min_length} elements",
    "tuple_type": "must be a list in square brackets",
}
