"""The services of the compose file as processes on this machine: they poll, tell, and stop in order."""

import os
import re
import signal
import subprocess
import sys
import threading
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from tests.deploy.conftest import yaml_of

from tgewatch.cli.alive import sign
from tgewatch.clock import SystemClock
from tgewatch.settings.load import load_settings
from tgewatch.testing.background import in_background
from tgewatch.testing.channel_server import ChannelServer
from tgewatch.testing.loopback import LoopbackServer, reply
from tgewatch.testing.postgres import postgres
from tgewatch.testing.valkey import valkey

SERVICES = yaml_of("compose.yaml")["services"]
OURS = {name: one for name, one in SERVICES.items() if one["image"].startswith("tgewatch:")}
PATIENCE = 120


def feed():
    """Return a feed that announces an event some weeks ahead."""
    now = datetime.fromtimestamp(SystemClock().now(), UTC)
    day = now + timedelta(days=40)
    when = f"{day.day} {day:%B %Y}"
    title = f"Merida announces its token generation event for {when}"
    text = f"Merida, ticker $MERI, said that its token generation event takes place on {when}."
    return (
        f"<rss version='2.0'><channel><title>news</title><item><title>{title}</title>"
        f"<link>http://127.0.0.1/1</link><description>{text}</description>"
        f"<pubDate>{format_datetime(now - timedelta(hours=3))}</pubDate></item></channel></rss>"
    ).encode()


async def answer(_asked, _line):
    return reply(200, feed(), Content_Type="application/rss+xml")


def until(ready):
    for _ in range(PATIENCE * 100):
        if ready():
            return
        threading.Event().wait(0.01)
    raise AssertionError("it never came")


class Crew:
    """One process a container."""

    def __init__(self, folder, databases):
        self.folder = folder
        self.databases = databases
        self.processes = []

    def environ(self, name, number):
        """Return what the compose file gives the service, with the addresses of this machine."""
        found = {k: v for k, v in os.environ.items() if not k.startswith("TGEWATCH_")}
        found |= {
            key: re.sub(r"\$\{\w+(?::\?[^}]*|:-)?\}", "", value)
            for key, value in OURS[name]["environment"].items()
        }
        return (
            found
            | self.databases
            | {
                "TGEWATCH_SETTINGS": str(self.folder / "tgewatch.toml"),
                "TGEWATCH_STATE": str(self.folder / f"{name}{number}"),
            }
        )

    def start(self, stack):
        for name, service in OURS.items():
            for number in range(service.get("deploy", {}).get("replicas", 1)):
                log = stack.enter_context((self.folder / f"{name}{number}.log").open("w"))
                process = subprocess.Popen(  # noqa: S603 - our own interpreter on our own words
                    [sys.executable, "-m", "tgewatch", *service["command"]],
                    env=self.environ(name, number),
                    stdout=subprocess.DEVNULL,
                    stderr=log,
                )
                stack.callback(process.kill)
                self.processes.append((name, number, process))

    def alive(self):
        """Return whether each of them says that it is."""
        return all(
            sign(
                load_settings(environ=self.environ(name, number), cwd=self.folder),
                SystemClock().now(),
            ).alive
            for name, number, _ in self.processes
        )

    def stop(self):
        """End them as an engine does; return the exit codes."""
        for *_, process in self.processes:
            process.send_signal(signal.SIGTERM)
        return [process.wait(PATIENCE) for *_, process in self.processes]

    def words(self):
        return "".join(path.read_text() for path in self.folder.glob("*.log"))


def test_they_live_poll_tell_once_and_end_when_told_to(tmp_path, testrun_uid, worker_id):
    site, channel = LoopbackServer(answer), ChannelServer()
    with ExitStack() as stack:
        try:
            cache = stack.enter_context(valkey())
            url = stack.enter_context(postgres(f"topology-{testrun_uid[:8]}-{worker_id}"))
        except ImportError as error:
            pytest.skip(f"no servers here: {error}")
        stack.enter_context(in_background(site, channel))
        (tmp_path / "tgewatch.toml").write_text(
            "[fetch]\nallow_private = true\nspacing = 0\n[detection]\nmode = 'discover'\n"
            "[swarm]\noperation = 30\nconnect = 30\n"
            f"[[source]]\nurl = '{site.url('/news.xml')}'\ninterval = 3600\n"
            f"[[channel]]\nname = 'hook'\nkind = 'webhook'\nurl = '{channel.url}'\n"
        )
        crew = Crew(
            tmp_path,
            {"TGEWATCH_STORE__DATABASE_URL": url, "TGEWATCH_SWARM__REDIS_URL": cache.url},
        )
        crew.start(stack)

        until(lambda: channel.received)
        until(crew.alive)
        codes = crew.stop()

        assert [name for name, *_ in crew.processes] == [
            "scheduler",
            "worker",
            "worker",
            "deliverer",
        ]
        assert codes == [0, 0, 0, 0], crew.words()
        assert len(channel.keys) == 1
        assert channel.received[0].json()["project"] == "Merida"
        assert len([one for one in site.asked if one.path == "/news.xml"]) == 1
        assert not crew.alive()
        assert "Traceback" not in crew.words()
