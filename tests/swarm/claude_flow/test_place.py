"""The command is found and never fetched, and sees little of what is around it."""

import os
import subprocess
import sys

import pytest

from tgewatch.settings import ClaudeFlowSettings
from tgewatch.swarm.claude_flow import Place, find
from tgewatch.swarm.claude_flow import place as place_module


@pytest.fixture
def executable(tmp_path):
    def make(name):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("#!/bin/sh\n")
        path.chmod(0o755)
        return path

    return make


def found(tmp_path, path="", **told):
    settings = ClaudeFlowSettings(**told)
    return find(settings, folder=tmp_path, state=tmp_path / "state", path=path)


def test_a_command_that_is_told_is_the_one(tmp_path, executable):
    executable("node_modules/.bin/claude-flow")
    told = executable("elsewhere/flow")

    assert found(tmp_path, command="elsewhere/flow").command == told
    assert found(tmp_path, command=str(told)).command == told
    assert found(tmp_path, path=str(told.parent), command="flow").command == told


def test_a_command_that_is_told_and_not_there_is_replaced_by_no_other(tmp_path, executable):
    executable("node_modules/.bin/claude-flow")
    on_path = executable("bin/claude-flow")

    assert found(tmp_path, path=str(on_path.parent), command="elsewhere/flow") is None
    assert found(tmp_path, path=str(on_path.parent), command="flow") is None


def test_the_project_comes_before_the_path_and_the_old_name_before_the_new(tmp_path, executable):
    new = executable("bin/ruflo")
    path = str(new.parent)
    assert found(tmp_path, path=path).command == new
    old = executable("bin/claude-flow")
    assert found(tmp_path, path=path).command == old
    local = executable("node_modules/.bin/claude-flow")
    assert found(tmp_path, path=path).command == local


def test_what_cannot_be_run_is_not_there(tmp_path, executable):
    executable("node_modules/.bin/claude-flow").chmod(0o644)
    (tmp_path / "bin" / "claude-flow").mkdir(parents=True)

    assert found(tmp_path, path=str(tmp_path / "bin")) is None


def test_npx_is_never_what_runs_it(tmp_path, executable):
    npx = executable("bin/npx")

    assert found(tmp_path, path=str(npx.parent)) is None
    with pytest.raises(ValueError, match="not what downloads it: install it once"):
        ClaudeFlowSettings(command="npx")


def test_switched_off_or_without_process_groups_there_is_none(tmp_path, executable, monkeypatch):
    executable("node_modules/.bin/claude-flow")
    assert found(tmp_path, enabled=False) is None
    assert found(tmp_path) is not None
    monkeypatch.setattr(sys, "platform", "win32")
    assert found(tmp_path) is None


def test_it_works_in_a_folder_of_its_own_unless_told_where_agents_do(tmp_path, executable):
    executable("node_modules/.bin/claude-flow")
    alone, shared = found(tmp_path), found(tmp_path, root=tmp_path / "swarm")

    assert (alone.root, alone.own) == (tmp_path / "state" / "claude-flow", True)
    assert (shared.root, shared.own) == (tmp_path / "swarm", False)
    assert shared.folder == alone.folder


def test_no_token_reaches_it_and_the_way_home_does(tmp_path):
    place = Place(tmp_path / "x", tmp_path, own=True, folder=tmp_path / "own")
    around = {
        "HOME": "/home/lumara", "PATH": "/usr/bin", "LANG": "C.UTF-8",
        "ANTHROPIC_API_KEY": "s", "X_BEARER_TOKEN": "s", "TGEWATCH_X__TOKEN": "s",
        "HTTPS_PROXY": "http://me:s@proxy", "NODE_OPTIONS": "--require s", "LD_PRELOAD": "s",
    }  # fmt: skip

    seen = place.environment(around)

    assert (seen["HOME"], seen["LANG"]) == ("/home/lumara", "C.UTF-8")
    assert "s" not in seen.values()
    assert set(seen) <= place_module.SEEN | set(place_module.TOLD)
    assert {
        "RUFLO_DAEMON_AUTOSTART": "0",
        "CLAUDE_FLOW_AUTO_UPDATE": "false",
    }.items() <= seen.items()


def test_the_npx_that_it_finds_first_downloads_nothing(tmp_path, executable):
    real = executable("bin/npx")
    place = Place(tmp_path / "x", tmp_path / "root", own=False, folder=tmp_path / "own")
    place.prepare()
    place.prepare()
    path = place.environment({"PATH": str(real.parent)})["PATH"]

    ended = subprocess.run(["npx", "ruv-swarm"], env={"PATH": path}, check=False)  # noqa: S607

    assert ended.returncode == 1
    assert path.split(os.pathsep)[1:] == [str(real.parent)]
    assert not (tmp_path / "root" / "bin").exists()
