import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

from tgewatch.cli.trial import _trial
from tgewatch.engine.trial import Trial
from tgewatch.errors import MalformedError
from tgewatch.testing import ManualClock

FEED = b"""<?xml version="1.0"?><rss version="2.0"><channel><title>t</title>
<item><title>Hello</title><link>http://example.com/1</link><guid>1</guid>
<pubDate>Mon, 06 Jan 2025 10:00:00 GMT</pubDate></item></channel></rss>"""


class Feed(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "application/rss+xml")
        self.send_header("Content-Length", str(len(FEED)))
        self.end_headers()
        self.wfile.write(FEED)

    def log_message(self, *_):
        pass


@pytest.fixture
def origin():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Feed)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def command(tmp_path, origin):
    def write(count):
        sources = "".join(
            f'[[source]]\nname = "s{n}"\nurl = "{origin}/{n}"\n' for n in range(count)
        )
        path = tmp_path / "tgewatch.toml"
        path.write_text(f"[fetch]\nallow_private = true\nspacing = 0\n{sources}")

    def start(*arguments):
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("TGEWATCH_", "XDG_"))}
        return subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "tgewatch", "experiment", *arguments],
            cwd=tmp_path,
            env=clean | {"HOME": str(tmp_path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    write(6)
    start.write = write
    return start


def ran(command, *arguments):
    """Run a trial until it has begun, and stop it as a service manager would."""
    with command("run", "--json", *arguments) as process:
        begun = next(line for line in process.stderr if "<Trial" in line)
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    return begun, json.loads(out)


def asked(command):
    with command("status", "--json") as process:
        return json.loads(process.communicate(timeout=30)[0])


def test_a_trial_goes_on_where_it_stopped(command):
    begun, first = ran(command)
    assert "on 6 sources>, begun" in begun
    assert first["decision"] == "running"
    assert first["arms"].keys() == {"fixed", "index"}

    continued, second = ran(command)
    assert "on 6 sources>, continued" in continued
    assert second["started"] == first["started"] == asked(command)["started"]


def test_another_trial_begins_only_when_asked_for():
    now = 1_700_000_000.0
    rates = {f"https://{n}.example/": 1e-4 for n in range(6)}
    earlier = Trial.begin(rates, now=now - 100, chance=lambda: 0.7)

    async def note(_):
        return earlier.dump()

    program = SimpleNamespace(
        store=SimpleNamespace(note=note),
        schedule=SimpleNamespace(rates=lambda: rates),
        clock=ManualClock(now),
    )

    assert asyncio.run(_trial(program, restart=False)).started == now - 100
    assert asyncio.run(_trial(program, restart=True)).started == now


def test_a_trial_that_cannot_be_read_says_how_to_begin_another():
    async def note(_):
        return b"{half a tri"

    program = SimpleNamespace(store=SimpleNamespace(note=note))
    with pytest.raises(MalformedError, match="experiment run --restart` begins another"):
        asyncio.run(_trial(program, restart=False))


def test_too_few_sources_make_no_trial(command):
    command.write(3)
    with command("run") as process:
        _, err = process.communicate(timeout=30)

    assert process.returncode == 2
    assert "a trial needs 4 sources" in err
