"""The systemd units, by rules of our own and by systemd itself where it is there."""

import configparser
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.deploy.conftest import DEPLOY, understood

from tgewatch.settings.load import load_settings
from tgewatch.settings.locate import Folders

UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
EXPOSURE = 25
"""Tenths: what `systemd-analyze security` may say at most; 0 is sealed, 100 is open."""


def unit(path):
    """Return a unit's sections: key → values, since a key may stand several times."""

    class Many(dict):
        def __setitem__(self, key, value):
            if isinstance(value, list) and key in self:
                self[key].extend(value)
            else:
                super().__setitem__(key, value)

    parser = configparser.RawConfigParser(strict=False, dict_type=Many, empty_lines_in_values=False)
    parser.optionxform = str
    parser.read_string(path.read_text(encoding="utf-8"))
    return {
        name: {key: value.split("\n") for key, value in parser.items(name)}
        for name in parser.sections()
    }


def test_there_is_one_for_the_whole_and_one_for_each_role():
    assert [path.name for path in UNITS] == [
        "tgewatch-deliverer.service",
        "tgewatch-scheduler.service",
        "tgewatch-worker@.service",
        "tgewatch.service",
    ]


@pytest.mark.parametrize("path", UNITS, ids=lambda p: p.name)
def test_it_starts_a_command_that_there_is(path):
    (start,) = unit(path)["Service"]["ExecStart"]
    program, *arguments = shlex.split(start)

    assert program == "/opt/tgewatch/bin/tgewatch"
    understood(arguments)


@pytest.mark.parametrize("path", UNITS, ids=lambda p: p.name)
def test_it_says_when_it_is_ready_and_is_started_anew_unless_that_is_in_vain(path):
    service = unit(path)["Service"]

    assert service["Type"] == ["notify"]
    assert service["WatchdogSec"] == ["60"]
    assert service["Restart"] == ["on-failure"]
    assert service["RestartPreventExitStatus"] == ["2"]


@pytest.mark.parametrize("path", UNITS, ids=lambda p: p.name)
def test_what_the_environment_sets_are_settings(path, tmp_path):
    lines = unit(path)["Service"]["Environment"]
    environ = dict(line.replace("%i", "3").split("=", 1) for line in lines)
    environ["TGEWATCH_SETTINGS"] = str(DEPLOY / "tgewatch.toml")

    settings = load_settings(
        environ=environ, cwd=tmp_path, folders=Folders(config=tmp_path, state=tmp_path)
    )

    assert settings.metrics.listen.startswith("127.0.0.1:94")


def test_each_has_a_state_and_a_port_of_its_own():
    services = [unit(path)["Service"] for path in UNITS]
    listens = [line for one in services for line in one["Environment"] if "LISTEN" in line]

    assert len({one["StateDirectory"][0] for one in services}) == len(UNITS)
    assert len(set(listens)) == len(UNITS)


def test_what_differs_between_them_is_named_and_the_rest_is_not():
    own = {"ExecStart", "Environment", "StateDirectory"}
    rest = [
        {key: value for key, value in unit(path)["Service"].items() if key not in own}
        for path in UNITS
    ]

    assert all(one == rest[0] for one in rest)


def test_the_example_of_the_environment_holds_settings_and_no_secret(tmp_path):
    text = (DEPLOY / "systemd" / "tgewatch.env.example").read_text(encoding="utf-8")
    environ = dict(re.findall(r"^#?(TGEWATCH_\w+)=(.*)$", text, re.MULTILINE))
    environ.pop("TGEWATCH_TABLE__KEY", None)

    settings = load_settings(
        environ=environ, cwd=tmp_path, folders=Folders(config=tmp_path, state=tmp_path)
    )

    assert settings.swarm.redis_url
    assert not re.findall(r"^TGEWATCH", text, re.MULTILINE)


def installed(folder):
    """Write the units with a program that is there, as systemd wants to see one."""
    found = []
    program = Path(sys.executable)
    for path in UNITS:
        name = path.name.replace("@.", "@1.")
        copy = folder / name
        text = path.read_text(encoding="utf-8")
        copy.write_text(text.replace("/opt/tgewatch/bin/tgewatch", str(program)))
        found.append(copy)
    return found


def analysed(*arguments):
    if (tool := shutil.which("systemd-analyze")) is None:
        pytest.skip("systemd-analyze is not installed: units were checked by our own rules only")
    return subprocess.run(  # noqa: S603 - a linter on our own files
        [tool, *map(str, arguments)], capture_output=True, text=True, check=False
    )


def test_systemd_takes_them(tmp_path):
    done = analysed("verify", "--man=no", *installed(tmp_path))

    assert (done.returncode, done.stderr.strip()) == (0, "")


def test_systemd_finds_a_wrong_one(tmp_path):
    (first, *_) = installed(tmp_path)
    first.write_text(first.read_text().replace("Type=notify", "Type=notifie"))

    done = analysed("verify", "--man=no", first)

    assert "notifie" in done.stderr


def test_they_are_sealed_well(tmp_path):
    for path in installed(tmp_path):
        done = analysed("security", "--offline=true", f"--threshold={EXPOSURE}", path)
        if "Unknown" in done.stderr or "unrecognized" in done.stderr:
            pytest.skip("systemd is too old to judge units offline")
        assert done.returncode == 0, done.stdout[-200:]
