"""The settings file as it is written, and its JSON Schema."""

from typing import Any

from pydantic import Field

from tgewatch.settings.shape import every_setting
from tgewatch.settings.tables import Tables
from tgewatch.settings.telling import ChannelSettings
from tgewatch.settings.watchlist import CompanyEntry, SourceEntry

_NUMBERS = {"integer", "number"}
_BOUNDS = {
    "gt": "exclusiveMinimum",
    "ge": "minimum",
    "lt": "exclusiveMaximum",
    "le": "maximum",
}


class SettingsFile(Tables):
    """What a settings file of tgewatch may hold."""

    extends_default: bool = False
    """Add to the watchlist that ships with the program, instead of replacing it."""
    drop_companies: tuple[str, ...] = ()
    """Companies of the shipped watchlist to leave out, by name, with their own sources."""
    drop_sources: tuple[str, ...] = ()
    """Sources of the shipped watchlist to leave out, by URL."""
    companies: tuple[CompanyEntry, ...] = Field(default=(), validation_alias="company")
    """Whom to watch."""
    sources: tuple[SourceEntry, ...] = Field(default=(), validation_alias="source")
    """Where to look."""
    channels: tuple[ChannelSettings, ...] = Field(default=(), validation_alias="channel")
    """Whom to tell. With `extends_default`, any channel here replaces the shipped ones."""


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the settings file, for editors."""
    described = _bounded(SettingsFile.model_json_schema(mode="validation"))
    arrays = {s.section for _, s in every_setting(SettingsFile) if s.many}
    for _, setting in every_setting(SettingsFile):
        if setting.section is not None and setting.section not in arrays:
            # Its place has a default for what the table itself would require.
            described["$defs"][setting.section.__name__].pop("required", None)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **described,
        "title": "tgewatch settings",
    }


def _bounded(schema: Any) -> Any:
    """Return the schema with pydantic's bounds under the names that JSON Schema has for them."""
    if isinstance(schema, list):
        return [_bounded(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: _bounded(part) for key, part in schema.items()}
    if "anyOf" not in found:
        return found
    bounds = {name: found.pop(key) for key, name in _BOUNDS.items() if key in found}
    numbers = [
        {**part, **bounds} if part.get("type") in _NUMBERS else part for part in found["anyOf"]
    ]
    return {**found, "anyOf": numbers}
