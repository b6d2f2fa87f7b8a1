"""Settings from the environment and from systemd's credentials."""

import pytest

OWN = """
[[source]]
url = "https://example.com/feed"
name = "Example"
[[channel]]
name = "my phone"
url = "json://old"
"""


def test_every_setting_has_a_variable(desk):
    settings = desk.load(
        "[cycle]\ndeadline = 5\n",
        environ={
            "TGEWATCH_CYCLE__DEADLINE": "90s",
            "TGEWATCH_FETCH__RSS__MAX_BYTES": "1MB",
            "TGEWATCH_FETCH__ALLOW_ADDRESSES": "10.0.0.0/8, 192.168.0.0/16",
            "TGEWATCH_DETECTION__MODE": "discover",
        },
    )

    assert settings.cycle.deadline == 90
    assert settings.fetch.rss.max_bytes == 1_000_000
    assert settings.fetch.allow_addresses == ("10.0.0.0/8", "192.168.0.0/16")
    assert settings.detection.mode == "discover"


@pytest.mark.parametrize(("text", "wanted"), [("1", True), ("true", True), ("0", False)])
def test_short_forms_set_the_same(desk, text, wanted):
    assert desk.load("", environ={"TGEWATCH_ALLOW_PRIVATE": text}).fetch.allow_private is wanted


def test_the_long_form_wins_over_the_short_one(desk):
    both = {"TGEWATCH_ALLOW_PRIVATE": "1", "TGEWATCH_FETCH__ALLOW_PRIVATE": "0"}

    assert not desk.load("", environ=both).fetch.allow_private


def test_an_entry_is_named_by_its_name(desk):
    settings = desk.load(OWN, environ={"TGEWATCH_CHANNEL__MY_PHONE__URL": "json://new"})

    assert settings.channels[0].url == "json://new"


def test_an_entry_of_the_shipped_watchlist_can_be_named_too(desk):
    settings = desk.load(
        "extends_default = true", environ={"TGEWATCH_COMPANY__FHENIX__PRIORITY": "low"}
    )

    fhenix = next(c for c in settings.companies if c.name == "Fhenix")
    assert fhenix.priority == "low"
    assert fhenix.tickers == ("FHE",)


def test_the_whole_watchlist_can_be_asked_for(desk):
    assert len(desk.load("", environ={"TGEWATCH_EXTENDS_DEFAULT": "1"}).sources) >= 60


def test_a_whole_array_can_be_given_as_toml(desk):
    settings = desk.load(
        OWN,
        environ={"TGEWATCH_SOURCE": '[{url = "https://a.example/"}, {url = "https://b.example/"}]'},
    )

    assert [s.url for s in settings.sources] == ["https://a.example/", "https://b.example/"]


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        (
            "TGEWATCH_FETCH__ALOW_PRIVATE",
            "1",
            'no setting [fetch.alow_private]. Did you mean "allow',
        ),
        ("TGEWATCH_ALLOW_PRIVAT", "1", "there is no setting [allow_privat]"),
        ("TGEWATCH_FETCH__SPACING", "fast", "[fetch.spacing] must be seconds"),
        ("TGEWATCH_FETCH__SPACING", "", "[fetch.spacing] must be seconds"),
        ("TGEWATCH_FETCH__SPACING__X", "1", "[fetch.spacing] holds no further settings"),
        ("TGEWATCH_CHANNEL__MY_FONE__URL", "x", 'no entry "my_fone". Did you mean "my_phone"?'),
        ("TGEWATCH_CHANNEL__MY_PHONE", "x", "name the key to set"),
        ("TGEWATCH_SOURCE", "[" * 900, "must be a TOML array"),
        ("TGEWATCH_SOURCE", "nonsense", "must be a TOML array"),
        ("TGEWATCH_SOURCE", "[]\nfetch = 1", "must be a TOML array"),
        ("TGEWATCH_", "1", "there is no setting"),
        ("TGEWATCH_FETCH__", "1", "there is no setting"),
    ],
)
def test_a_variable_that_sets_nothing_right_is_a_problem_under_its_name(
    desk, variable, value, said
):
    (problem,) = desk.problems(OWN, environ={variable: value})

    assert problem.startswith(f"{variable}: ")
    assert said in problem


def test_variables_of_others_are_left_alone(desk):
    settings = desk.load(
        '[[channel]]\nname = "x"\nurl_env = "TGEWATCH_MY_URL"\n',
        environ={
            "TGEWATCH_MY_URL": "json://x",
            "TGEWATCH_TEST_ANYTHING": "1",
            "TGEWATCH_DEBUG": "1",
            "OTHER": "1",
        },
    )

    assert settings.channels[0].url == "json://x"


def test_a_wrong_table_in_the_file_does_not_break_a_variable(desk):
    problems = desk.problems(
        "fetch = 3\nchannel = 4\n",
        environ={"TGEWATCH_FETCH__SPACING": "1", "TGEWATCH_CHANNEL__X__URL": "y"},
    )

    assert "TGEWATCH_FETCH__SPACING: [fetch] is not a table" in problems
    assert "TGEWATCH_CHANNEL__X__URL: [channel] is not an array of tables" in problems


def test_credentials_of_systemd_set_secrets_by_name(desk, tmp_path):
    folder = tmp_path / "credentials"
    folder.mkdir()
    (folder / "tgewatch.store.database_url").write_text("postgresql://user:hush@db/x\n")
    (folder / "other.thing").write_text("x")

    settings = desk.load("", environ={"CREDENTIALS_DIRECTORY": str(folder)})

    assert settings.store.database_url == "postgresql://user:hush@db/x"


def test_the_environment_wins_over_credentials(desk, tmp_path):
    (tmp_path / "tgewatch.cycle.deadline").write_text("5")

    settings = desk.load(
        "", environ={"CREDENTIALS_DIRECTORY": str(tmp_path), "TGEWATCH_CYCLE__DEADLINE": "6"}
    )

    assert settings.cycle.deadline == 6


def test_a_credential_that_sets_nothing_is_a_problem_under_its_name(desk, tmp_path):
    (tmp_path / "tgewatch.store.databse_url").write_text("hush")

    (problem,) = desk.problems("", environ={"CREDENTIALS_DIRECTORY": str(tmp_path)})

    assert problem.startswith("credential tgewatch.store.databse_url: there is no setting")
    assert "hush" not in problem


def test_a_credential_that_cannot_be_read_is_a_problem(desk, tmp_path):
    (tmp_path / "tgewatch.a").mkdir()
    (tmp_path / "tgewatch.b").write_bytes(b"\xff")

    problems = desk.problems("", environ={"CREDENTIALS_DIRECTORY": str(tmp_path)})

    assert problems == [
        f"credential tgewatch.{name}: must be a readable file of UTF-8 text" for name in "ab"
    ]


def test_a_credentials_folder_that_is_not_there_holds_nothing(desk, tmp_path):
    desk.load("", environ={"CREDENTIALS_DIRECTORY": str(tmp_path / "nope")})
