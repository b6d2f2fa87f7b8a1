"""Two instances of the program, each with a store of its own, and one server."""

import pytest

from tgewatch.testing.valkey import valkey


@pytest.fixture
def server():
    try:
        with valkey() as server:
            yield server
    except ImportError as error:
        pytest.skip(f"no Valkey here: {error}")


def together(server):
    return f'[swarm]\nredis_url = "{server.url}"\n'


def test_what_a_host_told_one_instance_another_obeys(shell, server):
    shell.site.pausing["news"] = 3_600
    shell.settings(shell.site.url(), more=together(server))

    first = shell.scan("--all", "--state", "one").json
    second = shell.scan("--all", "--state", "two").json

    assert first["sources"]["failed"] == {"http_429": 1}
    assert len(shell.site.server.asked) == 1
    assert (second["sources"]["polled"], second["sources"]["deferred"]) == (0, 1)


def test_an_instance_that_is_alone_is_told_nothing(shell):
    shell.site.pausing["news"] = 3_600
    shell.settings(shell.site.url())

    for state in ("one", "two"):
        found = shell.scan("--all", "--state", state).json
        assert found["sources"]["failed"] == {"http_429": 1}

    assert len(shell.site.server.asked) == 2


def test_a_scan_without_the_server_does_its_work_and_says_so_once(shell, server):
    server.kill()
    shell.site.feeds["news"] = [("Markets were quiet", "Nothing happened.", 5.0)]
    shell.settings(shell.site.url(), more=together(server))

    ended = shell.scan("--all")

    assert ended.code == 0
    assert ended.json["items"]["new"] == 1
    assert ended.err.count("swarm_down") == 1
