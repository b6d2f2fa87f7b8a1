"""`tgewatch import`: nothing of the user's file changes but its end."""

import json
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgewatch.cli.importing import extended
from tgewatch.cli.listing import Listed

OWN = """\
# My own notes stay.
[[source]]   # odd   spacing too
url = "https://a.example/feed"
"""
OPML = """<?xml version="1.0"?>
<opml version="2.0"><body>
<outline text="Folder">
<outline text="Known" xmlUrl="http://A.example/feed/"/>
<outline text="New &amp; good" xmlUrl="https://b.example/feed" type="rss"/>
<outline text="Twice" xmlUrl="https://b.example/feed#again"/>
</outline></body></opml>"""


def test_an_opml_list_is_added_at_the_end(shell):
    shell.write(OWN)
    shell.write(OPML, "list.opml")

    ended = shell.run("import", "list.opml", "--json")

    assert ended.code == 0
    assert [(e["done"], e["name"]) for e in ended.json["entries"]] == [
        ("known", "http://A.example/feed/"),
        ("added", "https://b.example/feed"),
        ("known", "https://b.example/feed#again"),
    ]
    text = shell.read()
    assert text.startswith(OWN)
    assert '\n[[source]]\nurl = "https://b.example/feed"\nname = "New & good"\n' in text
    assert shell.run("check", "--json").json["sources"] == {"feed": 2}


def test_importing_twice_changes_nothing_more(shell):
    shell.write(OWN)
    shell.write(OPML, "list.opml")
    shell.run("import", "list.opml")
    once = shell.read()

    ended = shell.run("import", "list.opml", "--json")

    assert ended.json["added"] == 0
    assert shell.read() == once


def test_a_dry_run_says_the_same_and_writes_nothing(shell):
    shell.write(OWN)
    shell.write(OPML, "list.opml")

    ended = shell.run("import", "list.opml", "--dry-run")

    assert "1 would be added" in ended.err
    assert "https://b.example/feed" in ended.out
    assert shell.read() == OWN


def test_without_a_settings_file_one_is_begun_that_extends_the_default(shell):
    shell.write("url,name\nhttps://b.example/feed,B\n", "list.csv")

    assert shell.run("import", "list.csv").code == 0

    assert shell.read().splitlines()[1] == "extends_default = true"
    assert shell.run("check", "--json").json["sources"]["feed"] > 60


def test_companies_and_their_sources_come_from_one_csv(shell):
    shell.write(OWN)
    shell.write(
        "\ufeffname,url,company,tickers,aliases,priority\n"
        "Mine,,,FHE;MINE,My Own;Mine Labs,high\n"
        "Blog,https://mine.example/feed,Mine,,,\n",
        "list.csv",
    )

    assert shell.run("import", "list.csv").code == 0
    found = shell.run("export", "--what", "companies").json
    assert found[0]["tickers"] == ["FHE", "MINE"]
    assert shell.run("export").json[1]["company"] == "Mine"


def test_what_is_wrong_is_refused_and_the_rest_is_added(shell):
    shell.write(OWN)
    shell.write(
        json.dumps(
            [
                {"url": "ftp://x.example/"},
                {"url": "https://ok.example/", "interval": "10m"},
                {"url": "https://u:hush@x.example/"},
                {"url": "https://y.example/", "company": "Nobody"},
                {"url": "https://z.example/", "colour": "red"},
                {"url": 7},
                {"name": "Fine", "tickers": ["A B"]},
                "just text",
                3,
                {},
            ]
        ),
        "list.json",
    )

    ended = shell.run("import", "list.json", "--json")

    assert ended.code == 1
    done = {e["name"]: e["done"] for e in ended.json["entries"]}
    assert {name for name, how in done.items() if how == "added"} == {
        "https://ok.example/",
        "just text",
    }
    assert ended.json["refused"] == 8
    assert 'interval = "10m"' in shell.read()
    assert shell.run("check").code == 0


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("list.txt", "x", "must end in .opml, .csv or .json"),
        ("list.json", "{", "cannot be read"),
        ("list.json", "3", "must be an array of objects"),
        ("list.json", '{"sources": 3}', "holds no source"),
        ("list.csv", "", "holds no source"),
        ("list.csv", 'a,b\n"x', "cannot be read"),
        ("list.opml", "<html/>", "not OPML"),
        ("list.opml", "<opml><body/></opml>", "holds no source"),
    ],
)
def test_a_list_that_cannot_be_read_is_wrong_usage(shell, name, content, said):
    shell.write(OWN)
    shell.write(content, name)

    ended = shell.run("import", name)

    assert (ended.code, said in ended.err) == (2, True), ended.err
    assert shell.read() == OWN


def test_wrong_settings_are_told_before_anything_is_added(shell):
    shell.write("[fetch]\nspcing = 1\n")
    shell.write(OPML, "list.opml")

    assert shell.run("import", "list.opml").code == 2
    assert shell.read() == "[fetch]\nspcing = 1\n"


def test_an_inline_array_is_not_broken(shell):
    shell.write('source = [{ url = "https://a.example/feed" }]\n')
    shell.write(OPML, "list.opml")

    ended = shell.run("import", "list.opml")

    assert ended.code == 2
    assert "write each as a [[source]] table" in ended.err


def test_line_ends_of_the_file_are_kept():
    text = extended("a = 1\r\n", [Listed("source", {"url": "https://b.example/"})])

    assert text == 'a = 1\r\n\r\n[[source]]\r\nurl = "https://b.example/"\r\n'


def test_a_missing_line_end_is_added():
    assert extended("a = 1", [Listed("company", {"name": "x"})]).startswith("a = 1\n\n[[company]]")


@given(st.text(max_size=50))
def test_any_text_is_quoted_so_that_it_reads_back(text):
    shown = text.encode("utf-8", "replace").decode()
    table = Listed("source", {"why": shown, "list": [shown], "t": {shown: shown}}).toml()

    assert tomllib.loads(table)["source"] == [{"why": shown, "list": [shown], "t": {shown: shown}}]


def test_a_file_with_secrets_stays_private_and_keeps_its_byte_order_mark(shell):
    path = shell.write("\ufeff" + OWN)
    path.chmod(0o600)
    shell.write(OPML, "list.opml")

    assert shell.run("import", "list.opml").code == 0

    assert path.stat().st_mode & 0o777 == 0o600
    assert shell.read().startswith("\ufeff" + OWN)
    assert {p.name for p in shell.folder.iterdir()} == {"tgewatch.toml", "list.opml"}


def test_a_file_in_another_encoding_is_told_as_ever(shell):
    shell.write("").write_bytes("# caf\u00e9".encode("latin-1"))
    shell.write(OPML, "list.opml")

    ended = shell.run("import", "list.opml")

    assert (ended.code, "is not UTF-8 text" in ended.err) == (2, True)


def test_what_would_break_the_file_is_not_written(shell):
    text = 'source = [{ url = "https://a.example/feed" }] # [[source]]\n'
    shell.write(text)
    shell.write(OPML, "list.opml")

    ended = shell.run("import", "list.opml")

    assert ended.code == 2
    assert "tgewatch.toml:3: is not valid TOML" in ended.err
    assert shell.read() == text
