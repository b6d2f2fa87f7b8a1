"""A health check says yes to what lives, and no, with the reason, to everything else."""

import asyncio
import json
import threading

import pytest

from tgewatch.cli.alive import sign
from tgewatch.clock import SystemClock
from tgewatch.metrics.endpoint import Address, serve_metrics
from tgewatch.metrics.metering import Metering
from tgewatch.settings import MetricsSettings
from tgewatch.settings.load import shipped_settings

NOW = 1_700_000_000.0


def settings_with(path=None, **metrics):
    given = {**({"path": path} if path else {}), **metrics}
    return shipped_settings().model_copy(update={"metrics": MetricsSettings(**given)})


@pytest.fixture
def endpoint():
    """Serve the metrics of a program from a thread, and yield the port."""
    ready, done, ports = threading.Event(), threading.Event(), []

    async def serve():
        metering = Metering(MetricsSettings(), clock=SystemClock(), keep_alive=60.0)
        async with serve_metrics(metering, Address("127.0.0.1", 0)) as bound:
            ports.append(bound.port)
            ready.set()
            await asyncio.to_thread(done.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert ready.wait(30)
    yield ports[0]
    done.set()
    thread.join()


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])  # noqa: S104 - asked, not bound
def test_an_address_that_answers_is_a_sign_of_life(endpoint, host):
    found = sign(settings_with(listen=f"{host}:{endpoint}"), NOW)

    assert (found.alive, found.how.endswith("answers 200")) == (True, True)


def test_an_address_that_nobody_listens_on_is_none():
    found = sign(settings_with(listen="127.0.0.1:9"), NOW)

    assert found.alive is False
    assert "does not answer: Connection refused" in found.how


@pytest.mark.parametrize(
    ("written", "alive", "words"),
    [
        ({"at": NOW - 50, "running": True}, True, "50 s ago"),
        ({"at": NOW - 181, "running": True}, False, "181 s ago"),
        ({"at": NOW + 3_600, "running": True}, False, "-3600 s ago"),
        ({"at": NOW, "running": False}, False, "has stopped"),
        (None, False, "was not written"),
    ],
)
def test_without_an_address_the_age_of_the_file_counts(tmp_path, written, alive, words):
    path = tmp_path / "metrics.json"
    if written is not None:
        path.write_text(json.dumps(written))

    found = sign(settings_with(path), NOW)

    assert (found.alive, words in found.how) == (alive, True)


def test_with_metrics_off_it_says_that_nothing_tells(tmp_path):
    assert "nothing tells" in sign(settings_with(tmp_path / "x", enabled=False), NOW).how


def test_the_command_exits_with_what_a_health_check_wants(shell):
    shell.write('[metrics]\nlisten = "9"\n')

    ended = shell.run("check", "--alive")
    as_json = shell.run("check", "--alive", "--json")

    assert (ended.code, as_json.code) == (1, 1)
    assert ended.err.startswith("no sign of life: http://127.0.0.1:9/metrics does not answer")
    assert as_json.json["alive"] is False
