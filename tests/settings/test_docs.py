"""The docs say what the program does. Run this file to write their tables anew."""

from pathlib import Path

import pytest

from tgewatch.settings.file import SettingsFile
from tgewatch.settings.load import shipped_settings
from tgewatch.settings.reference import reference, short_forms
from tgewatch.settings.shape import every_setting

DOCS = Path(__file__).parents[2] / "docs"
SETTINGS_MARK = "<!-- settings -->\n"
SHORT_MARK = "<!-- short forms -->\n"
SOURCES_MARK = "<!-- sources -->\n"


def sources():
    shipped = shipped_settings()
    companies = "".join(
        f"| {c.name} | {', '.join(c.tickers)} | {c.priority} |\n" for c in shipped.companies
    )
    rows = "".join(
        f"| [{s.name}]({s.url}) | {s.company} | {s.priority} | {s.why} |\n" for s in shipped.sources
    )
    return (
        f"## {len(shipped.companies)} companies\n\n| name | tickers | priority |\n|---|---|---|\n{companies}\n"
        f"## {len(shipped.sources)} sources\n\n| source | voice of | priority | why |\n|---|---|---|---|\n{rows}"
    )


BLOCKS = [
    ("settings.md", SHORT_MARK, lambda: short_forms() + "\n"),
    ("settings.md", SETTINGS_MARK, reference),
    ("sources.md", SOURCES_MARK, sources),
]


@pytest.mark.parametrize(("name", "mark", "written"), BLOCKS, ids=["short", "settings", "sources"])
def test_the_docs_hold_what_the_program_says(name, mark, written):
    between = (DOCS / name).read_text(encoding="utf-8").split(mark)[1]

    assert between == written(), "run: python tests/settings/test_docs.py"


def test_every_setting_is_named_in_the_docs():
    text = (DOCS / "settings.md").read_text(encoding="utf-8")

    for path, setting in every_setting(SettingsFile):
        name = ".".join(path)
        assert f"[{name}]" in text if setting.section else f"`{path[-1]}`" in text


def test_the_example_in_the_docs_is_valid(desk):
    text = (DOCS / "settings.md").read_text(encoding="utf-8")
    desk.write("tgram://token", "phone.secret")

    settings = desk.load(text.split("```toml\n")[1].split("```")[0])

    assert settings.channels[0].url == "tgram://token"
    assert settings.polling.interval == 300


def write():
    for name, mark, written in BLOCKS:
        before, _, after = (DOCS / name).read_text(encoding="utf-8").split(mark)
        (DOCS / name).write_text(f"{before}{mark}{written()}{mark}{after}", encoding="utf-8")


if __name__ == "__main__":
    write()
