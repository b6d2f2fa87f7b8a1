"""Lists of sources and companies that come from elsewhere: OPML, CSV and JSON."""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import orjson
from pydantic import ValidationError

from tgewatch.errors import MalformedError
from tgewatch.settings.problems import invalid_values, unknown_keys
from tgewatch.settings.section import Section
from tgewatch.settings.shape import settings_of
from tgewatch.settings.watchlist import CompanyEntry, SourceEntry, same_name, same_source

ENTRIES = 100_000
"""Entries of a list at most."""
_MODELS: Mapping[str, type[Section]] = {"company": CompanyEntry, "source": SourceEntry}
_SEPARATOR = ";"
"""Between the parts of a list in one CSV cell."""
_GUARDED = ("'=", "'+", "'-", "'@", "'\t", "'\r")
"""How `export` begins a cell that a spreadsheet would otherwise run."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One entry of a list."""

    what: str
    """source or company."""
    fields: Mapping[str, Any]
    problem: str = ""
    """Why it cannot be added; empty when it can."""

    @property
    def name(self) -> str:
        """What to call it before a person."""
        return self.value("url" if self.what == "source" else "name")

    @property
    def identity(self) -> str:
        """Equal for two spellings of the same."""
        return same_source(self.name) if self.what == "source" else same_name(self.name)

    def value(self, key: str) -> str:
        """Return one of its texts, or nothing."""
        return str(self.fields.get(key, ""))

    def toml(self) -> str:
        """Return it as a table of the settings file."""
        pairs = (f"{key} = {_toml(value)}\n" for key, value in self.fields.items())
        return f"[[{self.what}]]\n{''.join(pairs)}"


def read_list(content: bytes, name: str) -> list[Listed]:
    """Return the entries of a list; its kind is told by the ending of `name`.

    Raises MalformedError when it cannot be read, or holds nothing to add.
    """
    kind = PurePath(name).suffix.lower()
    if kind == ".json":
        rows = _json_rows(content)
    elif kind == ".csv":
        rows = _csv_rows(content)
    elif kind in {".opml", ".xml"}:
        rows = _opml_rows(content)
    else:
        raise MalformedError(f"{name}: must end in .opml, .csv or .json")
    entries = [_listed(row) for row in rows]
    if not entries:
        raise MalformedError(f"{name}: holds no source and no company")
    if len(entries) > ENTRIES:
        raise MalformedError(f"{name}: holds more than {ENTRIES} entries")
    return entries


def _opml_rows(content: bytes) -> Iterable[Mapping[str, Any]]:
    from tgewatch.parse.opml import parse_opml  # noqa: PLC0415 - brings an XML parser

    for outline in parse_opml(content):
        folder = f"from the folder {outline.folder}" if outline.folder else ""
        yield {"url": outline.url, "name": outline.title, "why": outline.why or folder}


def _csv_rows(content: bytes) -> Iterable[Mapping[str, Any]]:
    try:
        text = content.decode("utf-8-sig")
        for row in csv.DictReader(io.StringIO(text, newline=""), strict=True):
            cells = {k.strip().lower(): _unguarded(v or "") for k, v in row.items() if k}
            many = {k for m in _MODELS.values() for k, s in settings_of(m).items() if s.many}
            yield {k: _parts(v) if k in many else v for k, v in cells.items()}
    except (UnicodeDecodeError, csv.Error) as error:
        raise MalformedError(f"the CSV list cannot be read: {error}") from error


def _json_rows(content: bytes) -> Iterable[Mapping[str, Any]]:
    try:
        found = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise MalformedError(f"the JSON list cannot be read: {error}") from error
    if isinstance(found, dict):
        found = [*_array(found, "companies", "company"), *_array(found, "sources", "source")]
    if not isinstance(found, list):
        raise MalformedError("the JSON list must be an array of objects")
    for row in found:
        yield row if isinstance(row, dict) else {"name": row if isinstance(row, str) else ""}


def _array(found: Mapping[str, Any], *names: str) -> list[Any]:
    value: Any = next((found[n] for n in names if n in found), [])
    return value if isinstance(value, list) else []


def _listed(row: Mapping[str, Any]) -> Listed:
    what = "source" if row.get("url") else "company"
    model = _MODELS[what]
    known = settings_of(model)
    fields = {k: v for k, v in row.items() if v not in ("", [], {}, None)}
    if what == "source":
        fields |= {k: " ".join(v.split()) for k, v in fields.items() if isinstance(v, str)}
    problems = unknown_keys(fields, model, model)
    try:
        model.model_validate({k: v for k, v in fields.items() if k in known})
    except ValidationError as error:
        problems += invalid_values(error, model)
    said = "; ".join(f"{'.'.join(map(str, p.path))} {p.text}" for p in problems)
    return Listed(what, fields, said)


def _unguarded(cell: str) -> str:
    return cell[1:] if cell.startswith(_GUARDED) else cell


def _parts(cell: str) -> list[str]:
    return [part.strip() for part in cell.split(_SEPARATOR) if part.strip()]


def _toml(value: Any) -> str:
    """Return a value as TOML has it. Raises TypeError for what no setting holds."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", r"\u007f")
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_toml(k)} = {_toml(v)}" for k, v in value.items()) + " }"
    raise TypeError(f"{type(value).__name__} has no place in the settings file")
