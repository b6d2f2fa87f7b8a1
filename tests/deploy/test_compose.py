"""The compose file, held against the command line, the settings and itself."""

import re

import pytest
from tests.deploy.conftest import DEPLOY, understood, yaml_of

from tgewatch.settings.load import load_settings
from tgewatch.settings.locate import Folders

COMPOSE = yaml_of("compose.yaml")
SERVICES = COMPOSE["services"]
OURS = [name for name, service in SERVICES.items() if service["image"].startswith("tgewatch:")]


def test_there_are_a_scheduler_two_workers_and_what_they_need():
    assert set(OURS) == {"scheduler", "worker", "deliverer"}
    assert set(SERVICES) - set(OURS) == {"postgres", "valkey", "prometheus", "grafana"}
    assert SERVICES["worker"]["deploy"]["replicas"] == 2


@pytest.mark.parametrize("name", OURS)
def test_the_command_line_takes_each_command(name):
    understood(SERVICES[name]["command"])


def test_a_command_that_is_none_is_found_out():
    with pytest.raises(AssertionError, match="no command 'wrok'"):
        understood(["wrok"])
    with pytest.raises(Exception, match="--rolle"):
        understood(["run", "--rolle", "worker"])


@pytest.mark.parametrize("name", OURS)
def test_ours_run_without_rights_and_write_nowhere_but_where_they_may(name):
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert {one.partition(":")[0] for one in service["tmpfs"]} == {"/tmp", "/var/lib/tgewatch"}  # noqa: S108 - a mount
    assert all(volume.endswith(":ro") for volume in service["volumes"])
    assert "privileged" not in service


@pytest.mark.parametrize("name", OURS)
def test_the_environment_sets_what_there_is_to_set(name, tmp_path):
    environ = {
        key: re.sub(r"\$\{\w+(:\?[^}]*|:-)?\}", "secret", value)
        for key, value in SERVICES[name]["environment"].items()
    }
    environ["TGEWATCH_SETTINGS"] = str(DEPLOY / "tgewatch.toml")
    environ |= image_environment()

    settings = load_settings(
        environ=environ, cwd=tmp_path, folders=Folders(config=tmp_path, state=tmp_path)
    )

    assert settings.store.database_url == "postgresql://tgewatch:secret@postgres:5432/tgewatch"
    assert settings.swarm.redis_url == "redis://:secret@valkey:6379/0"
    assert settings.metrics.listen == "0.0.0.0:9464"
    assert str(settings.state) == "/var/lib/tgewatch"
    assert settings.sources


def image_environment():
    """Return what the image itself sets."""
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    final = text[text.rindex("\nFROM ") :]
    pairs = dict(
        re.findall(r"(\w+)=(\S+)", " ".join(re.findall(r"^ENV (.*)$", final, re.MULTILINE)))
    )
    return {key: value for key, value in pairs.items() if key.startswith("TGEWATCH_")}


def test_every_variable_is_in_the_example_and_none_else():
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    example = (DEPLOY / "env.example").read_text(encoding="utf-8")

    used = set(re.findall(r"\$\{(\w+)", text))

    assert used == set(re.findall(r"^(\w+)=", example, re.MULTILINE))


def test_no_password_has_a_default():
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")

    for variable, default in re.findall(r"\$\{(\w+)([^}]*)\}", text):
        if "PASSWORD" in variable:
            assert default == ":?set it in deploy/.env", variable


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_each_service_is_bounded_restarted_and_pinned(name):
    service = SERVICES[name]
    _, _, tag = service["image"].rpartition(":")

    assert service["restart"] == "unless-stopped"
    assert "mem_limit" in service
    assert service["logging"]["options"] == {"max-size": "10m", "max-file": "3"}
    assert re.search(r"\d|^local$", tag), "an image without a version changes under our feet"


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_nothing_is_reached_from_outside_this_machine(name):
    for port in SERVICES[name].get("ports", ()):
        assert port.startswith("127.0.0.1:")


def test_the_databases_have_no_way_out():
    assert COMPOSE["networks"]["inside"]["internal"] is True
    for name in ("postgres", "valkey"):
        assert SERVICES[name]["networks"] == ["inside"]
        assert "ports" not in SERVICES[name]


def test_whoever_needs_another_waits_until_that_is_healthy():
    for name in OURS:
        for needed, condition in SERVICES[name]["depends_on"].items():
            assert condition == {"condition": "service_healthy"}
            assert "healthcheck" in SERVICES[needed]


def test_every_volume_network_and_file_that_is_named_is_there():
    for service in SERVICES.values():
        assert set(service["networks"]) <= set(COMPOSE["networks"])
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            if source.startswith("."):
                assert (DEPLOY / source).exists(), source
            else:
                assert source in COMPOSE["volumes"]
    build = SERVICES["worker"]["build"]
    assert (DEPLOY / build["context"] / build["dockerfile"]).is_file()


def test_a_full_valkey_gives_up_answers_and_takes_further_work():
    command = SERVICES["valkey"]["command"]

    # With `noeviction` shared answers would stop the queue; with `allkeys-…` they would evict it.
    assert command[command.index("--maxmemory-policy") + 1] == "volatile-lru"
    assert command[command.index("--maxmemory") + 1].endswith("mb")
    assert command[command.index("--appendonly") + 1] == "yes"
