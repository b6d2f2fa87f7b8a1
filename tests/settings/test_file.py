"""The JSON Schema says the same as the program."""

import tomllib

import jsonschema
import pytest

from tgewatch.settings import Settings, Tables
from tgewatch.settings.file import SettingsFile, schema
from tgewatch.settings.locate import shipped_text


@pytest.fixture(scope="module")
def validator():
    jsonschema.Draft202012Validator.check_schema(schema())
    return jsonschema.Draft202012Validator(schema())


def test_accepts_the_shipped_default(validator):
    assert list(validator.iter_errors(tomllib.loads(shipped_text()))) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "extends_default = true",
        "[cache.rss]\nmax_bytes = '30MB'",
        '[fetch]\nspacing = "2s"\n[fetch.rss]\nmax_bytes = "5MB"',
        "[fetch]\nspacing = 2\n[[fetch.host]]\nhost = 'medium.com'",
        '[[source]]\nurl = "https://example.com/"\ninterval = "10m"\nheaders_env = { Key = "KEY" }',
        '[[channel]]\nname = "x"\nurl_env = "X"',
    ],
)
def test_accepts_what_the_program_accepts(validator, text):
    raw = tomllib.loads(text)

    assert list(validator.iter_errors(raw)) == []
    SettingsFile.model_validate(raw)


@pytest.mark.parametrize(
    "text",
    [
        "[fetch]\nspcing = 2",
        "[fetch]\nspacing = -1",
        "[fetch.rss]\nconnections = 0",
        "[[source]]\nname = 'x'",
        '[[source]]\nurl = "https://example.com/"\ninterval = 0',
        "[polling]\npolicy = 'other'",
        "[[company]]\nname = 'x'\npriority = 'urgent'",
    ],
)
def test_refuses_what_the_program_refuses(validator, text):
    raw = tomllib.loads(text)

    assert list(validator.iter_errors(raw))
    with pytest.raises(ValueError, match="validation error"):
        SettingsFile.model_validate(raw)


def test_every_table_of_the_program_is_in_the_file():
    tables = {name for name in Settings.model_fields if name.islower()}

    assert set(Tables.model_fields) <= set(SettingsFile.model_fields)
    assert tables - set(SettingsFile.model_fields) == {"file", "root", "state"}


def test_every_setting_is_described():
    def undescribed(part, path=""):
        if isinstance(part, dict):
            for name, inner in part.get("properties", {}).items():
                if "description" not in inner and "$ref" not in inner:
                    yield f"{path}.{name}"
            for name, inner in part.get("$defs", {}).items():
                yield from undescribed(inner, name)

    assert [*undescribed(schema())] == []
