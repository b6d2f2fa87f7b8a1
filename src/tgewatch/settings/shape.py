"""What may stand where in the settings file, read off the models."""

import types
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from tgewatch.settings.section import Section


@dataclass(frozen=True, slots=True)
class Setting:
    """One key of one table."""

    key: str
    """As written in the file."""
    name: str
    """As the model's field is called."""
    field: FieldInfo
    section: type[Section] | None = None
    """The table that stands here, or whose array stands here."""
    many: bool = False
    """A list, or an array of tables."""
    table: bool = False
    """A table of free keys."""

    @property
    def secret(self) -> bool:
        """Whether its value must never be shown."""
        return self.field.repr is False


def settings_of(section: type[Section]) -> dict[str, Setting]:
    """Return what may stand in `section`, by key."""
    found = (_setting(name, field) for name, field in section.model_fields.items())
    return {setting.key: setting for setting in found}


def every_setting(
    section: type[Section], path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Setting]]:
    """Yield each setting with its keys from the top of the file, tables before what they hold."""
    for key, setting in settings_of(section).items():
        yield (*path, key), setting
        if setting.section is not None:
            yield from every_setting(setting.section, (*path, key))


def _setting(name: str, field: FieldInfo) -> Setting:
    key = field.validation_alias if isinstance(field.validation_alias, str) else name
    inner = _unwrapped(field.annotation)
    if get_origin(inner) in {tuple, list, set, frozenset}:
        element = _unwrapped(get_args(inner)[0])
        return Setting(key=key, name=name, field=field, section=_section(element), many=True)
    is_table = get_origin(inner) is dict or inner is dict
    return Setting(key=key, name=name, field=field, section=_section(inner), table=is_table)


def _unwrapped(annotation: Any) -> Any:
    """Return the type beneath `Annotated` and `| None`."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _unwrapped(get_args(annotation)[0])
    if origin in {Union, types.UnionType}:
        present = [a for a in get_args(annotation) if a is not types.NoneType]
        return _unwrapped(present[0])
    return annotation


def _section(annotation: Any) -> type[Section] | None:
    return annotation if isinstance(annotation, type) and issubclass(annotation, Section) else None
