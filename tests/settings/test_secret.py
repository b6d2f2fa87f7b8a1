"""Secrets that stand elsewhere, and are never shown."""

import pytest

from tgewatch.settings.file import SettingsFile
from tgewatch.settings.shape import every_setting, settings_of

CHANNEL = '[[channel]]\nname = "x"\n'


def test_a_secret_comes_from_a_variable(desk):
    settings = desk.load(CHANNEL + 'url_env = "PHONE"\n', environ={"PHONE": "tgram://token"})

    assert settings.channels[0].url == "tgram://token"


def test_a_secret_comes_from_a_file_beside_the_settings(desk):
    desk.write("tgram://token\r\n", "phone")

    assert desk.load(CHANNEL + 'url_file = "phone"\n').channels[0].url == "tgram://token"


def test_a_secret_comes_from_the_credentials_of_systemd(desk, tmp_path):
    folder = tmp_path / "credentials"
    folder.mkdir()
    (folder / "phone").write_text("tgram://token")

    settings = desk.load(
        CHANNEL + 'url_file = "phone"\n', environ={"CREDENTIALS_DIRECTORY": str(folder)}
    )

    assert settings.channels[0].url == "tgram://token"


def test_headers_come_from_elsewhere_one_by_one(desk):
    desk.write("from file", "key")
    settings = desk.load(
        '[[source]]\nurl = "https://example.com/"\nheaders = { A = "plain" }\n'
        'headers_env = { B = "BEE" }\nheaders_file = { C = "key" }\n',
        environ={"BEE": "from variable"},
    )

    assert settings.sources[0].headers == (
        ("A", "plain"),
        ("B", "from variable"),
        ("C", "from file"),
    )


def test_a_secret_header_still_has_to_be_a_header(desk):
    problems = desk.problems(
        '[[source]]\nurl = "https://example.com/"\nheaders_env = { B = "BEE" }\n',
        environ={"BEE": "hush\nHost: evil"},
    )

    assert "printable ASCII" in problems[0]
    assert "hush" not in problems[0]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('url_env = "NOPE"', ":3: [channel[1].url_env] the environment variable NOPE is not set"),
        ('url_file = "nope"', "cannot be read: No such file"),
        ('url_file = "."', "cannot be read: Is a directory"),
        ('url_file = "empty"', "must hold 1 to"),
        ('url_file = "binary"', "is not UTF-8 text"),
        ('url_file = "a\\u0000b"', "[channel[1].url_file]"),
        ('url = "a"\nurl_env = "SET"', "keep one of url, url_env, url_file"),
        ("url_env = 3", "must be text in quotes"),
    ],
)
def test_a_secret_that_is_not_there_is_a_problem(desk, line, said):
    desk.write("", "empty")
    desk.write("", "binary").write_bytes(b"\xff\xfe\x00")

    assert any(said in p for p in desk.problems(CHANNEL + line, environ={"SET": "b"}))


def test_a_variable_for_the_secret_itself_wins_over_where_the_file_says_it_is(desk):
    settings = desk.load(
        CHANNEL + 'url_env = "NOPE"\n', environ={"TGEWATCH_CHANNEL__X__URL": "json://new"}
    )

    assert settings.channels[0].url == "json://new"


def test_no_secret_is_in_a_repr_or_in_a_problem(desk):
    text = (
        '[store]\ndatabase_url = "postgresql://u:hush@db/x"\n'
        '[[channel]]\nname = "x"\nurl = "tgram://hush"\n'
        '[[source]]\nurl = "https://example.com/"\nheaders = { Key = "hush" }\n'
    )

    assert "hush" not in repr(desk.load(text))
    wrong = text.replace('"tgram://hush"', '["hush"]').replace('"postgresql://u:hush@db/x"', "[1]")
    assert "hush" not in "".join(desk.problems(wrong + 'kind = "hsh"\n'))


def test_every_secret_can_stand_elsewhere():
    for path, setting in every_setting(SettingsFile):
        if setting.secret:
            section = SettingsFile
            for key in path[:-1]:
                section = settings_of(section)[key].section
            assert {f"{path[-1]}_env", f"{path[-1]}_file"} <= set(settings_of(section))
