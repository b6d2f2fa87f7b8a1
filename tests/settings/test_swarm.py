import pytest

from tgewatch.errors import ConfigError
from tgewatch.settings import CacheSettings, SwarmSettings
from tgewatch.settings.load import load_settings


def loaded(tmp_path, text, **environ):
    (tmp_path / "tgewatch.toml").write_text(text)
    return load_settings(environ=environ, cwd=tmp_path)


def test_an_instance_is_alone_until_it_is_told_of_a_server(tmp_path):
    assert loaded(tmp_path, "").swarm.redis_url == ""


@pytest.mark.parametrize("name", ["TGEWATCH_REDIS_URL", "TGEWATCH_SWARM__REDIS_URL"])
def test_the_url_may_come_from_the_environment(tmp_path, name):
    assert loaded(tmp_path, "", **{name: "redis://a"}).swarm.redis_url == "redis://a"


def test_the_url_is_a_secret_that_may_stand_elsewhere(tmp_path):
    (tmp_path / "url").write_text("redis://u:hush@a\n")

    settings = loaded(tmp_path, '[swarm]\nredis_url_file = "url"\n')

    assert settings.swarm.redis_url == "redis://u:hush@a"
    assert "hush" not in repr(settings)


def test_every_tier_that_is_shared_is_one_of_the_cache(tmp_path):
    assert set(SwarmSettings().tiers) < set(CacheSettings().tiers)
    all_of_them = ", ".join(f'"{name}"' for name in CacheSettings().tiers)
    assert loaded(tmp_path, f"[swarm]\ntiers = [{all_of_them}]\n")


@pytest.mark.parametrize(
    "line",
    [
        'tiers = ["rsss"]',
        'prefix = "a b"',
        'prefix = ""',
        'instance = "a b"',
        "operation = 0",
        "heartbeat = 0",
        "connections = 1",
        "expected = 0",
    ],
)
def test_what_cannot_work_is_told_at_its_line(tmp_path, line):
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, f"[swarm]\n{line}\n")

    assert f"tgewatch.toml:2: [swarm.{line.split()[0]}" in str(caught.value)
