"""`tgewatch mcp`: what it says when it cannot serve, and what `install` does to a file."""

import json
import sys
from pathlib import Path

import pytest


def test_install_begins_a_file_that_starts_this_program_with_these_settings(shell):
    settings = shell.write('[detection]\nmode = "discover"\n')

    ended = shell.run("mcp", "install")

    assert ended.code == 0
    entry = json.loads(shell.read(".mcp.json"))["mcpServers"]["tgewatch"]
    assert entry["type"] == "stdio"
    assert Path(entry["command"]).is_absolute()
    assert entry["args"][-3:] == ["--settings", str(settings), "mcp"]
    assert ended.err.splitlines()[0] == f"added: tgewatch in {shell.folder / '.mcp.json'}"


def test_install_keeps_others_says_so_and_can_be_repeated(shell):
    shell.write('{"mcpServers": {"other": {"command": "o"}}}', ".mcp.json")

    first = shell.run("mcp", "install", "--allow-scan", "--json").json
    text = shell.read(".mcp.json")
    second = shell.run("mcp", "install", "--allow-scan", "--json").json

    assert (first["change"], first["others"], first["written"]) == ("added", ["other"], True)
    assert first["entry"]["args"][-1] == "--allow-scan"
    assert (second["change"], second["written"]) == ("unchanged", False)
    assert shell.read(".mcp.json") == text


def test_a_dry_run_prints_the_file_and_writes_nothing(shell):
    ended = shell.run("mcp", "install", "--dry-run")

    assert set(json.loads(ended.out)) == {"mcpServers"}
    assert not (shell.folder / ".mcp.json").exists()


def test_a_path_names_a_file_or_its_folder(shell):
    (shell.folder / "project").mkdir()

    shell.run("mcp", "install", "--path", "project")
    shell.run("mcp", "install", "--path", "other.json", "--name", "watch")

    assert "tgewatch" in json.loads(shell.read("project/.mcp.json"))["mcpServers"]
    assert "watch" in json.loads(shell.read("other.json"))["mcpServers"]


def test_a_link_is_followed_and_the_files_permissions_stay(shell):
    shell.write("{}", "real.json").chmod(0o600)
    (shell.folder / ".mcp.json").symlink_to("real.json")

    assert shell.run("mcp", "install").code == 0

    assert (shell.folder / ".mcp.json").is_symlink()
    assert "tgewatch" in json.loads(shell.read("real.json"))["mcpServers"]
    assert (shell.folder / "real.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("broken", ['{"mcpServers": {', "null", '{"mcpServers": 3}'])
def test_a_broken_file_is_left_as_it_is(shell, broken):
    shell.write(broken, ".mcp.json")

    ended = shell.run("mcp", "install")

    assert ended.code == 2
    assert ".mcp.json" in ended.err.splitlines()[-1]
    assert shell.read(".mcp.json") == broken


def test_a_folder_that_is_not_there_is_one_sentence(shell):
    ended = shell.run("mcp", "install", "--path", "nowhere/.mcp.json")

    assert ended.code == 2
    assert "cannot be written: No such file or directory" in ended.err


def test_wrong_settings_stop_it_before_anything_is_written(shell):
    shell.write("[polling]\nintervall = 3\n")

    for command in (("mcp",), ("mcp", "install")):
        ended = shell.run(*command)
        assert (ended.code, ended.out) == (2, "")
        assert "interval" in ended.err
    assert not (shell.folder / ".mcp.json").exists()


def test_the_extra_is_named_where_it_is_missing(shell, monkeypatch):
    monkeypatch.setitem(sys.modules, "mcp", None)

    ended = shell.run("mcp")

    assert ended.code == 2
    assert ended.err.splitlines()[-1] == "the MCP server needs `pip install tgewatch[mcp]`"


def test_install_needs_no_extra(shell, monkeypatch):
    monkeypatch.setitem(sys.modules, "mcp", None)

    assert shell.run("mcp", "install").code == 0
