"""Agents that share claude-flow hear of rounds, and rounds do not hear of claude-flow."""

import json
import signal
from pathlib import Path

import pytest

from tgewatch.testing.executable import executable

STAND_IN = Path(__file__).parents[1] / "swarm" / "claude_flow" / "stand_in.py"


@pytest.fixture
def install(shell, monkeypatch):
    """Return what puts a stand-in into the project, and lets a scan wait for it."""

    def install(person, drain=60):
        monkeypatch.delenv("TGEWATCH_CLAUDE_FLOW__ENABLED")
        command = shell.folder / "node_modules" / ".bin" / "claude-flow"
        executable(command, STAND_IN, person, shell.folder / "claude-flow.log")
        shell.site.feeds["news"] = [
            ("Merida announces its token generation event", "TGE soon.", 3.0)
        ]
        shell.settings(shell.site.url(), more=f"[claude_flow]\ndrain = {drain}\n")

    return install


def heard(shell):
    calls = map(json.loads, (shell.folder / "claude-flow.log").read_text().splitlines())
    return [" ".join(call["arguments"][:2]) for call in calls]


def stored(shell):
    path = shell.folder / "state" / "claude-flow" / ".swarm" / "memory.db"
    rows = json.loads(path.read_text())
    return {key.partition("/")[2]: json.loads(value)["v"] for key, value in rows.items()}


def test_a_scan_is_told_from_its_beginning_to_its_end(shell, install):
    install("v3")

    ended = shell.scan()

    assert ended.code == 0
    assert heard(shell)[4:] == [
        "hooks pre-task", "hooks post-edit", "hooks post-task", "memory store", "memory store",
        "hooks notify",
    ]  # fmt: skip
    latest = stored(shell)["performance/optimization/latest"]
    assert latest["cycle_stats"]["counts"]["items_new"] == 1
    assert set(latest) >= {"targets", "cache_stats", "session_stats", "timestamp"}
    assert next(one["measure"] for one in latest["targets"]) == "cycle_seconds"


def test_a_round_that_changed_nothing_edits_nothing(shell, install):
    install("v3")
    shell.scan()

    shell.scan("--all", now="2026-09-21T13:00:00+00:00")

    assert heard(shell).count("hooks pre-task") == 2
    assert heard(shell).count("hooks post-edit") == 1


@pytest.mark.parametrize("person", ["hanging", "crashing", "flooding", "forgetful", "mute"])
def test_a_broken_tool_changes_nothing_in_what_a_scan_says(shell, install, person):
    install(person, drain=0)
    ended = shell.scan()

    assert ended.code == 0
    assert ended.json["items"]["new"] == 1


def test_a_watch_ends_its_session_with_a_report(shell, install):
    install("v3")
    with shell.process("run") as process:
        while "watching 1 sources" not in process.stderr.readline():
            pass
        ended = shell.finish(process, signal.SIGTERM)

    assert ended.code == 0
    names = heard(shell)[4:]
    assert names[0] == "hooks pre-task"
    assert names[-1] == "hooks session-end"
    assert set(stored(shell)["performance/final_report/latest"]) >= {"targets", "operations"}


def test_no_address_and_no_token_is_told(shell, install, monkeypatch):
    install("v3")
    monkeypatch.setenv("SOME_API_TOKEN", "a-secret-token")
    with shell.process("run") as process:
        while "watching 1 sources" not in process.stderr.readline():
            pass
        shell.finish(process, signal.SIGTERM)

    told = (shell.folder / "claude-flow.log").read_text()
    assert "hooks session-end" in heard(shell)
    assert "a-secret-token" not in told
    assert "http" not in told
