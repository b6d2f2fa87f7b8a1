"""A command that is played by a script."""

import subprocess
import sys

from tgewatch.testing import executable as module
from tgewatch.testing.executable import executable, has_ended


def test_the_script_gets_its_own_arguments_and_then_the_callers(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("import sys; print(sys.argv[1:])")
    command = executable(tmp_path / "bin" / "tool", script, "first", tmp_path / "a b")

    ended = subprocess.run([command, "--x", "y z"], capture_output=True, text=True, check=True)  # noqa: S603

    assert ended.stdout == f"{['first', str(tmp_path / 'a b'), '--x', 'y z']}\n"


def test_a_process_that_goes_on_has_not_ended_and_one_that_was_killed_has(monkeypatch):
    with subprocess.Popen([sys.executable, "-S", "-c", "import signal; signal.pause()"]) as going:
        monkeypatch.setattr(module, "PATIENCE", 0.0)
        assert not has_ended(going.pid)
        monkeypatch.setattr(module, "PATIENCE", 60.0)
        going.kill()
        assert has_ended(going.pid)
