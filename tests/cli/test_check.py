"""`tgewatch check`."""

import json

import jsonschema
import pytest


def test_says_what_the_settings_amount_to(shell):
    ended = shell.run("check", "--json")

    assert ended.code == 0
    found = ended.json
    assert found["ok"]
    assert found["settings"] == "built in"
    assert found["sources"]["feed"] >= 60
    assert sum(found["companies"].values()) >= 15
    assert found["channels"] == {"console": "console"}


def test_the_text_says_the_same(shell):
    shell.write("extends_default = true\n")

    ended = shell.run("check")

    assert ended.code == 0
    assert "tgewatch.toml" in ended.out
    assert "The settings are valid." in ended.out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not found, so nobody is told of rounds"),
        ('[claude_flow]\ncommand = "elsewhere/flow"', "correct [claude_flow] command"),
        ("[claude_flow]\nenabled = false", "off: [claude_flow] enabled = true"),
    ],
)
def test_one_line_says_whether_agents_hear_of_rounds(shell, monkeypatch, text, said):
    monkeypatch.delenv("TGEWATCH_CLAUDE_FLOW__ENABLED")
    monkeypatch.setenv("PATH", str(shell.folder))
    shell.write(text)

    assert said in shell.run("check", "--json").json["claude_flow"]
    assert said in " ".join(shell.run("check").out.split())


def test_claude_flow_is_named_where_it_is_and_not_run(shell, monkeypatch):
    monkeypatch.delenv("TGEWATCH_CLAUDE_FLOW__ENABLED")
    command = shell.folder / "node_modules" / ".bin" / "claude-flow"
    command.parent.mkdir(parents=True)
    command.write_text(f"#!/bin/sh\ntouch {shell.folder}/ran\n")
    command.chmod(0o755)
    shell.write("")

    assert str(command) in shell.run("check", "--json").json["claude_flow"]
    assert not (shell.folder / "ran").exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "extends_default = true"),
        ("", "Nobody is told"),
        ("extends_default = true", "Only the console is told"),
        ("[fetch]\nallow_private = true", "Private addresses may be fetched"),
    ],
)
def test_what_is_off_is_named_with_the_way_to_turn_it_on(shell, text, said):
    shell.write(text)

    assert any(said in note for note in shell.run("check", "--json").json["notes"])
    assert said in " ".join(shell.run("check").out.split())


def test_all_problems_are_told_and_the_code_is_two(shell):
    shell.write("[fetch]\nspcing = 1\n[cycle]\ndeadline = 0\n")

    ended = shell.run("check")

    assert ended.code == 2
    assert ended.out == ""
    assert ended.err.splitlines()[0] == "error: 2 problems in the settings"
    assert ended.err.splitlines()[1].startswith("tgewatch.toml:2: [fetch.spcing]")


def test_problems_as_json(shell):
    shell.write("[fetch]\nspcing = 1\n")

    ended = shell.run("check", "--json")

    assert ended.code == 2
    assert ended.json["ok"] is False
    assert len(ended.json["problems"]) == 1


def test_secrets_are_not_in_the_summary(shell):
    shell.write(
        '[store]\ndatabase_url = "postgresql://u:hush@db/x"\n'
        '[[channel]]\nname = "x"\nurl = "tgram://hush"\n'
    )

    assert "hush" not in shell.run("check").out
    ended = shell.run("check", "--json")
    assert "hush" not in ended.out
    assert ended.json["store"] == "postgresql"


def test_a_name_in_the_settings_cannot_drive_the_terminal(shell):
    shell.write('[[channel]]\nname = "a\\u001b[31m[bold]b"\nkind = "console"\n')

    ended = shell.run("check")

    assert "\x1b" not in ended.out
    assert "[bold]b" in ended.out


def test_a_key_in_the_settings_cannot_drive_the_terminal(shell):
    shell.write('"a\\u001b[31m\\u202eb" = 1\n')

    ended = shell.run("check")

    assert ended.code == 2
    assert not {"\x1b", "\u202e"} & set(ended.err)


def test_the_schema_is_one(shell):
    jsonschema.Draft202012Validator.check_schema(json.loads(shell.run("check", "--schema").out))


def test_the_reference_is_that_of_the_docs(shell):
    assert "### `[fetch]`" in shell.run("check", "--reference").out


def test_a_file_that_is_not_there_is_wrong_usage(shell):
    ended = shell.run("check", "-s", "nope.toml")

    assert (ended.code, "nope.toml: the settings file does not exist" in ended.err) == (2, True)


def test_says_what_is_shared_and_shows_no_password(shell):
    shell.write('[swarm]\nredis_url = "redis://u:hush@cache.example:6379/0"\n')

    assert (
        shell.run("check", "--json").json["swarm"] == "redis://cache.example:6379, prefix tgewatch"
    )
    assert "cache.example" in shell.run("check").out
    assert "hush" not in shell.run("check").out


def test_a_url_that_nothing_can_be_shared_through_is_a_problem(shell):
    shell.write('[swarm]\nredis_url = "memcached://u:hush@cache.example"\n')

    ended = shell.run("check")

    assert ended.code == 2
    assert "redis://host:6379/0" in ended.err
    assert "hush" not in ended.err
