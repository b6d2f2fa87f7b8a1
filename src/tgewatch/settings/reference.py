"""Every setting as Markdown, for docs/settings.md: read off the models, so it cannot lie."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tgewatch.settings.file import SettingsFile
from tgewatch.settings.overrides import PREFIX, SHORT_FORMS
from tgewatch.settings.section import Section
from tgewatch.settings.shape import Setting, settings_of

_BOUNDS = {"gt": "more than", "ge": "at least", "lt": "less than", "le": "at most"}


@dataclass(frozen=True, slots=True)
class _Place:
    """One place in the file where a table may stand."""

    name: str
    """Keys from the top, with dots."""
    default: Section | None = None
    """What stands there without a word from the user; None for an array of tables."""

    @property
    def title(self) -> str:
        """The heading that a file has for it."""
        return f"`[{self.name}]`" if self.default is not None else f"`[[{self.name}]]`"


def reference() -> str:
    """Return a heading and a table for every table of the settings file."""
    return "\n".join(_tables(SettingsFile, (), ""))


def _tables(section: type[Section], places: tuple[_Place, ...], about: str) -> Iterator[str]:
    """Yield the lines for one kind of table, wherever it stands, then for those inside of it."""
    known = settings_of(section)
    title = ", ".join(place.title for place in places)
    yield f"### {title or 'At the top of the file'}\n"
    if about:
        yield f"{_one_line(about)}\n"
    yield from _table([s for s in known.values() if s.section is None], places)
    inside: dict[type[Section], list[Setting]] = {}
    for setting in known.values():
        if setting.section is not None:
            inside.setdefault(setting.section, []).append(setting)
    prefix = f"{places[0].name}." if places else ""
    for inner, settings in inside.items():
        below = tuple(_Place(prefix + s.key, None if s.many else s.field.default) for s in settings)
        said = settings[0].field.description or ""
        yield from _tables(inner, below, inner.__doc__ or "" if len(below) > 1 else said)


def _table(settings: Sequence[Setting], places: tuple[_Place, ...]) -> Iterator[str]:
    if not settings:
        return
    yield "| setting | default | what it does |"
    yield "|---|---|---|"
    for setting in settings:
        what = _one_line(setting.field.description or "")
        said = " ".join(filter(None, (what, _bounds(setting))))
        yield f"| `{setting.key}` | {_default(setting, places)} | {said} |"
    yield ""


def _default(setting: Setting, places: tuple[_Place, ...]) -> str:
    """Return the default, or those of each place where they differ."""
    held = {p.name.rpartition(".")[2]: p.default for p in places if p.default is not None}
    shown = {name: _code(getattr(table, setting.name)) for name, table in held.items()}
    if len(set(shown.values())) > 1:
        return ", ".join(f"{name} {value or 'none'}" for name, value in shown.items())
    if shown:
        return next(iter(shown.values()))
    if setting.field.is_required():
        return "required"
    return _code(setting.field.get_default(call_default_factory=True))


def _code(value: Any) -> str:
    return f"`{_written(value)}`" if _written(value) else ""


def _written(value: Any) -> str:
    """Return a value as TOML has it; nothing for what is empty."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"{value:,.15g}".replace(",", "_")
    if isinstance(value, tuple | list):
        return f"[{', '.join(_written(v) for v in value)}]" if value else ""
    if value is None or value in ("", {}):
        return ""
    return f'"{value}"'


def _bounds(setting: Setting) -> str:
    said = [
        f"{words} {getattr(limit, name):g}"
        for limit in setting.field.metadata
        for name, words in _BOUNDS.items()
        if getattr(limit, name, None) is not None
    ]
    return f"({', '.join(said)})" if said else ""


def _one_line(text: str) -> str:
    return " ".join(text.replace("|", r"\|").split())


def short_forms() -> str:
    """Return the short names of environment variables as a Markdown list."""
    return "\n".join(
        f"- `{PREFIX}{name}` sets `[{'.'.join(path[:-1])}] {path[-1]}`"
        for name, path in SHORT_FORMS.items()
    )
