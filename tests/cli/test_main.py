"""How the program starts, fails and ends, as the shell around it sees it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import typer

import tgewatch.cli
from tgewatch.cli import COMMANDS, app
from tgewatch.errors import (
    ConfigError,
    MalformedError,
    RefusedError,
    StoreBusyError,
    TransientError,
)


def python(*arguments, **rest):
    """Run our own interpreter on our own words."""
    return subprocess.run(  # noqa: S603 - see above
        [sys.executable, *arguments], capture_output=True, text=True, check=False, **rest
    )


def begun(*arguments, **rest):
    """Start it, to be spoken to."""
    return subprocess.Popen(  # noqa: S603 - see above
        [sys.executable, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, **rest
    )


@pytest.fixture
def failing(monkeypatch):
    """A command that raises whatever the test says."""

    def use(error):
        broken = typer.Typer(cls=tgewatch.cli.Commands, pretty_exceptions_enable=False)
        broken.callback()(tgewatch.cli.options)

        @broken.command()
        def fail() -> None:
            raise error

        monkeypatch.setattr(tgewatch.cli, "app", broken)

    return use


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (
            ConfigError(["a:1: x", "a:2: y"]),
            2,
            "error: 2 problems in the settings\na:1: x\na:2: y\n",
        ),
        (MalformedError("no list"), 2, "error: no list\n"),
        (TransientError("no route"), 3, "error: no route\n"),
        (RefusedError("no"), 3, "error: no\n"),
        (StoreBusyError("pid 7 holds it"), 4, "error: pid 7 holds it\n"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
        (PermissionError(13, "Permission denied", "/x"), 70, "error: /x: Permission denied\n"),
        (ExceptionGroup("g", [ValueError("x"), StoreBusyError("held")]), 4, "error: held\n"),
        (BaseExceptionGroup("g", [ValueError("x"), KeyboardInterrupt()]), 130, "interrupted\n"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_each_error_has_its_code_and_its_sentence(shell, failing, error, code, said):
    failing(error)

    ended = shell.run("fail")

    assert (ended.code, ended.err, ended.out) == (code, said, "")


def test_a_fault_of_the_program_is_told_apart_from_the_answers(shell, failing):
    failing(KeyError("deep inside"))

    ended = shell.run("fail")

    assert ended.code == 70
    assert "unexpected KeyError: 'deep inside'" in ended.err
    assert "Traceback" not in ended.err
    assert len(ended.err.splitlines()) == 2


@pytest.mark.parametrize("arguments", [("--debug", "fail"), ("fail", "--debug")])
def test_details_are_shown_on_demand_wherever_one_asks(shell, failing, arguments):
    failing(KeyError("deep inside"))

    assert "Traceback" in shell.run(*arguments).err


def test_a_command_may_choose_its_code(shell, failing):
    failing(typer.Exit(3))

    ended = shell.run("fail")

    assert (ended.code, ended.err) == (3, "")


@pytest.mark.parametrize(
    "arguments", [("nope",), ("check", "--nope"), ("import",), ("export", "--format", "xls")]
)
def test_wrong_usage_is_two_and_says_where_help_is(shell, arguments):
    ended = shell.run(*arguments)

    assert ended.code == 2
    assert "tgewatch" in ended.err
    assert "Traceback" not in ended.err


def test_a_word_that_is_nearly_a_command_is_guessed(shell):
    assert "check" in shell.run("chek").err


def test_the_version_is_printed(shell):
    ended = shell.run("--version")

    assert ended.code == 0
    assert ended.out.startswith("tgewatch 0.")


def test_help_names_every_command_and_every_exit_code(shell):
    shown = shell.run("--help").out

    for command in app.registered_commands:
        assert (command.name or command.callback.__name__) in shown
    for code in ("0 done", "1 done with", "2 wrong", "3 nothing", "4 another", "130"):
        assert code in " ".join(shown.split())


def test_no_two_modules_are_one_command():
    assert len(set(COMMANDS)) == len(COMMANDS)


def test_settings_may_be_named_before_the_command_and_after_it(shell):
    named = shell.write("[cycle]\ndeadline = 7\n", "mine.toml")

    for arguments in (["-s", str(named), "check", "--json"], ["check", "--json", "-s", str(named)]):
        assert shell.run(*arguments).json["settings"] == str(named)


def test_starting_imports_nothing_that_help_does_not_need():
    heavy = ["aiohttp", "sqlalchemy", "pydantic", "trafilatura", "apprise", "lxml", "orjson"]
    script = f"import sys, tgewatch.cli; sys.exit([m for m in {heavy} if m in sys.modules] or 0)"

    run = python("-c", script)

    assert run.returncode == 0, run.stderr


def test_completion_knows_the_commands(tmp_path):
    environ = {
        **os.environ,
        "_TGEWATCH_COMPLETE": "complete_bash",
        "COMP_WORDS": "tgewatch ch",
        "COMP_CWORD": "1",
    }
    script = "from tgewatch.cli import main; main()"
    run = python("-c", script, env=environ, cwd=tmp_path)

    assert run.stdout.split() == ["check"]


def test_a_reader_that_stops_reading_is_no_error(tmp_path):
    with begun("-m", "tgewatch", "check", "--reference", cwd=tmp_path) as process:
        process.stdout.close()
        err = process.stderr.read()

    assert process.returncode == 141
    assert err == b""


def test_ctrl_c_ends_clean(tmp_path):
    script = (
        "import tgewatch.cli, time, typer\n"
        "@tgewatch.cli.app.command()\n"
        "def wait():\n"
        "    print('ready', flush=True)\n"
        "    while True: time.sleep(60)\n"
        "tgewatch.cli.main(['wait'])\n"
    )
    with begun("-c", script, text=True, cwd=tmp_path) as process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)

    assert (process.returncode, err) == (130, "interrupted\n")


def test_odd_characters_never_break_a_narrow_terminal(tmp_path):
    (tmp_path / "tgewatch.toml").write_text('[fetch]\n"wört" = "☕"\n', encoding="utf-8")

    run = python(
        "-m", "tgewatch", "check", env={**os.environ, "PYTHONIOENCODING": "ascii"}, cwd=tmp_path
    )

    assert run.returncode == 2
    assert "[fetch.w\\xf6rt] is not a setting" in run.stderr
    assert "Traceback" not in run.stderr


def test_every_module_of_a_command_registers_it():
    folder = Path(tgewatch.cli.__file__).parent

    for module in folder.glob("*.py"):
        if "\ndef register(" in module.read_text(encoding="utf-8"):
            assert module.stem in COMMANDS
