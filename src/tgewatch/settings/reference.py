"""Every setting as Markdown, for docs/settings.md: read off the models, so it cannot lie."""

from collections.abc import Iterator, Mapping
from typing import Any

from tgewatch.settings.file import SettingsFile
from tgewatch.settings.overrides import PREFIX, SHORT_FORMS
from tgewatch.settings.section import Section
from tgewatch.settings.shape import Setting, settings_of

_BOUNDS = {"gt": "more than", "ge": "at least", "lt": "less than", "le": "at most"}


def reference() -> str:
    """Return a heading and a table for every table of the settings file."""
    return "\n".join(_tables(SettingsFile, "", ""))


def _tables(section: type[Section], title: str, about: str) -> Iterator[str]:
    known = settings_of(section)
    plain = {key: s for key, s in known.items() if s.section is None}
    yield f"### {title or 'At the top of the file'}\n"
    if about:
        yield f"{about}\n"
    if plain:
        yield from _table(plain)
    same: dict[type[Section], list[str]] = {}
    for key, setting in known.items():
        if setting.section is not None:
            name = f"{title.strip('`[]')}.{key}".strip(".")
            same.setdefault(setting.section, []).append(
                f"[[{name}]]" if setting.many else f"[{name}]"
            )
    for inner, titles in same.items():
        about = (inner.__doc__ or "") if len(titles) > 1 else ""
        about = about or next(
            s.field.description or "" for s in known.values() if s.section is inner
        )
        yield from _tables(inner, ", ".join(f"`{t}`" for t in titles), _one_line(about))


def _table(settings: Mapping[str, Setting]) -> Iterator[str]:
    yield "| setting | default | what it does |"
    yield "|---|---|---|"
    for key, setting in settings.items():
        what = _one_line(setting.field.description or "")
        bounds = _bounds(setting)
        yield f"| `{key}` | {_default(setting)} | {what}{' ' if what and bounds else ''}{bounds} |"
    yield ""


def _default(setting: Setting) -> str:
    if setting.field.is_required():
        return "required"
    value = setting.field.get_default(call_default_factory=True)
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
