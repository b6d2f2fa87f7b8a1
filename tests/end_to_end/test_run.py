"""`tgewatch run`: watched by a supervisor, stopped in order, killed without order."""

import signal
import socket
import threading
from datetime import UTC, datetime, timedelta

import pytest

from tgewatch.clock import SystemClock


@pytest.fixture
def watching(shell):
    """The shell with a feed that has something to tell: this program goes by the real time."""
    shell.site.now = SystemClock().now()
    day = datetime.fromtimestamp(shell.site.now, UTC) + timedelta(days=40)
    when = f"{day.day} {day:%B %Y}"
    text = f"Merida, ticker $MERI, said that its token generation event takes place on {when}."
    shell.site.feeds["news"] = [
        (f"Merida announces its token generation event for {when}", text, 3.0)
    ]
    shell.settings(shell.site.url())
    return shell


@pytest.fixture
def supervisor(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as taken:
        taken.bind(str(tmp_path / "notify"))
        taken.settimeout(60)
        yield taken


def heard(supervisor, word):
    """Return what was said up to a message with this word."""
    said = []
    while not said or word not in said[-1]:
        said.append(supervisor.recv(4_096).decode())
    return said


def until(ready):
    for _ in range(3_000):
        if ready():
            return
        threading.Event().wait(0.01)
    raise AssertionError("it never came")


def test_the_supervisor_hears_that_it_is_ready_alive_and_stopping(watching, supervisor):
    address = supervisor.getsockname()
    with watching.process("run", NOTIFY_SOCKET=address, WATCHDOG_USEC="200000") as process:
        started = heard(supervisor, "READY=1")
        heard(supervisor, "WATCHDOG=1")
        heard(supervisor, "WATCHDOG=1")
        until(lambda: watching.channel.received)

        process.send_signal(signal.SIGTERM)
        stopped = heard(supervisor, "STOPPING=1")
        ended = watching.finish(process)

    assert "STATUS=watching 1 sources" in started[-1]
    assert stopped
    assert ended.code == 0
    assert ended.err.splitlines()[-1] == "stopped"
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_poll_under_way_is_finished_when_it_is_told_to_stop(watching, number):
    with watching.process("run") as process:
        until(lambda: watching.site.server.asked)

        ended = watching.finish(process, number)

    assert ended.code == 0
    (state,) = watching.run("sources", "--json").json
    assert state["polls"] == 1
    assert len(watching.channel.keys) == 1


def test_killed_and_started_again_it_repeats_nothing_that_was_marked(watching):
    with watching.process("run") as process:
        until(lambda: watching.channel.received)
        until(
            lambda: (
                watching.run("deliveries", "--days", "9", "--json").json[0]["state"] == "delivered"
            )
        )
        assert watching.finish(process, signal.SIGKILL).code == -signal.SIGKILL
    asked = len(watching.site.server.asked)

    with watching.process("run") as process:
        assert "watching" in process.stderr.readline()
        ended = watching.finish(process, signal.SIGTERM)

    assert ended.code == 0
    assert len(watching.site.server.asked) == asked  # it is not due yet
    assert len(watching.channel.keys) == 1
