"""From a file to settings, or to everything that is wrong with it."""

from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tgewatch.errors import ConfigError
from tgewatch.model import Priority
from tgewatch.settings.load import FILE_LIMIT, shipped_settings

WHOLE = """
[fetch]
allow_private = true
spacing = "2s"
[fetch.rss]
total = "1m"
max_bytes = "1MB"
[[fetch.host]]
host = "*.example.com"
spacing = 0.5
[polling]
interval = "5m"
[store]
path = "data/x.db"
[[company]]
name = " Fhenix  Labs "
tickers = ["$fhe"]
x_handle = "@FhenixIO"
domains = ["Fhenix.IO."]
priority = "high"
[[source]]
url = "http://127.0.0.1:8080/feed.xml"
company = "fhenix labs"
interval = "10m"
headers = { X-Key = "k" }
[[channel]]
name = "console"
kind = "console"
"""


def test_a_whole_file_becomes_values(desk):
    settings = desk.load(WHOLE)

    assert settings.fetch.allow_private
    assert settings.fetch.spacing == 2
    assert settings.fetch.rss.total == 60
    assert settings.fetch.rss.max_bytes == 1_000_000
    assert settings.fetch.hosts[0].spacing == 0.5
    assert settings.polling.interval == 300
    (company,) = settings.companies
    assert (company.name, company.tickers, company.x_handle) == (
        "Fhenix Labs",
        ("FHE",),
        "FhenixIO",
    )
    assert company.domains == ("fhenix.io",)
    assert company.priority is Priority.HIGH
    (source,) = settings.sources
    assert (source.name, source.interval) == ("127.0.0.1", 600)
    assert source.headers == (("X-Key", "k"),)
    assert settings.channels[0].kind == "console"


def test_what_the_file_leaves_out_has_its_default(desk):
    settings = desk.load("[cycle]\ndeadline = 5\n")

    assert settings.cycle.deadline == 5
    assert settings.cycle.concurrency == shipped_settings().cycle.concurrency
    assert settings.sources == ()
    assert settings.companies == ()


def test_a_table_that_names_some_keys_keeps_the_defaults_of_its_place(desk):
    shipped = shipped_settings()
    settings = desk.load("[fetch.article]\nconnections = 7\n[cache.rss]\nmax_bytes = '30MB'\n")

    assert settings.fetch.article.connections == 7
    assert settings.fetch.article.max_bytes == shipped.fetch.article.max_bytes
    assert settings.cache.rss.max_bytes == 30_000_000
    assert settings.cache.rss.ttl == shipped.cache.rss.ttl


def test_an_empty_file_is_valid(desk):
    assert desk.load("").channels == ()


def test_without_any_file_the_shipped_default_is_used(desk):
    settings = desk.load()

    assert settings.file is None
    assert len(settings.sources) >= 60
    assert settings.state == desk.folders.state
    assert settings.store.path == desk.folders.state / "tgewatch.db"


def test_all_problems_are_told_at_once_each_with_its_line(desk):
    problems = desk.problems(
        "[fetch]\n"
        "spcing = 3\n"
        "[fetch.rss]\n"
        'total = "soon"\n'
        "connections = 0\n"
        "[polling]\n"
        'policy = "idnex"\n'
        "[[source]]\n"
        'url = "ftp://example.com"\n'
        "[[source]]\n"
        'name = "no url"\n'
    )

    assert [p.split(" ", 1)[0] for p in problems] == [
        f"tgewatch.toml:{line}:" for line in (2, 4, 5, 7, 9, 10)
    ]
    assert problems[0].endswith('[fetch.spcing] is not a setting. Did you mean "spacing"?')
    assert "[fetch.rss.connections] must be at least 1; it is 0" in problems[2]
    assert "must be one of index, fixed; it is 'idnex'. Did you mean \"index\"?" in problems[3]
    assert "[source[2].url] is missing: add it" in problems[5]


def test_syntax_errors_have_their_line(desk):
    (problem,) = desk.problems("[fetch]\nspacing = \n")

    assert problem.startswith("tgewatch.toml:2: is not valid TOML: Invalid value")


def test_an_unfinished_file_is_reported_at_its_end(desk):
    (problem,) = desk.problems('\n\na = """never ends')

    assert problem.startswith("tgewatch.toml:3: is not valid TOML")


@pytest.mark.parametrize("text", ["a = " + "[" * 5_000, "a = " + "9" * 5_000], ids=["deep", "long"])
def test_what_python_cannot_read_is_a_problem_too(desk, text):
    (problem,) = desk.problems(text)

    assert problem == "tgewatch.toml: holds something too deep or too long to be read"


def test_keys_that_repeat_are_syntax_errors(desk):
    (problem,) = desk.problems("[fetch]\nspacing = 1\nspacing = 2\n")

    assert problem.startswith("tgewatch.toml:3: is not valid TOML: Cannot overwrite a value")


def test_a_byte_order_mark_does_no_harm(desk):
    desk.write("").write_bytes(b"\xef\xbb\xbf[fetch]\r\nspacing = 3\r\n")

    assert desk.load().fetch.spacing == 3


def test_another_encoding_is_reported_with_its_line(desk):
    desk.write("").write_bytes("# fine\n# caf\u00e9\n".encode("latin-1"))

    assert desk.problems() == ["tgewatch.toml:2: is not UTF-8 text: save the file as UTF-8"]


def test_a_huge_file_is_refused_before_it_is_parsed(desk):
    desk.write("").write_bytes(b"#" * (FILE_LIMIT + 1))

    (problem,) = desk.problems()
    assert "is larger than" in problem


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("fetch = 3", "[fetch] must be a table; it is 3"),
        ("[[fetch]]", "[fetch] must be a table"),
        ('source = "x"', "[source] must be a list in square brackets; it is 'x'"),
        ("[source]", "[source] must be a list in square brackets"),
        ("source = [3]", "[source[1]] must be a table; it is 3"),
        ("[[company]]\nname = 3", "[company[1].name] must be text in quotes; it is 3"),
        ("[[company]]\nname = ' '", "[company[1].name] must not be empty"),
        ('[fetch]\nallow_private = "maybe"', "must be true or false; it is 'maybe'"),
        ("[fetch]\nmax_redirects = 1.5", "must be a whole number; it is 1.5"),
        ("[cycle]\ndeadline = inf", "must be a finite number"),
        ("[cycle]\ndeadline = nan", "must be"),
        ("[fetch]\nhosts = []", "[fetch.hosts] is not a setting: write [[fetch.host]]"),
        ("sources = []", "[sources] is not a setting: write [[source]]"),
        ("[fetch]\ninterval = 1", "Did you mean [source.interval]?"),
        ("zzzzzzzz = 1", "[zzzzzzzz] is not a setting: remove it"),
        (
            '[[company]]\nname = "x"\nx_handle = "https://x.com/x"',
            "must be the account's name on X",
        ),
        ('[[company]]\nname = "x"\ndomains = ["https://x.io/"]', "without https:// and without"),
        ('[[company]]\nname = "x"\ntickers = ["A B"]', "[company[1].tickers[1]] must be a ticker"),
        ('[[company]]\nname = "x"\npriority = "hi"', "must be one of 'high', 'medium' or 'low'"),
        ('[[source]]\nurl = "https://u:p@example.com/"', "must not hold a password"),
        ('[[source]]\nurl = "https://example.com:99999/"', "host or port cannot be read"),
        ('[[source]]\nurl = "https://example.com/a b"', "without spaces"),
        ('[[source]]\nurl = "http://internal\\\\@public.example/"', "without spaces, backslashes"),
        (
            '[[source]]\nurl = "https://e.com/"\nkind = "pag"',
            "it is 'pag'. Did you mean \"page\"?",
        ),
        ('[[source]]\nurl = "https://e.com/"\ninterval = "0s"', "must be more than 0"),
        (
            '[[detection.terms]]\ntier = "mine"\nweight = 1\npatterns = ["ok", "(i?)bad("]',
            "tgewatch.toml:4: [detection.terms[1].patterns[2]] not a pattern of RE2's syntax",
        ),
        (
            '[[company]]\nname = "x"\n[[detection.company]]\nname = "Nobody"',
            "tgewatch.toml:4: [detection.company[1].name] no company on the watchlist",
        ),
    ],
)
def test_a_wrong_value_is_told_with_the_remedy(desk, text, said):
    assert any(said in problem for problem in desk.problems(text)), desk.problems(text)


def test_header_values_cannot_smuggle_lines_and_are_not_shown(desk):
    problems = desk.problems(
        '[[source]]\nurl = "https://e.com/"\nheaders = { Key = "hush\\r\\nHost: evil" }\n'
    )

    assert "printable ASCII" in problems[0]
    assert "hush" not in "".join(problems)


def test_relative_paths_start_at_the_folder_of_the_file(desk):
    folder = desk.cwd / "deep"
    folder.mkdir()
    path = desk.write('[store]\npath = "data/x.db"\n', "deep/own.toml")

    settings = desk.load(path=path)

    assert settings.root == folder
    assert settings.store.path == folder / "data/x.db"
    assert settings.cache.path == folder / "state" / "cache.db"


def test_a_linked_file_has_its_folder_where_the_link_is(desk, tmp_path):
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "real.toml").write_text("")
    (desk.cwd / "tgewatch.toml").symlink_to(tmp_path / "store" / "real.toml")

    assert desk.load().root == desk.cwd


def test_the_state_folder_moves_everything_that_is_written(desk, tmp_path):
    settings = desk.load("", state=tmp_path / "elsewhere")

    assert settings.state == tmp_path / "elsewhere"
    assert settings.store.path == tmp_path / "elsewhere" / "tgewatch.db"
    assert settings.cache.path == tmp_path / "elsewhere" / "cache.db"


def test_the_state_folder_leaves_paths_of_ones_own_alone(desk, tmp_path):
    settings = desk.load('[store]\npath = "own.db"\n', state=tmp_path)

    assert settings.store.path == desk.cwd / "own.db"


def test_the_state_folder_comes_from_the_environment_too(desk, tmp_path):
    by_variable = {"TGEWATCH_STATE": str(tmp_path / "a"), "STATE_DIRECTORY": str(tmp_path / "b")}
    by_systemd = {"STATE_DIRECTORY": f"{tmp_path / 'b'}:{tmp_path / 'c'}"}

    assert desk.load("", environ=by_variable).state == tmp_path / "a"
    assert desk.load("", environ=by_systemd).state == tmp_path / "b"
    assert desk.load("").state == desk.cwd / "state"


def test_nothing_of_the_machine_reaches_the_shipped_settings(monkeypatch):
    monkeypatch.setenv("TGEWATCH_ALLOW_PRIVATE", "1")

    assert not shipped_settings().fetch.allow_private


@hypothesis_settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None
)
@given(st.text(max_size=200) | st.from_regex(r"(\[\[?[a-z.]+\]?\]\n([a-z_]+ = .{0,8}\n)*)+"))
def test_no_text_makes_it_fail_in_another_way(desk, text):
    desk.write("").write_bytes(text.encode("utf-8", "surrogatepass"))
    with suppress(ConfigError):
        desk.load()
